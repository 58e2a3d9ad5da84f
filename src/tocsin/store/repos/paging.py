"""Pages by key: the next page starts behind the last row of this one, however many rows have come since."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from tocsin.core.errors import Invalid

T = TypeVar("T")
LONGEST_PAGE = 500


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Some rows, and the cursor of the next page; None when this is the last."""

    items: tuple[T, ...]
    next: str | None


def page(rows: Sequence[T], *, limit: int, cursors: Sequence[str]) -> Page[T]:
    """Make a page of `limit` rows from a query for one more; `cursors` has a row's cursor each."""
    if len(rows) <= limit:
        return Page(tuple(rows), None)
    return Page(tuple(rows[:limit]), cursors[limit - 1])


def page_limit(limit: int) -> int:
    """Check a page size; raises Invalid."""
    if not 1 <= limit <= LONGEST_PAGE:
        raise Invalid(f"A page has 1 to {LONGEST_PAGE} rows, not {limit}.")
    return limit


def join_cursor(key: int, id: str) -> str:
    """Make the cursor of a row that is sorted by a number, then by id."""
    return f"{key}~{id}"


def split_cursor(cursor: str) -> tuple[int, str]:
    """Read what `join_cursor` made; raises Invalid."""
    key, separator, id = cursor.partition("~")
    try:
        number = int(key)
    except ValueError:
        number, separator = 0, ""
    if not separator:
        raise Invalid("The cursor is not one of this list.", hint="Leave it out to start at the first page.")
    return number, id
