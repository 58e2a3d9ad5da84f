"""How findings are shown: as text, SARIF and the commands of a CI run."""

import re

import pytest

from tocsin.core.diagnostics import Diagnostic, Level, Span
from tocsin.core.values import Json, JsonObject
from tocsin.playbook.codes import ALL
from tocsin.playbook.codes.code import Code
from tocsin.playbook.present import Reviewed
from tocsin.playbook.present.github import command, commands
from tocsin.playbook.present.sarif import as_sarif
from tocsin.playbook.present.text import report, summary

CODES: dict[str, Code] = {code.id: code for code in ALL}
LINE = "x: ${{ steps.mail.urlz }}"


def _found(line: int = 1, column: int = 19, end: int = 23, *, level: Level = Level.ERROR, file: str = "a.yaml", **more: str) -> Diagnostic:
    message = more.get("message", "'steps.mail' has no field 'urlz'.")
    return Diagnostic(
        Span(file, line, column, line, end), more.get("code", "PB221"), level, message, more.get("hint", "Did you mean 'urls'?")
    )


def _reviewed(*found: Diagnostic, text: str | bytes = LINE, file: str = "a.yaml") -> Reviewed:
    return Reviewed(file, text, found)


# Text -----------------------------------------------------------------------------------------------------------------


def test_a_finding_names_its_place_code_and_slug_with_a_caret_and_the_hint() -> None:
    assert report([_reviewed(_found())], codes=CODES).split("\n") == [
        "a.yaml  1 error",
        "",
        "  a.yaml:1:19  error PB221 unknown-field",
        "  'steps.mail' has no field 'urlz'.",
        "   1 │ x: ${{ steps.mail.urlz }}",
        "     │                   ^^^^",
        "     = Did you mean 'urls'?",
        "",
    ]


def test_files_are_groups_and_those_without_findings_are_left_out() -> None:
    files = [_reviewed(), _reviewed(_found(), _found(level=Level.WARNING), file="b.yaml")]
    shown = report(files, codes=CODES)
    assert shown.startswith("b.yaml  1 error, 1 warning\n")
    assert "2 files checked: 1 error, 1 warning." in summary(files)


def test_the_caret_stands_under_what_is_meant_where_signs_are_wide_or_nothing() -> None:
    text = "世界 e\u0301: urlz"
    found = _found(column=text.index("urlz") + 1, end=text.index("urlz") + 5)
    lines = report([_reviewed(found, text=text)], codes=CODES).split("\n")
    assert lines[5].index("^") - lines[5].index("│") == len("│ ") + 2 * 2 + 1 + 1 + 2


def test_a_caret_beyond_the_end_of_the_line_is_shown() -> None:
    lines = report([_reviewed(_found(column=30, end=31))], codes=CODES).split("\n")
    assert lines[5].endswith("^")
    assert lines[5].index("^") - lines[5].index("│") == 31


def test_nothing_in_a_report_is_obeyed_by_a_terminal() -> None:
    evil = "\x1b[2Jevil\u202e"
    found = _found(file=evil, message=evil, hint=evil)
    shown = report([_reviewed(found, text=f"{evil}: 1", file=evil)], codes=CODES) + summary([])
    assert all(one.isprintable() or one == "\n" for one in shown)


def test_colour_changes_nothing_but_the_colour() -> None:
    files = [_reviewed(_found(), _found(level=Level.INFO))]
    plain, coloured = report(files, codes=CODES), report(files, codes=CODES, colour=True)
    assert "\x1b[" in coloured
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == plain


# GitHub ---------------------------------------------------------------------------------------------------------------


def test_a_command_names_the_place_with_inclusive_ends() -> None:
    place = "file=a.yaml,line=1,col=19,endLine=1,endColumn=22,title=Tocsin PB221"
    expected = f"::error {place}::'steps.mail' has no field 'urlz'. Did you mean 'urls'?"
    assert command(_found()) == expected
    assert command(_found(level=Level.WARNING)).startswith("::warning ")
    assert command(_found(level=Level.INFO)).startswith("::notice ")


