"""PB1xx: the text is not a playbook that can be read, or uses a form that is not there yet."""

from tocsin.core.diagnostics import Level
from tocsin.playbook.codes.code import Code

_HEAD = "schema: tocsin/playbook@1\nid: example\ntitle: An example\n"
_STEPS = "steps:\n  - set: {colour: red}\n    id: paint\noutputs:\n  colour: ${{ steps.paint.colour }}\n"
_THEN = "- if: ${{ steps.permission.answer == 'approve' }}\n  then:\n    - wait: 1s"
_ASK = "- id: permission\n  ask: {title: Go on?, to: [role:responder], deadline: 4h, on_deadline: reject"
_GOOD = _HEAD + _STEPS

NOT_YAML = Code(
    "PB101",
    "not-yaml",
    Level.ERROR,
    "The text is not YAML",
    "Nothing can be checked before the text can be read. The place is where the reader gave up; the mistake is there or just above.",
    _HEAD + "steps:\n  - action: mailbox.search\n    with: {sender: ${{ alert.user.email }}}\n",
    _HEAD + 'steps:\n  - action: mailbox.search\n    with: {sender: "${{ alert.user.email }}"}\n',
)
TOO_LARGE = Code(
    "PB102",
    "too-large",
    Level.ERROR,
    "The text is larger than 256 KB",
    "A playbook that large is data, not steps. Keep lists in a connection, an input or a list that an action reads.",
    "# a file of more than 256 KB",
    _GOOD,
)
TOO_DEEP = Code(
    "PB103",
    "too-deep",
    Level.ERROR,
    "The text nests more than 32 levels",
    "Nobody can review what is nested that deep, and readers of YAML can be brought down by it.",
    _HEAD + "steps:\n  - set: {deep: " + "[" * 33 + "]" * 33 + "}\n",
    _GOOD,
)
DUPLICATE_KEY = Code(
    "PB104",
    "duplicate-key",
    Level.ERROR,
    "A key stands twice in one map",
    "YAML tools silently keep one of the two. A reviewer may read the one that does not count.",
    "- action: case.note\n  with: {text: first}\n  with: {text: second}",
    "- action: case.note\n  with: {text: first and second}",
)
ANCHOR = Code(
    "PB105",
    "anchor",
    Level.ERROR,
    "An anchor or alias",
    "With anchors the text that stands at a place is not the text that runs there. Use `set`, an input, or `call`.",
    "- action: case.note\n  with: &note {text: seen}\n- action: case.note\n  with: *note",
    "- action: case.note\n  with: {text: seen}\n- action: case.note\n  with: {text: seen}",
)
MERGE_KEY = Code(
    "PB106",
    "merge-key",
    Level.ERROR,
    "A merge key",
    "`<<` is not part of YAML 1.2, and hides what a step is given. Write the keys out.",
    "- action: case.note\n  with:\n    text: seen\n    <<: {text: other}",
    "- action: case.note\n  with:\n    text: seen",
)
CUSTOM_TAG = Code(
    "PB107",
    "tag",
    Level.ERROR,
    "A YAML tag",
    "Tags change what a value is, or name code in other tools. Quote a value to make it a text.",
    "- action: case.note\n  with: {text: !!str seen}",
    '- action: case.note\n  with: {text: "seen"}',
)
SEVERAL_DOCUMENTS = Code(
    "PB108",
    "several-documents",
    Level.ERROR,
    "More than one document",
    "One playbook a file: its name is the playbook's id.",
    _GOOD + "---\n" + _GOOD,
    _GOOD,
)
NOT_UTF8 = Code(
    "PB109",
    "not-utf-8",
    Level.ERROR,
    "The text is not UTF-8",
    "A text in another encoding reads differently on every machine. Save it as UTF-8.",
    "# a file in Latin-1 with an ü in it",
    _GOOD,
)
CONTROL_CHARACTER = Code(
    "PB110",
    "control-character",
    Level.ERROR,
    "A control character",
    "Control characters and characters that turn the direction of writing make a text look different from what it says.",
    '- action: case.note\n  with: {text: "harm\u202eless"}',
    '- action: case.note\n  with: {text: "harmless"}',
)
EMPTY = Code(
    "PB111",
    "empty",
    Level.ERROR,
    "The text is empty",
    "An empty file is most often a save that went wrong.",
    "# nothing here",
    _GOOD,
)
NOT_A_MAP = Code(
    "PB112",
    "not-a-map",
    Level.ERROR,
    "The text is not a map",
    "A playbook is a map with the keys schema, id, title and steps. A list of steps alone has no name.",
    "[one, two]",
    _GOOD,
)
KEY_NOT_TEXT = Code(
    "PB113",
    "key-not-text",
    Level.ERROR,
    "A key is not a text",
    "Values in Tocsin are JSON, whose keys are texts. Only the cases of a `switch` may be numbers or booleans.",
    "- set: {1: one}\n  id: names\n- action: case.note\n  with: {text: '${{ steps.names | json }}'}",
    '- set: {"1": one}\n  id: names\n- action: case.note\n  with: {text: "${{ steps.names | json }}"}',
)
BAD_NUMBER = Code(
    "PB114",
    "bad-number",
    Level.ERROR,
    "A number that JSON does not have",
    "Infinity, not-a-number and integers beyond 64 bits do not survive on the way to a connector. Quote it to make it a text.",
    "- set: {limit: .inf}\n  id: bounds\n- action: case.note\n  with: {text: 'Up to ${{ steps.bounds.limit }}'}",
    "- set: {limit: 1000000}\n  id: bounds\n- action: case.note\n  with: {text: 'Up to ${{ steps.bounds.limit }}'}",
)
DIRECTIVE = Code(
    "PB115",
    "directive",
    Level.ERROR,
    "A YAML directive",
    "Playbooks are YAML 1.2 and have no tags, so a line that begins with % says nothing or something wrong.",
    "%YAML 1.1\n---\n" + _GOOD,
    _GOOD,
)
NOT_YET = Code(
    "PB190",
    "not-there-yet",
    Level.ERROR,
    "A form that is not there yet",
    "The word belongs to the language and this version does not run it. The message names what to write meanwhile.",
    _ASK + ", remind: 1h}\n" + _THEN,
    _ASK + "}\n" + _THEN,
)

ALL = (
    NOT_YAML,
    TOO_LARGE,
    TOO_DEEP,
    DUPLICATE_KEY,
    ANCHOR,
    MERGE_KEY,
    CUSTOM_TAG,
    SEVERAL_DOCUMENTS,
    NOT_UTF8,
    CONTROL_CHARACTER,
    EMPTY,
    NOT_A_MAP,
    KEY_NOT_TEXT,
    BAD_NUMBER,
    DIRECTIVE,
    NOT_YET,
)
