"""Compare what a case expects with what came of it; every difference, in rows that stand side by side."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from itertools import starmap, zip_longest

from tocsin.core.diagnostics import Span
from tocsin.core.values import Json, JsonObject
from tocsin.engine.events import AskOpened, StepFailed
from tocsin.rehearsal.canned import contains, is_effect, same
from tocsin.rehearsal.cast import Call, Exchange
from tocsin.rehearsal.model import Case, Expect, ExpectedAsk, ExpectedCall, ExpectedError, Waits
from tocsin.rehearsal.path import fits
from tocsin.rehearsal.places import names_of
from tocsin.rehearsal.stage import Played

FITS, SAME_STEP = 1000, 1  # what two texts of a path are worth beside each other


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a comparison. `expected` or `actual` is None where the other side has something more."""

    expected: str | None
    actual: str | None
    is_same: bool = True  # of two sides that both say something


@dataclass(frozen=True, slots=True)
class Difference:
    """One expectation that was not met. `rows` compare the two sides, if there is something to compare.

    `is_partial`: the actual side may say more than what was expected.
    """

    what: str
    span: Span
    rows: tuple[Row, ...] = ()
    is_partial: bool = False

    def differs(self, row: Row) -> bool:
        """Tell whether a row is one of those that are wrong."""
        if row.expected is None or row.actual is None:
            return row.actual is None or not self.is_partial
        return not row.is_same

    @property
    def first(self) -> int:
        """Return the index of the first row that is wrong."""
        return next((index for index, row in enumerate(self.rows) if self.differs(row)), 0)


def compare(case: Case, played: Played, path: tuple[str, ...]) -> tuple[Difference, ...]:
    """Return every difference."""
    return tuple(_differences(case.expect, played, path))


def _differences(expect: Expect, played: Played, path: tuple[str, ...]) -> Iterator[Difference]:
    if played.problem is not None:
        yield Difference(str(played.problem), expect.span)
    else:
        yield from _outcome(expect, played)
    if expect.path is not None:
        yield from _path(expect, expect.path, path)
    made = [exchange for exchange in calls_of(played) if not exchange.call.pending.probe]
    for wanted in expect.actions:
        yield from _call(wanted, made)
    yield from _not_called(expect, made)
    if expect.effects is not None:
        found = len({exchange.call.pending.key for exchange in made if is_effect(exchange.call)})
        if found != expect.effects:
            names = ", ".join(exchange.call.path for exchange in made if is_effect(exchange.call)) or "none"
            yield Difference(f"Effects: {expect.effects} were expected, and there were {found}: {names}.", expect.span)
    yield from _outputs(expect, played)
    if expect.asks is not None:
        yield from _asks(expect, expect.asks, played)
    if expect.error is not None:
        yield from _error(expect.error, played)


def calls_of(played: Played) -> list[Exchange]:
    """Return the calls of a run and of the playbooks that it called; those of the others are named `its-id:step`."""
    found = [*played.calls]
    for child in played.children:
        found += [_prefixed(one, child.plan.id) for one in calls_of(child)]
    return found


def _prefixed(exchange: Exchange, playbook: str) -> Exchange:
    pending = exchange.call.pending
    if ":" in pending.path:
        return exchange
    return replace(exchange, call=replace(exchange.call, pending=replace(pending, path=f"{playbook}:{pending.path}")))


def outcome_word(played: Played) -> str:
    """Name how a run ended: its outcome, or `waiting`."""
    return played.outcome.value if played.outcome is not None else Waits.WAITING.value


def _outcome(expect: Expect, played: Played) -> Iterator[Difference]:
    actual = outcome_word(played)
    if expect.outcome is not None and expect.outcome.value != actual:
        why = f" {played.reason}" if played.reason else _waits_for(played) if played.outcome is None else ""
        yield Difference(f"The run was expected to be {expect.outcome.value}, and is {actual}.{why}", expect.span)
    if expect.outcome is None and actual != "succeeded" and expect.error is None:
        why = f" {played.reason}" if played.reason else _waits_for(played) if played.outcome is None else ""
        yield Difference(f"The run is {actual}, and the case says nothing of it.{why}", expect.span)
    if expect.reason is not None and expect.reason not in played.reason:
        yield Difference("The reason of the end is another.", expect.span, (_unlike(expect.reason, played.reason),))


