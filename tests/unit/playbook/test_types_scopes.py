"""What is known where: results, conditions around a step, rounds, handlers, finally, other playbooks."""

import pytest

from tocsin.core.values import JsonObject
from tocsin.playbook.catalogue import FixedCatalogue
from tocsin.playbook.compile import check
from tocsin.playbook.directory import FixedDirectory
from tocsin.playbook.types.lattice import NULL, TEXT, closed, union

HEAD = "schema: tocsin/playbook@1\nid: example\ntitle: An example\n"
STYLE = ("PB345", "PB406", "PB423", "PB501", "PB502", "PB503", "PB504", "PB507", "PB508", "PB509", "PB516")  # not what is asked here
INPUTS: JsonObject = {
    "type": "object",
    "properties": {"host": {"type": "string"}, "minutes": {"type": "integer"}, "mode": {"type": "string", "enum": ["soft", "hard"]}},
    "required": ["host"],
    "additionalProperties": False,
}
DIRECTORY = FixedDirectory(
    ["isolate-host", "other"],
    inputs={"isolate-host": INPUTS},
    outputs={"isolate-host": closed({"ticket": TEXT, "note": union(TEXT, NULL)})},
)
_HOST = "  - {id: host, action: host.lookup, with: {name: srv1}}\n"
_FOUND = "  - {id: a, action: mailbox.search, with: {sender: x}}\n"


def _note(expression: str, margin: str = "  ") -> str:
    return f'{margin}- {{action: case.note, with: {{text: "Is ${{{{ {expression} }}}}"}}}}\n'


def _if(condition: str, then: str = "      - wait: 1s\n") -> str:
    return f'  - if: "{condition}"\n    then:\n{then}'


