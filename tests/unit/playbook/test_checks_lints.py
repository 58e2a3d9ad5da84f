"""Lints beside types: loops, answers, repeats, triggers; each with what it must not say a word about."""

from pathlib import Path

import pytest

from tocsin.connectors.catalogue import PackCatalogue
from tocsin.connectors.loader import BUILTIN, load_packs
from tocsin.playbook.catalogue import FixedCatalogue
from tocsin.playbook.compile import check
from tocsin.playbook.present import render

HEAD = "schema: tocsin/playbook@1\nid: example\ntitle: An example\n"
CLEAN = sorted((Path(__file__).parent / "clean").glob("*.yaml"))
_ASK = "  - id: q\n    ask: {title: t, to: role:lead, deadline: 1h, on_deadline: reject}\n"
_PURGE = "action: mailbox.purge, with: {message_id: x}"
_READ = "{id: a, action: mailbox.search, with: {sender: x}}"
_USE = '  - {action: case.note, with: {text: "Is ${{ steps.a.count }}"}}\n'


def _codes(steps: str, catalogue: FixedCatalogue, head: str = HEAD) -> list[tuple[str, int]]:
    text = f"{head}steps:\n{steps}"
    start = head.count("\n") + 2
    return [(one.code, one.span.line - start) for one in check(text, file="example.yaml", catalogue=catalogue).diagnostics]


@pytest.mark.parametrize("file", CLEAN, ids=lambda file: file.stem)
def test_a_right_playbook_of_every_construct_is_clean(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    found = check(text, file=file.name, catalogue=PackCatalogue(load_packs([BUILTIN]))).diagnostics
    assert not found, render(found, text)


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        # answers guard what they are asked for
        (f"{_ASK}  - if: steps.q.answer == 'approve'\n    then: [{{{_PURGE}}}]\n", []),
        (f"{_ASK}  - if: steps.q.answer != 'approve'\n    then: [{{stop: succeeded}}]\n  - {{{_PURGE}}}\n", []),
        (f"{_ASK}  - {{stop: succeeded, if: steps.q.answer == 'reject'}}\n  - {{{_PURGE}}}\n", []),
        (f"{_ASK}  - {{if: steps.q.answer == 'approve', {_PURGE}}}\n", []),
        (f"{_ASK}  - {{id: s, set: {{ok: \"${{{{ steps.q.answer == 'approve' }}}}\"}}}}\n"
         f"  - if: steps.s.ok\n    then: [{{{_PURGE}}}]\n", []),
        (f"{_ASK}  - switch: steps.q.answer\n    cases: {{approve: [{{{_PURGE}}}]}}\n", []),
        (f"{_ASK}  - if: steps.q.answer == 'approve'\n    then: [{{wait: 1s}}]\n  - {{{_PURGE}}}\n", [("PB412", 4)]),
        (f"{_ASK}  - if: steps.q.answer == 'approve'\n    then: [{{wait: 1s}}]\n    else: [{{{_PURGE}}}]\n", [("PB413", 4)]),
        (f"{_ASK}  - switch: steps.q.answer\n    cases: {{reject: [{{{_PURGE}}}], approve: [{{wait: 1s}}]}}\n", [("PB413", 3)]),
        # loops
        ("  - while: now < '2030'\n    max: 5\n    steps: [{wait: 1m}]\n", []),
        (f"  - while: steps.a.count | default(0) == 0\n    max: 5\n    steps: [{_READ}]\n", [("PB341", 0)]),
        (f"  - while: steps.a.count | default(0) == 0\n    max: 5\n    steps: [{_READ}, {{wait: 1m}}]\n", []),
        (f"  - while: steps.a.count | default(0) == 0\n    max: 5\n    steps: [{_READ}, {{action: case.note, with: {{text: x}}}}]\n", []),
        ("  - {action: case.note, with: {text: x}, retry: {attempts: 10, delay: 5s, backoff: 2}}\n", []),
        # the result of polling need not be read: it waits
        (f"  - {_READ[:-1]}, repeat_until: steps.a.count > 0, every: 30s, at_most: 1h}}\n", []),
        (f"  - {_READ[:-1]}, timeout: 2h, repeat_until: steps.a.count > 0, every: 30s, at_most: 1h}}\n", [("PB343", 0)]),
        ("  - {wait: {event: alert, deadline: 1h}}\n", []),
        # twice
        ("  - {action: case.note, with: {text: x}}\n  - {wait: 1s}\n  - {action: case.note, with: {text: x}}\n", []),
        ("  - {action: case.note, with: {text: '1'}}\n  - {action: case.note, with: {text: 'one'}}\n", []),
        ("  - {action: case.note, with: {text: x}}\n  - {action: case.note, connection: other, with: {text: x}}\n", []),
        ("  - if: alert.count > 3\n    then: [{wait: 1s}]\n    else: [{wait: 1s}]\n", []),
        # a stop in a branch of its own ends nothing beside it
        ("  - parallel:\n      - [{wait: 1s}]\n      - [{wait: 2s}]\n  - stop: succeeded\n", []),
        ("  - parallel:\n      - [{wait: 1s}]\n      - [{wait: 2s}, {if: alert.count > 3, stop: failed}]\n", [("PB350", 2)]),
        # loops in loops
        ("  - for_each: alert.raw.a\n    as: x\n    steps:\n      - for_each: x.b\n        steps: [{wait: '${{ item }}'}]\n", []),
        ("  - for_each: alert.raw.a\n    steps:\n      - for_each: item.b\n        steps: [{wait: '${{ item }}'}]\n", [("PB510", 2)]),
        # commands and addresses
        ("  - {action: http.request, with: {command: '${{ alert.raw.command }}'}}\n", []),
        ("  - {action: http.request, with: {url: 'https://example.org/a:b@c'}}\n", []),
        ("  - {action: http.request, with: {url: 'https://u:${{ alert.raw.p }}@example.org'}}\n", []),
        ("  - {action: http.request, with: {url: 'ftp://u:p4ss@example.org/x'}}\n", [("PB416", 0)]),
        # results
        (f"  - {_READ}\n", [("PB508", 0)]),
        (f"  - {_READ}\n{_USE}", []),
        ("  - for_each: alert.observables\n    as: x\n    id: l\n"
         "    steps: [{id: r, action: urlscan.lookup, with: {url: '${{ x.value }}'}}]\n"
         "  - {action: case.note, with: {text: \"${{ steps.l | pluck('r.url') | join }}\"}}\n", []),
    ],
)  # fmt: skip
def test_lints_speak_when_they_should_and_not_else(steps: str, expected: list[tuple[str, int]], catalogue: FixedCatalogue) -> None:
    found = [one for one in _codes(steps, catalogue) if one[0] not in ("PB406", "PB323", "PB423")]
    assert found == expected