def _waits_for(played: Played) -> str:
    last = next((event for event in reversed(played.events) if hasattr(event, "path")), None)
    return f" It waits after '{getattr(last, 'path', '')}'." if last is not None else ""


def _path(expect: Expect, wanted: tuple[str, ...], actual: tuple[str, ...]) -> Iterator[Difference]:
    difference = Difference("The run took another path.", expect.span, aligned(wanted, actual), is_partial=not expect.path_exactly)
    if any(map(difference.differs, difference.rows)):
        yield difference


def aligned(wanted: Sequence[str], actual: Sequence[str]) -> tuple[Row, ...]:
    """Put two paths side by side: what fits stands beside each other, and so does one step that went two ways."""
    best = [[0] * (len(actual) + 1) for _ in range(len(wanted) + 1)]
    for left in range(len(wanted) - 1, -1, -1):
        for right in range(len(actual) - 1, -1, -1):
            alike = _alike(wanted[left], actual[right])
            beside = best[left + 1][right + 1] + alike if alike else 0
            best[left][right] = max(beside, best[left + 1][right], best[left][right + 1])
    rows, left, right = [], 0, 0
    while left < len(wanted) or right < len(actual):
        alike = _alike(wanted[left], actual[right]) if left < len(wanted) and right < len(actual) else 0
        if alike and best[left][right] == best[left + 1][right + 1] + alike:
            rows.append(Row(wanted[left], actual[right], is_same=alike == FITS))
            left, right = left + 1, right + 1
        elif right < len(actual) and (left == len(wanted) or best[left][right + 1] >= best[left + 1][right]):
            rows.append(Row(None, actual[right]))
            right += 1
        else:
            rows.append(Row(wanted[left], None))
            left += 1
    return tuple(rows)


def _alike(wanted: str, actual: str) -> int:
    if fits(wanted, actual):
        return FITS
    return SAME_STEP if fits(wanted.partition(": ")[0], actual) else 0


def _call(wanted: ExpectedCall, made: Sequence[Exchange]) -> Iterator[Difference]:
    named = [exchange.call for exchange in made if is_named(exchange.call, wanted.name)]
    fitting = {call.pending.key for call in named if _has(call, wanted)}  # attempts at one thing have one key
    if len(fitting) == wanted.times or (fitting and wanted.times is None):
        return
    if wanted.times == 0:
        yield Difference(f"'{wanted.name}' was not to be called with this, and was.", wanted.span, rows_of(wanted.given, wanted.given))
    elif not named:
        others = ", ".join(dict.fromkeys(exchange.call.path for exchange in made)) or "nothing"
        yield Difference(f"'{wanted.name}' was never called. Called were: {others}.", wanted.span)
    elif fitting:
        yield Difference(f"'{wanted.name}' was expected {_times(wanted.times)}, and was called {_times(len(fitting))}.", wanted.span)
    else:
        nearest = max(named, key=lambda call: _likeness(call.arguments, wanted.given))
        shown = nearest.arguments if wanted.exactly else _projected(nearest.arguments, wanted.given)
        what = f"'{nearest.path}' ({nearest.action}) was called with something else."
        yield Difference(what, wanted.span, rows_of(wanted.given, shown))


def _times(count: int | None) -> str:
    return "once" if count == 1 else f"{count or 0} times"


def is_named(call: Call, name: str) -> bool:
    """Tell whether a name stands for a call: by step, or by action."""
    playbook, colon, path = call.path.rpartition(":")
    return name == call.action or name in [playbook + colon + one for one in names_of(path)]


def _has(call: Call, wanted: ExpectedCall) -> bool:
    return same(call.arguments, wanted.given) if wanted.exactly else contains(call.arguments, wanted.given)


def _likeness(actual: JsonObject, wanted: JsonObject) -> int:
    return sum(key in actual and contains(actual[key], value) for key, value in wanted.items())


def _not_called(expect: Expect, made: Sequence[Exchange]) -> Iterator[Difference]:
    for name in expect.not_called:
        found = [exchange.call.path for exchange in made if is_named(exchange.call, name)]
        if found:
            yield Difference(f"'{name}' must not be called, and was: {', '.join(found)}.", expect.span)


