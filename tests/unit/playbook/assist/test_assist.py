"""What an editor is told while a playbook is written: a text with a ^ where the cursor is, and what is proposed there."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tocsin.core.effects import ActionSpec, Effect, OnUnknown
from tocsin.core.errors import Invalid
from tocsin.playbook.assist.completion import Proposal, complete
from tocsin.playbook.assist.definition import definition
from tocsin.playbook.assist.fixes import fix_of
from tocsin.playbook.assist.hover import hover
from tocsin.playbook.assist.inside import Wanted, chain_before, inside
from tocsin.playbook.assist.places import Spot, Text
from tocsin.playbook.assist.rename import applied, rename, renamed_at
from tocsin.playbook.assist.scopes import World
from tocsin.playbook.assist.symbols import symbols
from tocsin.playbook.catalogue import FixedCatalogue
from tocsin.playbook.codes import ALL
from tocsin.playbook.compile import check
from tocsin.playbook.directory import FixedDirectory
from tocsin.playbook.schemas import closed

LOOK_UP = ActionSpec(
    "observable.look_up",
    "Look up an observable",
    Effect.READ,
    None,
    {**closed({"type": {"type": "string", "enum": ["ip", "domain"]}, "value": {"type": "string"}}), "required": ["value"]},
    closed({"verdict": {"type": "string", "enum": ["benign", "malicious"]}, "value": {"type": "string"}, "seen": {"type": "integer"}}),
)
NOTE = ActionSpec(
    "case.note",
    "Write a note",
    Effect.WRITE,
    OnUnknown.REPEAT,
    closed({"text": {"type": "string", "description": "What to write"}, "pinned": {"type": "boolean"}}),
    closed({"id": {"type": "string"}}),
)
KNOWN = World(
    FixedCatalogue([LOOK_UP, NOTE]),
    FixedDirectory(["notify-user", "close-all"], inputs={"notify-user": closed({"user": {"type": "string"}})}),
)
HEAD = """\
schema: tocsin/playbook@1
id: example
title: An example
triggers:
  - alert: ${{ alert.category == 'x' }}
inputs:
  host: {type: string, default: a}
steps:
  - id: known
    action: observable.look_up
    with: {type: ip, value: 192.0.2.7}
  - id: question
    ask: {title: Go?, to: [role:responder], deadline: 4h, on_deadline: reject}
  - id: loop
    for_each: ${{ alert.observables }}
    as: seen
    steps:
      - id: rep
        action: observable.look_up
        with: {type: ip, value: "${{ seen.value }}"}