def _codes(steps: str, catalogue: FixedCatalogue, *, head: str = HEAD, tail: str = "") -> list[tuple[str, int]]:
    text = f"{head}steps:\n{steps}{tail}"
    start = head.count("\n") + 2
    found = check(text, file="example.yaml", catalogue=catalogue, playbooks=DIRECTORY).diagnostics
    return [(one.code, one.span.line - start) for one in found if one.code not in STYLE]


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        # set keeps types
        ("  - {id: s, set: {n: '${{ alert.count }}', t: 'x ${{ alert.count }}'}}\n" + _if("steps.s.n == 'x'"), [("PB237", 1)]),
        ("  - {id: s, set: {n: '${{ alert.count }}', t: 'x ${{ alert.count }}'}}\n" + _if("steps.s.t > 3"), [("PB238", 1)]),
        ("  - {id: s, set: {deep: {list: [1, 2]}}}\n" + _if("steps.s.deep.list | length > 1") + _note("steps.s.deep.lst"), [("PB221", 4)]),
        # loops give lists of what their steps make
        ("  - id: links\n    for_each: ${{ alert.observables }}\n    as: seen\n    steps:\n      - id: rep\n"
         "        action: urlscan.lookup\n"
         "        with: {url: '${{ seen.value }}'}\n" + _note("steps.links | pluck('rep.maliciuos') | join")
         + _note("steps.links | where('rep.malicious') | pluck('seen.value') | join") + _note("steps.links | pluck('sen') | join"),
         [("PB221", 7), ("PB221", 9)]),
        ("  - for_each: ${{ alert.observables }}\n    as: seen\n    steps:\n" + _note("seen.valeu", "      "), [("PB221", 3)]),
        ("  - for_each: ${{ alert.observables | pluck('value') }}\n    as: seen\n    steps:\n" + _note("seen.x", "      "), [("PB221", 3)]),
        ("  - for_each: ${{ alert.count }}\n    as: seen\n    steps:\n" + _note("seen.x", "      "), [("PB231", 0)]),
        ("  - for_each: ${{ alert.raw }}\n    as: seen\n    steps:\n" + _note("seen.x", "      "), []),
        # arguments
        ("  - {action: host.lookup, with: {name: srv1, port: '${{ alert.title }}'}}\n", [("PB229", 0)]),
        ("  - {action: host.lookup, with: {name: srv1, port: '${{ alert.count }}'}}\n", []),
        ("  - {action: host.lookup, with: {name: srv1, port: '${{ alert.raw.port }}'}}\n", []),
        ("  - {action: host.lookup, with: {name: srv1, port: '${{ 70000 + 1 }}'}}\n", []),
        ("  - {action: mailbox.search, with: {sender: x, folder: \"${{ 'Trash' if alert.count > 3 else 'Bin' }}\"}}\n", [("PB229", 0)]),
        ("  - {action: mailbox.search, with: {sender: x, fields: '${{ alert.title }}'}}\n", [("PB229", 0)]),
        ("  - {action: mailbox.search, with: {sender: x, fields: ['${{ alert.title }}', '${{ alert.count }}']}}\n", [("PB229", 0)]),
        ("  - {action: mailbox.search, with: {sender: x, fields: '${{ [alert.count] }}'}}\n", [("PB229", 0)]),
        ("  - {action: mailbox.search, with: \"${{ {'sender': alert.count} }}\"}\n", [("PB229", 0)]),
        ("  - {action: mailbox.search, with: \"${{ {'folder': 'Inbox'} }}\"}\n", [("PB229", 0)]),
        ("  - {action: mailbox.search, with: '${{ alert.raw }}'}\n", []),
        # what an if has answered
        (_HOST + _if("steps.host.owner is none", "      - stop: succeeded\n") + _note("steps.host.owner | upper"), []),
        (_HOST + _if("steps.host.owner != none", _note("steps.host.owner | upper", "      ")), []),
        (_HOST + _if("steps.host.owner is none", _note("steps.host.owner | upper", "      ")), [("PB240", 3)]),
        (_HOST + _note("steps.host.owner | upper"), [("PB244", 1)]),
        (_if("alert.severity == 'high'", _if("alert.severity == 'low'").replace("\n", "\n"
         "    ").rstrip(" ").replace("  - if", "      - if", 1)),
         [("PB315", 2)]),
        (_if("alert.count > 3", "      - if: alert.count > 3\n        then: [{wait: 1s}]\n"), [("PB316", 2)]),
        (_if("alert.category == 'a'", "      - stop: succeeded\n") + _if("alert.category != 'a'"), []),
        (_if("alert.severity != 'high'", "      - stop: succeeded\n") + _if("alert.severity == 'low'"), [("PB315", 3)]),
        ("  - if: alert.count > 3\n    then: [{wait: 1s}]\n  - if: alert.count > 3\n    then: [{wait: 1s}]\n", []),
        ("  - if: alert.time | ago > 60\n    then:\n      - wait: 5m\n      - if: alert.time | ago > 60\n        then: [{wait: 1s}]\n", []),
        ("  - {wait: 1s, if: alert.count >= 1}\n", [("PB316", 0)]),
        # a switch knows its value
        ("  - switch: alert.severity\n    cases:\n      high:\n        - if: alert.severity == 'low'\n          then: [{wait: 1s}]\n",
         [("PB315", 3)]),
        ("  - switch: alert.count\n    cases: {x: [{wait: 1s}], 3: [{wait: 1s}]}\n", [("PB317", 1)]),
        ("  - switch: alert.category\n    cases: {x: [{wait: 1s}], y: [{wait: 1s}]}\n", []),
        # a step that goes on when it fails
        ("  - {id: a, action: mailbox.search, with: {sender: x}, on_error: continue}\n" + _note("steps.a.count"), [("PB347", 1)]),
        ("  - {id: a, action: mailbox.search, with: {sender: x}, on_error: continue}\n" + _note("steps.a.error.message"), []),
        ("  - {id: a, action: mailbox.search, with: {sender: x}, on_error: continue}\n" + _if("steps.a.error is defined",
         _note("steps.a.error.message", "      ") + "    else:\n" + _note("steps.a.count", "      ")), []),
        ("  - {id: a, action: mailbox.search, with: {sender: x}, on_error: continue}\n" + _if("steps.a.count is defined",
         _note("steps.a.count", "      ")), []),
        ("  - {id: a, action: mailbox.search, with: {sender: x}, on_error: continue}\n" + _note("steps.a.cuont | default(0)"),
         [("PB221", 1)]),
        # handlers
        ("  - id: a\n    action: mailbox.search\n    with: {sender: x}\n    on_error:\n      steps:\n"
         + _note("steps.a.error.message", "        ")
         + "        - {id: b, action: mailbox.search, with: {sender: x}}\n" + _note("steps.b.count"), [("PB305", 7)]),
        ("  - id: a\n    action: mailbox.search\n    with: {sender: x}\n    on_error:\n      steps:\n" + _note("steps.a.count", "        ")
         + _note("steps.a.count"), [("PB221", 5), ("PB347", 6)]),
        ("  - id: a\n    action: mailbox.search\n    with: {sender: x}\n    on_error:\n      steps:\n        - stop: failed\n"
         + _note("steps.a.count"), []),
        # parallel that does not wait for all
        ("  - parallel:\n      - [{id: a, action: mailbox.search, with: {sender: x}}]\n      - [{wait: 1s}]\n"
         + _note("steps.a.count"), []),
        ("  - join: any\n    parallel:\n      - [{id: a, action: mailbox.search, with: {sender: x}}]\n      - [{wait: 1s}]\n"
         + _note("steps.a.count"), [("PB305", 4)]),
        # rounds
        ("  - id: tries\n    while: ${{ steps.a.count | default(0) == 0 }}\n    max: 5\n    steps:\n      - wait: 1m\n"
         "      - {id: a, action: mailbox.search, with: {sender: x}}\n" + _note("steps.tries.iterations")
         + _note("steps.tries.last.a.cuont"),
         [("PB221", 7)]),
        ("  - while: ${{ steps.a.count == 0 }}\n    max: 5\n    steps:\n      - wait: 1m\n"
         "      - {id: a, action: mailbox.search, with: {sender: x}}\n", [("PB305", 0)]),
        ("  - while: ${{ steps.a.cuont | default(0) == 0 }}\n    max: 5\n    steps:\n      - wait: 1m\n"
         "      - {id: a, action: mailbox.search, with: {sender: x}}\n", [("PB221", 0)]),
        ("  - while: ${{ steps.a.count | default(0) == 0 }}\n    max: 5\n    steps:\n      - wait: 1m\n"
         "      - {id: a, action: mailbox.search, with: {sender: x}}\n" + _note("steps.a.count"), [("PB302", 5)]),
        ("  - while: ${{ steps.a.count | default(0) == 0 }}\n    max: 5\n    steps:\n      - wait: 1m\n" + _note("steps.a.count", "      ")
         + "      - {id: a, action: mailbox.search, with: {sender: x}}\n", [("PB305", 4)]),
        # polling knows its own result
        ("  - {id: a, action: mailbox.search, with: {sender: x}, repeat_until: steps.a.count > 0, every: 30s, at_most: 2h}\n", []),
        ("  - {id: a, action: mailbox.search, with: {sender: x}, repeat_until: steps.a.cuont > 0, every: 30s, at_most: 2h}\n",
         [("PB221", 0)]),
        ("  - {id: a, action: mailbox.search, with: {sender: x}, repeat_until: steps.a.count, every: 30s, at_most: 2h}\n", [("PB230", 0)]),
        # events
        ("  - {id: w, wait: {event: alert, filter: event.severity == 'hgih', deadline: 2d}}\n", [("PB236", 0)]),
        ("  - {id: w, wait: {event: alert, filter: event.source == alert.source, deadline: 2d}}\n" + _note("steps.w.event.title"), []),
        ("  - {id: w, wait: {event: alert, filter: event.source == alert.source, deadline: 2d}}\n" + _note("steps.w.event.titel"),
         [("PB221", 1)]),
        ("  - {id: w, wait: {event: alert, filter: event.source == alert.source, deadline: 2d, on_deadline: continue}}\n"
         + _note("steps.w.event.title"), [("PB244", 1)]),
        ("  - {id: w, wait: {event: case, filter: event.status == 'clsoed', deadline: 2d}}\n", [("PB236", 0)]),
        ("  - {id: w, wait: {event: webhook, webhook: done, filter: event.payload.x.y == 3, deadline: 2d}}\n"
         + _note("steps.w.event.payload.z"), []),
        # a filter that reads what no event has would wait for nothing, without a word
        ("  - {wait: {event: webhook, webhook: done, filter: event.paylod.x == 3, deadline: 2d}}\n", [("PB221", 0)]),
        ("  - {wait: {event: case, filter: event.case.id == 'x', deadline: 2d}}\n", [("PB221", 0)]),
        (_note("event.title") + "  - {wait: {event: alert, filter: event.source == 'x', deadline: 2d}}\n", [("PB219", 0)]),
        # waits
        ("  - wait: ${{ alert.title }}\n  - wait: ${{ alert.count * 60 }}\n  - wait: {until: '${{ alert.count }}'}\n", [("PB250", 2)]),
        # other playbooks
        ("  - {id: c, call: isolate-host, with: {host: srv1}}\n" + _note("steps.c.ticket") + _note("steps.c.tickte"), [("PB221", 2)]),
        ("  - {call: isolate-host, with: {host: '${{ alert.count }}', minutes: x, mode: hrad, z: 1}}\n",
         [("PB248", 0), ("PB248", 0), ("PB248", 0), ("PB247", 0)]),
        ("  - {call: isolate-host, with: {minutes: 3}}\n", [("PB246", 0)]),
        ("  - {call: isolate-host, with: '${{ alert.raw }}'}\n  - {call: other, with: {x: 1}}\n", []),
        ("  - {id: c, call: isolate-host, with: {host: srv1}, wait: false}\n" + _note("steps.c.run") + _note("steps.c.ticket"),
         [("PB221", 2)]),
        ("  - {id: c, call: other}\n" + _note("steps.c.whatever"), []),
        # code
        ("  - id: c\n    code: \"return {'n': 1}\"\n    returns: {n: {type: integer}}\n" + _note("steps.c.n") + _note("steps.c.m"),
         [("PB221", 4)]),
        ("  - id: c\n    code: \"return {'n': 1}\"\n" + _note("steps.c.n") + _note("steps.c.m"), []),
        # answers
        ("  - id: q\n    ask: {title: t, to: role:lead, options: [yes, no], deadline: 1h, on_deadline: no, form: {n: {type: integer}}}\n"
         + _if("steps.q.answer == 'approve'") + _if("steps.q.form.n == 'x'"), [("PB249", 2), ("PB237", 5)]),
    ],
)  # fmt: skip
def test_what_is_known_at_each_place(steps: str, expected: list[tuple[str, int]], catalogue: FixedCatalogue) -> None:
    assert sorted(_codes(steps, catalogue)) == sorted(expected)


