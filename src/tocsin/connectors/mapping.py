"""Turn a raw event into a finding, by a pack's mapping. Never raises: what cannot be mapped becomes a finding that says why."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from tocsin.connectors.manifest import MappingSpec, ObservableRule, SeverityRule, TimeRule
from tocsin.core.alerts import Finding
from tocsin.core.errors import Invalid
from tocsin.core.observables import Observable, ObservableType, observe
from tocsin.core.severity import Severity
from tocsin.core.values import Instant, Json, JsonObject
from tocsin.playbook.expr import ExprError, Template

MAX_OBSERVABLES = 1000
MAX_TITLE = 500
Names = Mapping[str, Json]

_INSTANT = re.compile(
    r"(?P<head>\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d)?)(?P<fraction>[.,]\d+)?(\s*(?P<offset>Z|[+-]\d\d:?\d\d))?(\s+(?P<zone>[A-Z]{1,5}))?"
)


@dataclass(frozen=True, slots=True)
class Skipped:
    """The event is no alert; nothing is wrong with it."""

    reason: str


class _Unmapped(Exception):
    """What stood in the way, and where in the mapping."""

    def __init__(self, part: str, reason: str) -> None:
        super().__init__(reason)
        self.part = part
        self.reason = reason


def apply(mapping: MappingSpec, raw: Json, *, source: str, received: Instant) -> Finding | Skipped:
    """Map one event; `received` counts where the mapping names no time."""
    try:
        names = {"raw": raw}
        if mapping.when is not None and not _test_when(mapping, names):
            return Skipped(f"The mapping {mapping.name} takes it for no alert.")
        for name, template in mapping.let:
            names[name] = _render(template, names, f"let {name}")
        return _finding(mapping, names, raw, received)
    except _Unmapped as unmapped:
        line = mapping.lines.get(unmapped.part, 1)
        return unmappable(raw, f"Line {line} of {mapping.file} ({unmapped.part}): {unmapped.reason}", source=source, received=received)


def unmappable(raw: Json, reason: str, *, source: str, received: Instant) -> Finding:
    """Make the finding of an event that could not be normalised."""
    short = reason if len(reason) <= 160 else reason[:159] + "…"
    return Finding(
        title=f"Could not be normalised: {short}",
        severity=Severity.UNKNOWN,
        time=received,
        category="unmapped",
        description=f"The source {source} sent an event that its mapping cannot read. The raw event is kept.",
        product=source,
        raw=raw,
        problem=reason,
    )


def _finding(mapping: MappingSpec, names: Names, raw: Json, received: Instant) -> Finding:
    title = " ".join(_text(mapping.title, names, "title").split())
    if not title:
        raise _Unmapped("title", "The title is empty.")
    severity = _severity(mapping.severity, names)
    time = received if mapping.time is None else _time(mapping.time, names, received)
    context = _context(mapping.context, names)
    observables, rejected = _observables(mapping, names)
    if rejected:
        unmapped = context.get("unmapped")
        context["unmapped"] = {**(unmapped if isinstance(unmapped, dict) else {}), "rejected_observables": rejected}
    return Finding(
        title=title if len(title) <= MAX_TITLE else title[: MAX_TITLE - 1] + "…",
        severity=severity,
        time=time,
        category=_text(mapping.category, names, "category"),
        description=_text(mapping.description, names, "description"),
        product=_text(mapping.product, names, "product"),
        context=context,
        observables=observables,
        identity=_identity(mapping.identity, names),
        raw=raw,
    )


def _test_when(mapping: MappingSpec, names: Names) -> bool:
    try:
        return mapping.when is None or mapping.when.test(names)
    except ExprError as error:
        raise _Unmapped("when", str(error)) from None


def _render(template: Template, names: Names, part: str) -> Json:
    try:
        return template.render(names)
    except ExprError as error:
        raise _Unmapped(part, str(error)) from None


def _text(template: Template | None, names: Names, part: str) -> str:
    value = "" if template is None else _render(template, names, part)
    if value is None:
        return ""
    if isinstance(value, dict | list):
        raise _Unmapped(part, "It must be a text, and is an object or a list.")
    return str(value)


def _severity(rule: SeverityRule, names: Names) -> Severity:
    value = _render(rule.source, names, "severity")
    word = _word(value)
    if rule.table is not None:
        found = rule.table.get(word, rule.default)
        if found is None:
            raise _Unmapped("severity", f"'{word[:60]}' is not in the table, which has no default.")
        return Severity(found)
    if word not in {severity.value for severity in Severity}:
        raise _Unmapped("severity", f"'{word[:60]}' is not one of {', '.join(Severity)}.")
    return Severity(word)


def _word(value: Json) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    # 2.0 and 2 are one number in JSON
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _time(rule: TimeRule, names: Names, received: Instant) -> Instant:
    value = _render(rule.source, names, "time")
    if value is None:
        return received
    try:
        return read_time(value, format=rule.format)
    except (ValueError, OverflowError, OSError):
        raise _Unmapped("time", f"'{str(value)[:60]}' is not an instant that can be read.") from None


def read_time(value: Json, *, format: str = "") -> Instant:
    """Read an instant: RFC 3339 and its kin, epoch seconds or milliseconds, or by a strptime format; raises ValueError."""
    if isinstance(value, str) and format:
        return _aware(datetime.strptime(value, format))  # noqa: DTZ007  made aware next: a vendor that names no zone means UTC
    if isinstance(value, str):
        text = value.strip()
        if text.replace(".", "", 1).isdigit():
            return read_time(float(text))
        return _aware(datetime.fromisoformat(_trimmed(text)))
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError("not an instant")
    # seconds, milliseconds, microseconds or nanoseconds: told apart by size, good from 1973 to 5138
    seconds = float(value)
    while abs(seconds) >= 1e11:
        seconds /= 1000
    return datetime.fromtimestamp(seconds, UTC)


def _trimmed(text: str) -> str:
    """Cut what Python cannot read: finer fractions than its own, the space before an offset, a zone's name behind it (as Go writes)."""
    match = _INSTANT.fullmatch(text)
    if match is None:
        return text
    offset = match["offset"] or ("+00:00" if match["zone"] in ("UTC", "GMT") else "")
    return f"{match['head']}{(match['fraction'] or '')[:7]}{offset}"


