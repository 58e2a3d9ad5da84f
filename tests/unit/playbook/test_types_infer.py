"""What expressions come out as, and what is said of those that cannot be right, each at its place."""

import pytest

from tocsin.playbook.expr import compile_expression
from tocsin.playbook.expr.grammar import FILTERS
from tocsin.playbook.expr.tree import Path
from tocsin.playbook.types import world
from tocsin.playbook.types.describe import described
from tocsin.playbook.types.filters import RULES
from tocsin.playbook.types.infer import infer
from tocsin.playbook.types.known import Start
from tocsin.playbook.types.lattice import ANY, Type
from tocsin.playbook.types.schema import type_of

_URL: dict[str, object] = {"type": "object", "required": ["url", "bad", "score"], "properties": {
    "url": {"type": "string"}, "bad": {"type": "boolean"}, "score": {"type": "integer"}, "note": {"type": ["string", "null"]},
}}  # fmt: skip
NAMES: dict[str, Type] = {
    "alert": world.ALERT,
    "now": type_of({"type": "string"}),
    "urls": type_of({"type": "array", "items": _URL}),  # type: ignore[dict-item]  # a schema is JSON
    "url": type_of(_URL),  # type: ignore[arg-type]  # a schema is JSON
    "free": type_of({"type": "object"}),
    "found": type_of({"type": "object", "properties": {"rep": _URL}, "required": ["rep"]}),  # type: ignore[dict-item]  # a schema is JSON
    "port": type_of({"type": "integer", "minimum": 1, "maximum": 65535}),
}


class _Known:
    def start(self, path: Path) -> Start:
        return Start(NAMES.get(path.root, ANY))

    def is_answer(self, path: Path) -> bool:
        return False


def _inferred(source: str) -> str:
    return described(infer(compile_expression(source).tree, _Known()))


def _said(source: str, *, is_condition: bool = False) -> list[str]:
    found: list[tuple[int, str]] = []

    def report(code: object, offset: int, length: int, message: str, hint: str) -> None:
        found.append((offset, f"{getattr(code, 'id', '')} {source[offset : offset + length]}"))

    infer(compile_expression(source).tree, _Known(), source=source, report=report, is_condition=is_condition)
    return [words for _, words in sorted(set(found))]


