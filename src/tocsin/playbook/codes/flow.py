"""PB3xx: the steps are readable one by one, and do not work in this order."""

from tocsin.core.diagnostics import Level
from tocsin.playbook.codes.code import Code

_TOP = "schema: tocsin/playbook@1\nid: example\ntitle: An example\n"
_NOTE = "- action: case.note\n  with: {text: seen}"
_SEARCH = "- action: mailbox.search\n  id: found\n  with: {sender: a@example.org}"
_USE = "- action: case.note\n  with: {text: 'Found ${{ steps.found.count }}'}"


def _nested(levels: int) -> str:
    lines = [f"{'    ' * level}- if: ${{{{ alert.count > {level + 1} }}}}\n{'    ' * level}  then:" for level in range(levels)]
    return "\n".join([*lines, f"{'    ' * levels}- wait: 1s"])


STEP_COMES_LATER = Code(
    "PB301",
    "step-comes-later",
    Level.ERROR,
    "A result that is not there yet",
    "Steps run in the order in which they stand; the step that is read comes later.",
    _USE + "\n" + _SEARCH,
    _SEARCH + "\n" + _USE,
)
STEP_IN_LOOP = Code(
    "PB302",
    "step-is-inside-a-loop",
    Level.ERROR,
    "A result of one iteration, read outside the loop",
    "Inside a loop a step runs many times, so outside there is no one result. The loop's own result is the list of all.",
    "- id: looked\n  for_each: ${{ alert.observables }}\n  as: seen\n  steps:\n    - action: urlscan.lookup\n      id: rep\n"
    "      with: {url: '${{ seen.value }}'}\n- action: case.note\n  with: {text: '${{ steps.rep.url }}'}",
    "- id: looked\n  for_each: ${{ alert.observables }}\n  as: seen\n  steps:\n    - action: urlscan.lookup\n      id: rep\n"
    "      with: {url: '${{ seen.value }}'}\n- action: case.note\n  with: {text: \"${{ steps.looked | pluck('rep.url') | join }}\"}",
)
STEP_READS_ITSELF = Code(
    "PB303",
    "step-reads-itself",
    Level.ERROR,
    "A step that reads its own result",
    "The result is there only after the step has ended.",
    "- action: mailbox.search\n  id: found\n  with: {sender: '${{ steps.found.sender }}'}",
    "- action: mailbox.search\n  id: found\n  with: {sender: '${{ alert.user.email }}'}",
)
STEP_BESIDE = Code(
    "PB304",
    "step-in-another-branch",
    Level.ERROR,
    "A result of another branch",
    "Branches of `parallel` run at the same time, and of `if` and `switch` only one runs at all.",
    "- parallel:\n    - - action: mailbox.search\n        id: found\n        with: {sender: a@example.org}\n    - - action: case.note\n"
    "        with: {text: 'Found ${{ steps.found.count }}'}",
    "- parallel:\n    - - action: mailbox.search\n        id: found\n        with: {sender: a@example.org}\n    - - wait: 1s\n"
    "- action: case.note\n  with: {text: 'Found ${{ steps.found.count }}'}",
)
STEP_MAY_BE_SKIPPED = Code(
    "PB305",
    "step-may-be-skipped",
    Level.WARNING,
    "A result that is there only sometimes",
    "The step that is read stands in a branch or has an `if`. When it did not run, reading its result fails the run.",
    "- action: mailbox.search\n  id: found\n  if: ${{ alert.category == 'phishing' }}\n  with: {sender: a@example.org}\n" + _USE,
    "- action: mailbox.search\n  id: found\n  if: ${{ alert.category == 'phishing' }}\n  with: {sender: a@example.org}\n"
    "- action: case.note\n  with: {text: 'Found ${{ steps.found.count | default(0) }}'}",
)
UNREACHABLE = Code(
    "PB306",
    "unreachable",
    Level.WARNING,
    "A step that never runs",
    "`stop` ends the run, so what follows it in the same block is dead text that reviewers still read.",
    "- stop: succeeded\n" + _NOTE,
    _NOTE + "\n- stop: succeeded",
)
CONSTANT_CONDITION = Code(
    "PB307",
    "constant-condition",
    Level.WARNING,
    "A condition that never changes",
    "Often left over from a trial: the branch always or never runs.",
    "- if: true\n  then:\n    - action: case.note\n      with: {text: seen}",
    "- if: ${{ alert.count > 3 }}\n  then:\n    - action: case.note\n      with: {text: seen}",
)
BLOCKS_TOO_DEEP = Code(
    "PB308",
    "blocks-too-deep",
    Level.ERROR,
    "Blocks nest more than 12 deep",
    "Nobody can say any more when the innermost step runs. Move a part into a playbook of its own and `call` it.",
    _nested(13),
    _nested(3),
)
TOO_MANY_STEPS = Code(
    "PB309",
    "too-many-steps",
    Level.ERROR,
    "More than 500 steps",
    "Move parts into playbooks of their own and `call` them.",
    "\n".join(["- wait: 1s"] * 501),
    "- wait: 1s",
)
CALL_CYCLE = Code(
    "PB310",
    "call-cycle",
    Level.ERROR,
    "Playbooks that call each other in a circle",
    "The run would go round until the limit of calls stops it.",
    "- call: example",
    "- call: notify-user",
)
FAN_OUT = Code(
    "PB311",
    "fan-out",
    Level.ERROR,
    "Too much at once",
    "A loop works on at most 100 items at a time and parallel has at most 32 branches, so that one run cannot drown a target.",
    "- for_each: ${{ alert.observables }}\n  concurrency: 1000\n  steps:\n    - action: case.note\n      with: {text: '${{ item.value }}'}",
    "- for_each: ${{ alert.observables }}\n  concurrency: 10\n  steps:\n    - action: case.note\n      with: {text: '${{ item.value }}'}",
)
EMPTY_BLOCK = Code(
    "PB312",
    "empty-block",
    Level.ERROR,
    "A block with no steps",
    "An empty branch is most often one that was never written.",
    "- if: ${{ alert.count > 3 }}\n  then: []",
    "- if: ${{ alert.count > 3 }}\n  then:\n    - action: case.note\n      with: {text: seen}",
)
DUPLICATE_CASE = Code(
    "PB313",
    "duplicate-case",
    Level.ERROR,
    "A case that never matches",
    "The same value stands in an earlier case, and the first that matches is taken.",
    "- switch: ${{ alert.severity }}\n  cases:\n    - {when: high, steps: [{wait: 1s}]}\n    - {when: high, steps: [{wait: 2s}]}",
    "- switch: ${{ alert.severity }}\n  cases:\n    - {when: high, steps: [{wait: 1s}]}\n    - {when: low, steps: [{wait: 2s}]}",
)
INPUT_NOBODY_GIVES = Code(
    "PB314",
    "input-nobody-gives",
    Level.WARNING,
    "A trigger cannot give a required input",
    "An alert, a schedule or a case starts the run without a person, so an input without a default has no value and the run cannot start. "
    "A webhook sends inputs.",
    _TOP + "triggers:\n  - alert: ${{ alert.category == 'phishing' }}\ninputs:\n  host: {type: string}\nsteps:\n"
    "  - action: case.note\n    with: {text: '${{ inputs.host }}'}\n",
    _TOP + "triggers:\n  - alert: ${{ alert.category == 'phishing' }}\ninputs:\n  host: {type: string, default: any}\nsteps:\n"
    "  - action: case.note\n    with: {text: '${{ inputs.host }}'}\n",
)

ALL = (
    STEP_COMES_LATER,
    STEP_IN_LOOP,
    STEP_READS_ITSELF,
    STEP_BESIDE,
    STEP_MAY_BE_SKIPPED,
    UNREACHABLE,
    CONSTANT_CONDITION,
    BLOCKS_TOO_DEEP,
    TOO_MANY_STEPS,
    CALL_CYCLE,
    FAN_OUT,
    EMPTY_BLOCK,
    DUPLICATE_CASE,
    INPUT_NOBODY_GIVES,
)