"""


def _cut(text: str) -> tuple[str, Spot]:
    offset = text.index("^")
    whole = text.replace("^", "", 1)
    return whole, Text(whole).spot(offset)


def _proposed(text: str) -> list[Proposal]:
    return complete(*_cut(text), KNOWN)


def _labels(after_head: str) -> list[str]:
    return [one.label for one in _proposed(HEAD + after_head)]


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("  - acti^", ["action"]),
        ("  - id: a\n    cal^\n  - wait: 1s\n", ["call"]),
        ("fin^", ["finally"]),
        ("  - action: obs^", ["observable.look_up"]),
        ("  - action: look^", ["observable.look_up"]),
        ("  - action: case.note\n    with: {te^", ["text"]),
        ("  - action: case.note\n    with:\n      ^", ["text", "pinned"]),
        ("  - action: case.note\n    with:\n      text: a\n      ^", ["pinned"]),
        ("  - action: case.note\n    with: {pinned: ^}", ["true", "false"]),
        ("  - action: observable.look_up\n    with: {type: ^}", ["ip", "domain"]),
        ("  - action: observable.look_up\n    with: {^}", ["value", "type"]),
        ("  - action: case.note\n    effect: ^", ["read", "write", "destructive"]),
        ("  - action: case.note\n    on_error: c^", ["continue"]),
        ("  - call: ^", ["close-all", "notify-user"]),
        ("  - call: notify-user\n    with: {^}", ["user"]),
        ("  - wait: {event: ^}", ["alert", "case", "webhook"]),
        ("  - ask: {title: Go?, to: [role:responder], options: [yes, no], on_deadline: ^}", ["yes", "no"]),
        ("  - if: ${{ steps.^", ["known", "question", "loop"]),
        ("  - if: ${{ steps.kn^ }}", ["known"]),
        ("  - if: steps.known.^", ["verdict", "value", "seen"]),
        ("  - if: ${{ steps.known.s^ > 1 }}\n    then:\n      - stop: succeeded\n", ["seen"]),
        ('  - action: case.note\n    with: {text: "${{ steps.known.v^', ["verdict", "value"]),
        ("  - if: ${{ steps.question.answer == '^", ["approve", "reject"]),
        ("  - if: ${{ steps.known.verdict in ['benign', '^", ["benign", "malicious"]),
        ("  - set: {x: \"${{ steps.loop | pluck('^", ["seen", "rep"]),
        ("  - set: {x: \"${{ steps.loop | where('rep.ver^') }}\"}", ["rep.verdict"]),
        ("  - set: {x: \"${{ steps.loop | where('rep.verdict', '==', '^') }}\"}", ["benign", "malicious"]),
        ("  - set: {x: \"${{ steps.loop | where('rep.seen', '>^') }}\"}", [">", ">="]),
        ("  - set: {x: \"${{ steps.loop | map('dom^') }}\"}", []),
        ('  - set: {x: "${{ steps.known.seen | ro^ }}"}', ["round"]),
        ("  - if: ${{ steps.known is def^ }}", ["defined"]),
        ("  - if: ${{ inputs.^ }}", ["host"]),
        ("  - action: case.note\n    with:\n      text: >-\n        Hello ${{ inputs.h^ }}\n        there\n", ["host"]),
        ("  - id: b\n    for_each: ${{ steps.loop }}\n    as: one\n    steps:\n      - if: one.rep.^\n", ["verdict", "value", "seen"]),
        ("  - bad: [\n  - if: ${{ steps.known.se^", ["seen"]),
        ("  - action: case.note\n    no key here\n    with: {text: '${{ steps.known.se^'}\n", ["seen"]),
        ("  - while: ${{ steps.nothing.^ }}", []),
        (
            "  - while: ${{ steps.p.ver^ == 'x' }}\n    max: 3\n    steps:\n"
            "      - {id: p, action: observable.look_up, with: {value: a}}\n",
            ["verdict"],
        ),
        ('  - wait: {event: alert, filter: "${{ event.sev^ }}", deadline: 1h}\n', ["severity", "severity_id"]),
        ("  - id: p\n    action: case.note\n    repeat_until: ${{ steps.p.^ }}\n    every: 30s\n", ["id"]),
        (
            "  - id: p\n    action: case.note\n    on_error:\n      steps:\n"
            "        - {action: case.note, with: {text: '${{ steps.p.error.^ }}'}}\n",
            ["code", "kind", "message"],
        ),
        ("finally:\n  - if: ${{ run.out^ }}\n    then: [{stop: succeeded}]\n", ["outcome"]),
        ("outputs:\n  x: ${{ steps.known.ver^ | upper }}\n", ["verdict"]),
        ("  - ask: {title: Go?, to: [role:res^]}", ["role:responder"]),
        ("  - action: case.note\n    retry: {^}", ["attempts", "delay", "backoff"]),
        ("  - code: |\n      im^port x\n", []),
    ],
)
def test_what_may_stand_at_the_cursor_is_proposed(written: str, expected: list[str]) -> None:
    assert _labels(written) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("sch^", ["schema"]),
        ("schema: ^", ["tocsin/playbook@1"]),
        ("schema: tocsin/playbook@1\ntriggers:\n  - ^", ["alert", "webhook", "schedule", "case"]),
        ("schema: tocsin/playbook@1\ntriggers:\n  - case: re^", ["reopened"]),
        ("schema: tocsin/playbook@1\ntriggers:\n  - alert: ${{ alert.sev^", ["severity", "severity_id"]),
        ("schema: tocsin/playbook@1\ninputs:\n  host: {type: ^}", ["string", "integer", "number", "boolean", "array", "object"]),
        ("schema: tocsin/playbook@1\r\nid: a\r\nsteps:\r\n  - id: x\r\n    set: {a: 1}\r\n  - if: ${{ steps.x.^ }}\r\n", ["a"]),
    ],
)
def test_a_text_that_has_just_begun_is_completed(text: str, expected: list[str]) -> None:
    assert [one.label for one in _proposed(text)] == expected


def test_a_step_is_offered_its_kinds_and_then_the_keys_of_its_kind() -> None:
    assert {"id", "if", "action", "parallel", "stop"} <= set(_labels("  - ^"))
    ask = _labels("  - id: a\n    ask: {title: x, to: [role:x], ^}")
    assert {"deadline", "quorum"} <= set(ask)
    assert "title" not in ask
    loop = _labels("  - for_each: ${{ [1] }}\n    ^\n")
    assert {"as", "concurrency", "steps"} <= set(loop)
    assert "retry" not in loop


def test_an_action_is_proposed_with_its_title_and_effect() -> None:
    one = _proposed(HEAD + "  - action: case.^")[0]
    assert one.detail == "write: Write a note"
    assert "What to write" in one.about


def test_a_proposal_replaces_the_whole_word() -> None:
    text, spot = _cut(HEAD + "  - action: case.n^ote\n")
    one = complete(text, spot, KNOWN)[0]
    assert text[one.start : one.end] == "case.note"


def test_filters_that_do_not_fit_are_left_out() -> None:
    found = _labels('  - set: {x: "${{ steps.known.seen | ^ }}"}')
    assert "round" in found
    assert "upper" not in found


def test_results_that_may_be_missing_say_so() -> None:
    text = (
        HEAD + "  - if: ${{ alert.count > 1 }}\n    then:\n      - {id: rare, action: case.note, with: {text: a}}\n  - if: ${{ steps.rar^"
    )
    assert "may not have run" in _proposed(text)[0].detail


@pytest.mark.parametrize(
    ("left", "wanted", "subject"),
    [
        ("a == b.c | ", Wanted.FILTER, "b.c"),
        ("(a.b | first).", Wanted.FIELD, "(a.b | first)"),
        ("x and steps.a | where('q') | pluck('", Wanted.ITEM_FIELD, "steps.a | where('q')"),
        ("f if steps.a.b == '", Wanted.VALUE, "steps.a.b"),
        ("1.", Wanted.NOTHING, ""),
        ("'text ", Wanted.NOTHING, ""),
        ("x is not de", Wanted.TEST, ""),
    ],
)
def test_the_end_of_an_expression_says_what_is_wanted(left: str, wanted: Wanted, subject: str) -> None:
    found = inside(left)
    assert (found.wanted, found.subject) == (wanted, subject)


def test_a_chain_ends_at_an_operator_and_at_an_open_bracket() -> None:
    assert chain_before("a ~ (b | join(', '))") == "(b | join(', '))"
    assert chain_before("[a, b.c") == "b.c"
    assert chain_before("x if a[0].b") == "a[0].b"


REST = """\
  - id: good
    set:
      urls: ${{ steps.loop | where('rep.verdict', '==', 'malicious') | pluck('rep.value') }}
      these: ${{ steps.loop | unique }}
      first: ${{ steps.loop[0].rep.value }}
  - id: again
    for_each: ${{ steps.good.these }}
    as: one
    steps:
      - action: case.note
        with: {text: "${{ one.rep.value }} ${{ steps.known.value }} ${{ (steps.loop | first).rep.value }}"}
  - if: steps.known.verdict == 'malicious' and steps.question.answer == 'approve'
    then:
      - call: notify-user
        with: {user: a}