def _outputs(expect: Expect, played: Played) -> Iterator[Difference]:
    if expect.outputs is None:
        return
    good = same(played.outputs, expect.outputs) if expect.outputs_exactly else contains(played.outputs, expect.outputs)
    if not good:
        shown = played.outputs if expect.outputs_exactly else _projected(played.outputs, expect.outputs)
        yield Difference("The outputs are other ones.", expect.span, rows_of(expect.outputs, shown))


def _asks(expect: Expect, wanted: Sequence[ExpectedAsk], played: Played) -> Iterator[Difference]:
    opened = [event for event in played.events if isinstance(event, AskOpened)]
    if not wanted and opened:
        yield Difference(f"Nobody was to be asked, and '{opened[0].title}' was.", expect.span)
    for one in wanted:
        ask = next((event for event in opened if one.step in names_of(event.path)), None)
        if ask is None:
            yield Difference(f"'{one.step}' never asked.", one.span)
            continue
        given = {"title": one.title, "to": None if one.to is None else list(one.to)}
        asked: JsonObject = {"title": ask.title, "to": [*ask.to]}
        wished: JsonObject = {key: value for key, value in given.items() if value is not None}  # type: ignore[misc]  # a list of texts is JSON
        if not contains(asked, wished):
            yield Difference(f"'{one.step}' asks something else.", one.span, rows_of(wished, _projected(asked, wished)))
        if one.message is not None and one.message not in ask.message:
            yield Difference(f"The message of '{one.step}' is another.", one.span, (_unlike(one.message, ask.message),))


def _error(wanted: ExpectedError, played: Played) -> Iterator[Difference]:
    failures = [event for event in played.events if isinstance(event, StepFailed)]
    named = [event for event in failures if wanted.step is None or wanted.step in names_of(event.path)]
    if any(_is_error(event, wanted) for event in named):
        return
    met = "; ".join(f"{event.path}: {event.error.get('code')} {event.error.get('message')}" for event in failures) or "none"
    asked = ", ".join(text for text in (wanted.step and f"at '{wanted.step}'", wanted.code, wanted.message) if text)
    yield Difference(f"An error was expected ({asked}). Errors that were met: {met}.", wanted.span)


def _is_error(event: StepFailed, wanted: ExpectedError) -> bool:
    code, message = str(event.error.get("code", "")), str(event.error.get("message", ""))
    return (wanted.code is None or wanted.code == code) and (wanted.message is None or wanted.message in message)


def _projected(whole: Json, part: Json) -> Json:
    """Return of a value what a part of it speaks of."""
    if isinstance(whole, dict) and isinstance(part, dict):
        return {key: _projected(whole[key], value) for key, value in part.items() if key in whole}
    if isinstance(whole, list) and isinstance(part, list) and len(whole) == len(part):
        return [_projected(one, other) for one, other in zip(whole, part, strict=True)]
    return whole


def rows_of(expected: Json, actual: Json) -> tuple[Row, ...]:
    """Put two values side by side, line by line."""
    left, right = _lines(expected), _lines(actual)
    rows: list[Row] = []
    for tag, low, high, from_, to in SequenceMatcher(None, left, right, autojunk=False).get_opcodes():
        if tag == "equal":
            rows += [Row(one, one) for one in left[low:high]]
        else:
            rows += starmap(_unlike, zip_longest(left[low:high], right[from_:to]))
    return tuple(rows)


def _unlike(expected: str | None, actual: str | None) -> Row:
    return Row(expected, actual, is_same=False)


def _lines(value: Json) -> list[str]:
    if isinstance(value, dict):
        return [line for key in sorted(value) for line in _entry(key, value[key])]
    if isinstance(value, list):
        return [line for one in value for line in _entry("-", one)]
    return [json.dumps(value, ensure_ascii=False)]


def _entry(key: str, value: Json) -> list[str]:
    head = key if key == "-" else f"{key}:"
    if isinstance(value, dict | list) and value:
        return [head, *(f"  {line}" for line in _lines(value))]
    return [f"{head} {json.dumps(value, ensure_ascii=False)}"]
