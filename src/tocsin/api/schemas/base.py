"""What every schema shares."""

from typing import Annotated, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

T = TypeVar("T")


class In(BaseModel):
    """Something that a caller sends: an unknown member is an error, not a shrug."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Out(BaseModel):
    """Something that a caller gets."""

    model_config = ConfigDict(extra="forbid", frozen=True, from_attributes=True)


class PageOut(Out, Generic[T]):
    """Some of a list."""

    items: list[T]
    next: str | None = Field(description="Hand it over as `after` to get the next page; null on the last.")


Line = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=300)]
Text = Annotated[str, StringConstraints(max_length=20_000)]
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f,]+$")]
Id = Annotated[str, StringConstraints(min_length=1, max_length=80)]
# At most 18 digits before the ~, so that the number fits a database's integer.
Cursor = Annotated[str, StringConstraints(pattern=r"^(\d{1,18}~)?[0-9A-Za-z_-]{1,80}$")]


class PageIn(In):
    """Which page of a list."""

    limit: int = Field(default=50, ge=1, le=500)
    after: Cursor | None = None