"""
WHOLE = HEAD + REST


def _at(needle: str) -> Spot:
    return Text(WHOLE).spot(WHOLE.index(needle.replace("^", "")) + needle.index("^"))


@pytest.mark.parametrize(
    ("needle", "said"),
    [
        ("observable.look^_up", "Effect `read`: changes nothing"),
        ("steps.kno^wn.value", "(action, line 10)"),
        ("known.val^ue", "`steps.known.value`: a text"),
        ("rep.ver^dict'", "One of `benign`, `malicious`"),
        ("whe^re(", "a list → a list"),
        ("on_dea^dline", "The answer that counts"),
        ("one.rep.val^ue", "a text"),
        ("call: noti^fy-user", "takes `user`"),
        ("{us^er: a", "a text"),
        ("for_ea^ch", "each item"),
    ],
)
def test_hover_says_what_stands_there(needle: str, said: str) -> None:
    found = hover(WHOLE, _at(needle), KNOWN)
    assert found is not None
    assert said in found.about


def test_hover_explains_the_code_of_a_diagnostic() -> None:
    text = HEAD + "  - if: ${{ steps.known.sen > 1 }}\n    then: [{stop: succeeded}]\n"
    found = check(text, file="example.yaml", catalogue=KNOWN.catalogue).diagnostics
    spot = Text(text).spot(text.index("sen > 1") + 1)
    said = hover(text, spot, KNOWN, diagnostics=found, codes={code.id: code for code in ALL})
    assert said is not None
    assert "PB221 unknown-field" in said.about


@pytest.mark.parametrize(
    ("needle", "where"),
    [
        ("steps.kno^wn.value", "known"),
        ("rep^.verdict'", "rep"),
        ("one^.rep.value", "one"),
        ("seen^.value", "seen"),
        ("steps.go^od.these", "good"),
    ],
)
def test_definition_leads_to_where_a_name_is_given(needle: str, where: str) -> None:
    span = definition(WHOLE, _at(needle), KNOWN)
    assert span is not None
    assert not isinstance(span, str)
    assert Text(WHOLE).at(span) == where
    assert WHOLE.split("\n")[span.line - 1].strip().startswith(("- id:", "as:"))


def test_definition_of_a_call_is_the_other_playbook() -> None:
    assert definition(WHOLE, _at("call: noti^fy-user"), KNOWN) == "notify-user"


def test_rename_follows_a_step_through_lists_loops_and_set() -> None:
    edits = rename(WHOLE, _at("id: re^p"), "lookup", KNOWN)
    text = applied(WHOLE, edits)
    assert len(edits) == 6
    assert "rep" not in text.replace("reported", "")
    before, after = (check(one, file="", catalogue=KNOWN.catalogue, playbooks=KNOWN.playbooks).diagnostics for one in (WHOLE, text))
    assert [one.code for one in before] == [one.code for one in after]


def test_rename_starts_where_the_step_is_read_too() -> None:
    assert rename(WHOLE, _at("steps.kno^wn.value"), "what", KNOWN) == rename(WHOLE, _at("id: kno^wn"), "what", KNOWN)
    assert rename(WHOLE, _at("'re^p.verdict"), "what", KNOWN) == rename(WHOLE, _at("id: re^p"), "what", KNOWN)


def test_rename_keeps_quotes_and_leaves_equal_words_alone() -> None:
    text = HEAD.replace("id: known", 'id: "known"') + '  - action: case.note\n    with: {text: "known ${{ steps.known.value }} known"}\n'
    edits = rename(text, Text(text).spot(text.index('"known"') + 2), "what", KNOWN)
    assert applied(text, edits) == text.replace('id: "known"', 'id: "what"').replace("steps.known", "steps.what")


@pytest.mark.parametrize("name", ["question", "Not", "a-b", "", "if", "1a"])
def test_rename_refuses_names_that_exist_or_cannot_be(name: str) -> None:
    with pytest.raises(Invalid):
        rename(WHOLE, _at("id: kno^wn"), name, KNOWN)


def test_rename_refuses_what_it_cannot_follow() -> None:
    text = HEAD + "  - id: all\n    set: {both: \"${{ [steps.loop, steps.loop] | flatten | pluck('rep.value') }}\"}\n"
    with pytest.raises(Invalid, match="for certain"):
        rename(text, Text(text).spot(text.index("id: rep") + 5), "what", KNOWN)


def test_there_is_nothing_to_rename_at_a_title() -> None:
    assert renamed_at(WHOLE, _at("title: An ex^ample"), KNOWN) is None


def test_symbols_are_the_inputs_and_steps_with_what_is_inside() -> None:
    found = symbols(WHOLE)
    assert [one.name for one in found] == ["host", "known", "question", "loop", "good", "again", "if"]
    assert [one.name for one in found[3].inside] == ["rep"]
    assert (found[3].span.line, found[3].span.end_line) == (14, 20)


def test_a_near_name_becomes_a_fix_and_quotes_stay() -> None:
    text = HEAD + "  - action: 'case.nte'\n    with: {text: a}\n"
    found = check(text, file="example.yaml", catalogue=KNOWN.catalogue).diagnostics
    fix = next(fix for one in found if (fix := fix_of(one, text)) is not None)
    assert applied(text, [fix.edit]) == text.replace("nte", "note")


def test_what_only_a_person_can_know_has_no_fix() -> None:
    text = HEAD + "  - action: case.note\n    with: {}\n  - wait: 5\n"
    found = check(text, file="example.yaml", catalogue=KNOWN.catalogue).diagnostics
    assert [one.code for one in found if fix_of(one, text) is not None] == []


@settings(max_examples=150, deadline=None)
@given(
    start=st.integers(0, len(WHOLE)),
    length=st.integers(0, 200),
    put=st.text(alphabet="abs.|{}[]'\"$: -\n\t&*!%#😀", max_size=8),
    line=st.integers(-1, 45),
    column=st.integers(-1, 130),
)
def test_no_text_and_no_place_brings_it_down(start: int, length: int, put: str, line: int, column: int) -> None:
    text = WHOLE[:start] + put + WHOLE[start + length :]
    for spot in (Spot(line, column), Text(text).spot(min(start + len(put), len(text)))):
        complete(text, spot, KNOWN)
        hover(text, spot, KNOWN)
        definition(text, spot, KNOWN)
        renamed_at(text, spot, KNOWN)
    symbols(text)