def test_every_filter_has_a_rule() -> None:
    assert set(RULES) == set(FILTERS)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("alert.title", "a text"),
        ("alert.count", "an integer"),
        ("alert.raw.x", "a value"),
        ("alert.observables", "a list of maps"),
        ("alert.observables | pluck('value')", "a list of text"),
        ("alert.observables | pluck('value') | first", "a text or null"),
        ("alert.observables | map('length')", "a list of numbers"),
        ("urls | where('bad') | pluck('score') | sum", "an integer"),
        ("urls | pluck('score') | max", "an integer or null"),
        ("urls | group_by('url')", "a map"),
        ("(urls | group_by('url')).x | pluck('score')", "a list of numbers"),
        ("urls | count('url')", "a map"),
        ("urls | count", "an integer"),
        ("urls | pluck('url') | zip(urls | pluck('score'))", "a list of lists"),
        ("url | items", "a list of maps"),
        ("(url | items | first).key", "a text"),
        ("url | merge({'x': 1})", "a map"),
        ("(url | merge({'url': 1})).url", "the number 1"),
        ("[1, 2, 3]", "a list of numbers"),
        ("[[1], [2]] | flatten", "a list of numbers"),
        ("'a' ~ 1", "a text"),
        ("1 + 2", "an integer"),
        ("1 / 2", "a number"),
        ("-port", "an integer"),
        ("'a' if alert.count > 3 else 1", "the text 'a' or the number 1"),
        ("alert.case | default('none')", "a text"),
        ("alert.raw | default({})", "a value"),
        ("alert.title is defined", "a boolean"),
        ("alert.title == 'x'", "a boolean"),
        ("alert.severity | upper", "a text"),
        ("free.anything", "a value"),
        ("alert.title | split(',')", "a list of text"),
        ("alert.title | from_json", "a value"),
        ("urls[0].url", "a text"),
        ("{'a': 1}", "a map"),
    ],
)
def test_types_go_through_operators_and_filters(source: str, expected: str) -> None:
    assert _inferred(source) == expected


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        # fields, also behind filters
        ("urls | pluck('scroe')", ["PB221 scroe"]),
        ("urls | where('bda')", ["PB221 bda"]),
        ("urls | where('rep.bad')", ["PB221 rep"]),
        ("[found] | pluck('rep.ur')", ["PB221 ur"]),
        ("[found] | where('rep.url.x')", ["PB221 x"]),
        ("urls | sort('scroe')", ["PB221 scroe"]),
        ("urls | group_by('x') | keys", ["PB221 x"]),
        ("(urls | first).urlz", ["PB221 urlz"]),
        ("(urls | where('bad') | last).urlz", ["PB221 urlz"]),
        ("(url | items | first).name", ["PB221 name"]),
        ("alert.titel", ["PB221 titel"]),
        ("alert.title.x", ["PB221 x"]),
        ("urls.score", ["PB221 score"]),
        ("alert.titel | default('x')", ["PB221 titel"]),
        ("alert.observables[0].valeu", ["PB221 valeu"]),
        # words
        ("alert.severity == 'hihg'", ["PB236 'hihg'"]),
        ("'hihg' == alert.severity", ["PB236 'hihg'"]),
        ("alert.severity in ['high', 'hihg']", ["PB236 'hihg'"]),
        ("alert.severity | upper == 'high'", ["PB236 'high'"]),
        ("alert.observables | where('type', '==', 'ipv4')", ["PB236 'ipv4'"]),
        ("'ipv4' in (alert.observables | pluck('type'))", ["PB236 'ipv4'"]),
        ("alert.category == 'anything'", []),
        # kinds
        ("alert.count == '3'", ["PB237 '3'"]),
        ("url.bad == 'true'", ["PB237 'true'"]),
        ("urls | where('score', '==', '3')", ["PB237 '3'"]),
        ("3 in (urls | pluck('url'))", ["PB237 3"]),
        ("alert.count in ['3']", ["PB237 '3'"]),
        ("url.note == none", ["PB345 note"]),
        ("alert.case == none", []),
        ("alert.title != none", []),
        ("alert.title > 3", ["PB238 3"]),
        ("urls | where('url', '>', 3)", ["PB238 3"]),
        ("urls < 3", ["PB238 3"]),
        ("alert.time < now", []),
        ("'x' in alert.count", ["PB239 alert.count"]),
        ("3 in alert.title", ["PB239 3"]),
        ("urls | where('score', 'contains', 'x')", ["PB239 'score'"]),
        ("urls | where('url', 'in', 3)", ["PB239 3"]),
        ("urls | upper", ["PB240 upper"]),
        ("alert.count | length", ["PB240 length"]),
        ("alert.title | where('x')", ["PB240 where"]),
        ("alert.title | split | pluck('x')", ["PB240 pluck"]),
        ("urls | map('upper')", ["PB240 upper"]),
        ("urls | sum", ["PB240 sum"]),
        ("urls | sort", ["PB240 sort"]),
        ("url | first", ["PB240 first"]),
        ("urls | where('url')", ["PB241 'url'"]),
        ("alert.title | replace(alert.count, 'x')", ["PB241 alert.count"]),
        ("urls | slice(alert.title)", ["PB241 alert.title"]),
        ("alert.title + 1", ["PB242 alert.title"]),
        ("alert.title * 2", ["PB242 alert.title"]),
        ("-alert.title", ["PB242 alert.title"]),
        ("'a' + alert.title", []),
        ("urls[alert.title]", ["PB243 alert.title"]),
        ("url[alert.count]", ["PB243 alert.count"]),
        # null
        ("url.note | upper", ["PB244 url.note", "PB345 note"]),
        ("url.note | default('') | upper", []),
        ("alert.case | upper", ["PB244 alert.case"]),
        ("alert.case + 'x'", ["PB244 alert.case"]),
        ("(urls | first).url", []),
        ("urls | pluck('url') | first | upper", []),
        ("alert.case != none and alert.case | upper == 'X'", []),
        ("alert.case is none or alert.case | length > 3", []),
        ("alert.case | upper if alert.case is not none else ''", []),
        ("'x' in alert.case", ["PB244 alert.case"]),
        ("url.note is defined and url.note is not none and url.note | length > 0", []),
        # order of words
        ("alert.severity > 'low'", ["PB251 alert.severity"]),
        # what changes nothing
        ("url.bad == true", ["PB505 true"]),
        ("alert.title | default('x')", ["PB507 default"]),
        ("alert.case | default('x')", []),
        ("alert.raw.x | default('x')", []),
        ("url.note | default('x')", []),
        ("alert.title | string", ["PB514 string"]),
        ("port | int", ["PB514 int"]),
        ("true if port > 3 else false", ["PB513 true"]),
        ("'x ' ~ urls", ["PB506 urls"]),
        # what nobody knows
        ("alert.raw.a.b | upper", []),
        ("alert.raw > 3", []),
        ("alert.user.name == 3", []),
        ("free.x | first | pluck('y')", []),
        ("alert.raw | default({}) | items", []),
    ],
)
def test_what_cannot_be_right_is_said_at_its_place(source: str, expected: list[str]) -> None:
    assert _said(source) == expected


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("alert.category == 'a' and alert.category == 'b'", False),
        ("alert.category != 'a' or alert.category != 'b'", True),
        ("alert.severity == 'high' and alert.severity_id > 7", False),
        ("alert.count > 5 and alert.count < 3", False),
        ("alert.count >= 1", True),
        ("alert.observables | length >= 0", True),
        ("alert.observables | length < 0", False),
        ("port > 70000", False),
        ("port != 0", True),
        ("alert.severity in ['unknown', 'informational', 'low', 'medium', 'high', 'critical', 'fatal']", True),
        ("not (alert.count >= 1)", False),
        ("alert.count > 5 or alert.count <= 5", True),
        ("alert.category in ['a', 'b'] and alert.category == 'c'", False),
        ("alert.category == 'a' and alert.category in ['a', 'b']", None),
        ("alert.category == 'a' or alert.category == 'b'", None),
        ("alert.count > 3 and alert.count < 5", None),
        ("url.bad and not url.bad", False),
        ("(alert.category == 'a' or alert.category == 'b') and alert.category == 'c'", False),
        ("not (alert.category == 'a') and alert.category == 'a'", None),
    ],
)
def test_conditions_that_never_change_are_known(source: str, expected: bool | None) -> None:
    assert getattr(infer(compile_expression(source).tree, _Known()), "only", None) is expected