@pytest.mark.parametrize(
    ("triggers", "expected"),
    [
        ("  - webhook: a\n  - webhook: b\n", []),
        ("  - webhook: a\n  - webhook: a\n", [("PB353", -2)]),
        ("  - schedule: '0 6 * * *'\n  - schedule: '0  6 * * *'\n", [("PB353", -2)]),
        ("  - alert: alert.count > 3\n  - alert: alert.count > 4\n", []),
        ("  - case: opened\n  - case: closed\n  - case: opened\n", [("PB353", -2)]),
    ],
)
def test_triggers_that_are_there_twice_start_two_runs(triggers: str, expected: list[tuple[str, int]], catalogue: FixedCatalogue) -> None:
    assert _codes("  - wait: 1s\n", catalogue, head=f"{HEAD}triggers:\n{triggers}") == expected


@pytest.mark.parametrize(
    ("value", "schema", "is_right"),
    [
        ("192.0.2.1", {"format": "ip"}, True),
        ("2001:db8::1", {"format": "ip"}, True),
        ("192.0.2", {"format": "ip"}, False),
        ("4h", {"format": "duration"}, True),
        ("4 hours", {"format": "duration"}, False),
        ("", {"minLength": 1}, False),
        ("abc", {"maxLength": 2}, False),
        ("abc", {"maxLength": 3, "minLength": 3}, True),
    ],
)
def test_constants_are_checked_for_length_and_form(value: str, schema: dict[str, object], is_right: bool) -> None:
    from tocsin.playbook.schemas import mismatch

    assert (mismatch(value, {"type": "string", **schema}) == "") is is_right  # type: ignore[dict-item]  # a schema is JSON


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        (f"  - action: case.note\n    with: {{text: x}}\n    on_error: {{steps: [{{{_PURGE}}}]}}\n", [2]),
        (f"  - parallel:\n      - [{{wait: 1s}}]\n      - [{{wait: 2s}}]\n    on_error: {{steps: [{{{_PURGE}}}]}}\n", [3]),
        (f"  - while: now < '2030'\n    max: 5\n    steps: [{{wait: 1m}}, {{{_PURGE}}}]\n", [2]),
        ("  - join: any\n    parallel:\n      - - id: q\n"
         "          ask: {title: t, to: role:a, options: [a], deadline: 1h, on_deadline: a}\n"
         f"      - - wait: 1s\n  - {{{_PURGE}}}\n", [5]),
        ("  - parallel:\n      - - id: q\n          ask: {title: t, to: role:lead, options: [a], deadline: 1h, on_deadline: a}\n"
         f"      - - wait: 1s\n  - {{{_PURGE}}}\n", []),
    ],
)  # fmt: skip
def test_a_destructive_action_is_found_wherever_it_stands(steps: str, expected: list[int], catalogue: FixedCatalogue) -> None:
    assert [line for code, line in _codes(steps, catalogue) if code == "PB406"] == expected