def _aware(at: datetime) -> Instant:
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


def _context(template: Template | None, names: Names) -> JsonObject:
    value = {} if template is None else _render(template, names, "context")
    if not isinstance(value, dict):
        raise _Unmapped("context", "It must be an object.")
    found: JsonObject = {}
    for key, item in value.items():
        kept = _kept(item)
        if kept is not None:
            found[key] = kept
    return found


def _kept(value: Json) -> Json:
    """Leave out null members, and objects and lists that have nothing in them."""
    if isinstance(value, dict):
        return {key: kept for key, item in value.items() if (kept := _kept(item)) is not None} or None
    if isinstance(value, list):
        return [kept for item in value if (kept := _kept(item)) is not None] or None
    return value


def _identity(template: Template | None, names: Names) -> tuple[str, ...]:
    value = [] if template is None else _render(template, names, "identity")
    if not isinstance(value, list):
        raise _Unmapped("identity", "It must be a list.")
    return tuple(_word(item) for item in value)


def _observables(mapping: MappingSpec, names: Names) -> tuple[tuple[Observable, ...], list[Json]]:
    found: dict[Observable, None] = {}
    rejected: list[Json] = []
    for rule in mapping.observables:
        for type_name, value in _candidates(rule, names):
            if len(found) + len(rejected) >= MAX_OBSERVABLES:
                rejected.append({"type": "", "value": "", "reason": f"There are more than {MAX_OBSERVABLES}; the rest is in raw."})
                return tuple(found), rejected
            try:
                found.setdefault(observe(ObservableType(type_name), value))
            except Invalid as error:
                rejected.append({"type": type_name, "value": value[:200], "reason": error.message[:300]})
            except ValueError:
                raise _Unmapped("observables", f"'{type_name}' is not one of {', '.join(ObservableType)}.") from None
    for seen in _extracted(mapping, names):
        if len(found) < MAX_OBSERVABLES:
            found.setdefault(seen)
    return tuple(found), rejected


def _candidates(rule: ObservableRule, names: Names) -> Iterator[tuple[str, str]]:
    try:
        items: Json = [None] if rule.each is None else rule.each.evaluate(names)
        if items is None:
            return
        if not isinstance(items, list):
            raise _Unmapped("observables", "'each' must give a list.")
        for item in items:
            inner = names if rule.each is None else {**names, rule.variable: item}
            if rule.condition is not None and not rule.condition.test(inner):
                continue
            value = rule.value.render(inner)
            if value is None or value == "":
                continue
            yield _word(rule.type.render(inner)), _word(value)
    except ExprError as error:
        raise _Unmapped("observables", str(error)) from None


def _extracted(mapping: MappingSpec, names: Names) -> list[Observable]:
    texts = [_text(template, names, "extract") for template in mapping.extract]
    if not any(texts):
        return []
    from tocsin.connectors.extract import extract  # ioc-finder takes 0.4 s to import: only for mappings that want it

    return [seen for text in texts for seen in extract(text)]
