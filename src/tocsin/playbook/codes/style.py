"""PB5xx: it works, and could be said better."""

from tocsin.core.diagnostics import Level
from tocsin.playbook.codes.code import Code

_TOP = "schema: tocsin/playbook@1\nid: example\ntitle: An example\n"

UNUSED_SET = Code(
    "PB501",
    "unused-set",
    Level.INFO,
    "Values that nothing reads",
    "A reader looks for where they are used.",
    "- id: colours\n  set: {first: red}\n- wait: 1s",
    "- id: colours\n  set: {first: red}\n- action: case.note\n  with: {text: '${{ steps.colours.first }}'}",
)
UNUSED_INPUT = Code(
    "PB502",
    "unused-input",
    Level.INFO,
    "An input that nothing reads",
    "People are asked for a value that changes nothing.",
    _TOP + "inputs:\n  host: {type: string}\nsteps:\n  - wait: 1s\n",
    _TOP + "inputs:\n  host: {type: string}\nsteps:\n  - action: case.note\n    with: {text: '${{ inputs.host }}'}\n",
)
PARALLEL_OF_ONE = Code(
    "PB503",
    "parallel-of-one",
    Level.INFO,
    "Parallel with one branch",
    "One branch has nothing to run beside it; write its steps without parallel. Each branch is a list of its own.",
    "- parallel:\n    - - wait: 1s\n      - wait: 2s",
    "- parallel:\n    - - wait: 1s\n    - - wait: 2s",
)
LOOP_ITEM_UNUSED = Code(
    "PB504",
    "loop-variable-unused",
    Level.INFO,
    "A loop that never looks at its item",
    "The same is done once for each item, whatever it is.",
    "- for_each: ${{ alert.observables }}\n  as: seen\n  steps:\n    - action: case.note\n      with: {text: '${{ alert.title }}'}",
    "- for_each: ${{ alert.observables }}\n  as: seen\n  steps:\n    - action: case.note\n      with: {text: '${{ seen.value }}'}",
)

ALL = (UNUSED_SET, UNUSED_INPUT, PARALLEL_OF_ONE, LOOP_ITEM_UNUSED)