@pytest.mark.parametrize(
    ("last", "expected"),
    [
        (_note("run.outcome"), []),
        (_note("run.error.step"), [("PB244", 3)]),
        ("  - if: run.error is not none\n    then:\n" + _note("run.error.message", "      "), []),
        ("  - if: run.outcome == 'success'\n    then: [{wait: 1s}]\n", [("PB236", 3)]),
        (_note("steps.a.count"), [("PB305", 3)]),
        (_note("steps.a.count | default(0)"), []),
    ],
)
def test_finally_knows_the_outcome_and_doubts_every_result(last: str, expected: list[tuple[str, int]], catalogue: FixedCatalogue) -> None:
    assert _codes(_FOUND + _note("steps.a.count"), catalogue, tail=f"finally:\n{last}") == expected


def test_before_the_end_nobody_knows_the_outcome(catalogue: FixedCatalogue) -> None:
    assert _codes(_note("run.outcome"), catalogue) == [("PB221", 0)]


@pytest.mark.parametrize(
    ("triggers", "steps", "expected"),
    [
        ("  - {schedule: '0 6 * * *'}\n", _note("alert.title") + _note("alert.title"), [("PB354", 0)]),
        ("  - {schedule: '0 6 * * *'}\n", _if("alert is defined", _note("alert.title", "      ")), []),
        ("  - {webhook: go}\n", _note("alert.title | default('x')"), []),
        ("  - {case: opened}\n", _note("case.title"), []),
        ("  - {case: opened}\n  - {webhook: go}\n", _note("case.title"), [("PB355", 0)]),
        ("  - {alert: alert.severity == 'hihg'}\n", "  - wait: 1s\n", [("PB236", -2)]),
        ("  - {alert: alert.count}\n", "  - wait: 1s\n", [("PB230", -2)]),
    ],
)
def test_triggers_say_what_a_run_has(triggers: str, steps: str, expected: list[tuple[str, int]], catalogue: FixedCatalogue) -> None:
    head = f"{HEAD}triggers:\n{triggers}"
    assert _codes(steps, catalogue, head=head) == expected


def test_inputs_have_the_types_that_they_declare(catalogue: FixedCatalogue) -> None:
    head = (
        HEAD
        + "inputs:\n  n: {type: integer, default: 3}\n  mode: {type: string, enum: [soft, hard]}\n  more: {type: string, required: false}\n"
    )
    steps = _if("inputs.n == 'x'") + _if("inputs.mode == 'hrad'") + _note("inputs.more") + _note("inputs.more | default('x')")
    assert _codes(steps, catalogue, head=head) == [("PB237", 0), ("PB236", 3), ("PB348", 6)]