def test_no_text_can_end_a_command_or_start_another() -> None:
    found = _found(file="a:b,c%\n.yaml", message="100%\r\n::error::x", hint="")
    shown = commands([_reviewed(found)])
    assert shown.count("\n") == 1
    assert "file=a%3Ab%2Cc%25%0A.yaml," in shown
    assert shown.endswith("::100%25%0D%0A::error::x\n")


# SARIF ----------------------------------------------------------------------------------------------------------------


def _run(*reviewed: Reviewed) -> JsonObject:
    log = as_sarif(reviewed, codes=CODES, root="/work", version="1.0.0")
    assert log["version"] == "2.1.0"
    return _object(_list(log["runs"])[0])


def _object(value: Json) -> JsonObject:
    assert isinstance(value, dict)
    return value


def _list(value: Json) -> list[Json]:
    assert isinstance(value, list)
    return value


def _place(run: JsonObject, result: int = 0) -> JsonObject:
    return _object(_object(_list(_object(_list(run["results"])[result])["locations"])[0])["physicalLocation"])


def test_a_rule_has_help_and_its_level_and_results_point_at_it() -> None:
    run = _run(_reviewed(_found(), _found(code="PB502", level=Level.INFO)))
    rules = [_object(one) for one in _list(_object(_object(run["tool"])["driver"])["rules"])]
    assert [one["id"] for one in rules] == ["PB221", "PB502"]
    assert [_object(one["defaultConfiguration"])["level"] for one in rules] == ["error", "note"]
    assert "## Wrong" in str(_object(rules[0]["help"])["markdown"])
    for result in map(_object, _list(run["results"])):
        index = result["ruleIndex"]
        assert isinstance(index, int)
        assert rules[index]["id"] == result["ruleId"]


def test_columns_are_utf16_code_units() -> None:
    run = _run(_reviewed(_found(column=4, end=8), text="😀 😀urlz"))
    assert run["columnKind"] == "utf16CodeUnits"
    region = _object(_place(run)["region"])
    assert (region["startColumn"], region["endColumn"]) == (6, 10)


def test_files_are_named_relative_to_the_root_and_encoded() -> None:
    names = ["a b.yaml", "/work/in/c.yaml", "/else/d.yaml", "../up.yaml", "in/../e.yaml"]
    run = _run(*(_reviewed(_found(file=name), file=name) for name in names))
    places = [_object(_place(run, place)["artifactLocation"]) for place in range(len(names))]
    assert places == [
        {"uri": "a%20b.yaml", "uriBaseId": "SRCROOT"},
        {"uri": "in/c.yaml", "uriBaseId": "SRCROOT"},
        {"uri": "file:///else/d.yaml"},
        {"uri": "file:///up.yaml"},
        {"uri": "e.yaml", "uriBaseId": "SRCROOT"},
    ]


def test_the_name_of_a_file_may_be_any_bytes() -> None:
    name = b"a\xff.yaml".decode("utf-8", "surrogateescape")
    reviewed = _reviewed(_found(file=name), file=name)
    assert _object(_place(_run(reviewed))["artifactLocation"])["uri"] == "a%FF.yaml"
    assert "file=a?.yaml," in commands([reviewed])
    assert "a⟨U+DCFF⟩.yaml" in report([reviewed], codes=CODES)


def test_a_finding_keeps_its_fingerprint_when_lines_above_it_change() -> None:
    prints = [
        _object(_list(_run(_reviewed(_found(line=line), text="\n" * (line - 1) + LINE))["results"])[0])["partialFingerprints"]
        for line in (1, 7)
    ]
    assert prints[0] == prints[1]
    twice = _list(_run(_reviewed(_found(), _found(column=1, end=2)))["results"])
    assert _object(twice[0])["partialFingerprints"] != _object(twice[1])["partialFingerprints"]


@pytest.mark.parametrize(("levels", "mark"), [([], "✓"), ([Level.INFO], "✓"), ([Level.WARNING], "!"), ([Level.WARNING, Level.ERROR], "✗")])
def test_the_last_line_begins_with_a_mark_for_the_worst(levels: list[Level], mark: str) -> None:
    assert summary([_reviewed(*(_found(level=level) for level in levels))]).startswith(f"{mark} 1 file")
