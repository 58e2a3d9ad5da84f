"""PB2xx: something is of the wrong type, or a name leads nowhere."""

from tocsin.core.diagnostics import Level
from tocsin.playbook.codes.code import Code

_TOP = "schema: tocsin/playbook@1\nid: example\ntitle: An example\n"
_BODY = "steps:\n  - action: case.note\n    with: {text: seen}\n"
_SEARCH = "- action: mailbox.search\n  id: found\n  with: {sender: a@example.org}\n"
_FOUND = "- id: found\n  action: mailbox.search"
_COUNTED = "\n- action: case.note\n  with: {text: 'Found ${{ steps.found.count }}'}"
_NOTE = "- action: case.note\n  with: {text: seen}"

UNKNOWN_KEY = Code(
    "PB201",
    "unknown-key",
    Level.ERROR,
    "A key that nothing reads",
    "A misspelt key is a setting that silently does not apply, so no key is ever ignored.",
    _NOTE + "\n  on_eror: continue",
    _NOTE + "\n  on_error: continue",
)
MISSING_KEY = Code(
    "PB202",
    "missing-key",
    Level.ERROR,
    "A key is missing",
    "The form needs the key to mean anything.",
    "- ask: {to: [role:responder], deadline: 4h, on_deadline: reject}\n  id: permission\n"
    "- if: ${{ steps.permission.answer == 'approve' }}\n  then:\n    - action: case.note\n      with: {text: yes}",
    "- ask: {title: Go on?, to: [role:responder], deadline: 4h, on_deadline: reject}\n  id: permission\n"
    "- if: ${{ steps.permission.answer == 'approve' }}\n  then:\n    - action: case.note\n      with: {text: yes}",
)
WRONG_TYPE = Code(
    "PB203",
    "wrong-type",
    Level.ERROR,
    "A value of the wrong type",
    "What stands here is not what the key takes.",
    _TOP + "steps: case.note\n",
    _TOP + _BODY,
)
WRONG_SCHEMA = Code(
    "PB204",
    "wrong-schema",
    Level.ERROR,
    "The text names another language version",
    "The first line says which language the text is in, so that a later version can still run it.",
    "schema: tocsin/playbook@9\nid: example\ntitle: An example\n" + _BODY,
    _TOP + _BODY,
)
BAD_ID = Code(
    "PB205",
    "bad-playbook-id",
    Level.ERROR,
    "The id of the playbook is not in kebab-case",
    "The id is a file name, part of an address and what `call` names: lower-case letters, digits and hyphens.",
    "schema: tocsin/playbook@1\nid: My Playbook\ntitle: An example\n" + _BODY,
    _TOP + _BODY,
)
ID_NOT_FILE = Code(
    "PB206",
    "id-is-not-file-name",
    Level.ERROR,
    "The id is not the name of the file",
    "Who reads `call: notify-user` must find `notify-user.yaml`.",
    "schema: tocsin/playbook@1\nid: another\ntitle: An example\n" + _BODY,
    _TOP + _BODY,
)
BAD_STEP_ID = Code(
    "PB207",
    "bad-step-id",
    Level.ERROR,
    "A name is not in snake_case",
    "Expressions read a step as `steps.name`, so a name has lower-case letters, digits and _, and starts with a letter.",
    _NOTE + "\n  id: My-Note",
    _NOTE + "\n  id: my_note",
)
RESERVED_NAME = Code(
    "PB208",
    "reserved-name",
    Level.ERROR,
    "A name that has a meaning of its own",
    "Inside the step or loop the name would hide what every reader expects it to be.",
    "- for_each: ${{ alert.observables }}\n  as: alert\n  steps:\n    - action: case.note\n      with: {text: '${{ alert.value }}'}",
    "- for_each: ${{ alert.observables }}\n  as: seen\n  steps:\n    - action: case.note\n      with: {text: '${{ seen.value }}'}",
)
DUPLICATE_ID = Code(
    "PB209",
    "duplicate-name",
    Level.ERROR,
    "A name is used twice",
    "Results and journal entries go by name. Steps inside `if`, `switch` and `parallel` share the names of what is around them.",
    _NOTE + "\n  id: note\n- action: case.note\n  with: {text: gone}\n  id: note",
    _NOTE + "\n  id: note\n- action: case.note\n  with: {text: gone}\n  id: second_note",
)
ON_KEY = Code(
    "PB210",
    "on-key",
    Level.ERROR,
    "`on` instead of `triggers`",
    "Many YAML tools read `on` as the boolean true, so the language has the key `triggers`.",
    _TOP + "on:\n  - webhook: reported-mail\n" + _BODY,
    _TOP + "triggers:\n  - webhook: reported-mail\n" + _BODY,
)
NO_KIND = Code(
    "PB211",
    "no-step-kind",
    Level.ERROR,
    "A step that does nothing",
    "Exactly one key says what a step is: action, set, if with then, switch, for_each, parallel, ask, wait, call or stop.",
    "- id: note\n  with: {text: seen}",
    _NOTE + "\n  id: note",
)
SEVERAL_KINDS = Code(
    "PB212",
    "several-step-kinds",
    Level.ERROR,
    "A step of several kinds",
    "A step does one thing; which would come first?",
    "- action: case.note\n  with: {text: seen}\n  wait: 5m",
    _NOTE + "\n- wait: 5m",
)
BAD_DURATION = Code(
    "PB213",
    "bad-duration",
    Level.ERROR,
    "A duration that cannot be read",
    "Durations have a unit, so that nobody has to guess whether 5 means seconds or minutes.",
    "- wait: five minutes",
    "- wait: 5m",
)
NOT_ONE_OF = Code(
    "PB214",
    "not-one-of",
    Level.ERROR,
    "Not one of the words allowed here",
    "The key takes a word out of a fixed list.",
    _NOTE + "\n  on_error: ignore",
    _NOTE + "\n  on_error: continue",
)
OUT_OF_RANGE = Code(
    "PB215",
    "out-of-range",
    Level.ERROR,
    "A number out of range",
    "The limit keeps a mistake from becoming an outage.",
    _NOTE + "\n  retry: {attempts: 5000}",
    _NOTE + "\n  retry: {attempts: 5}",
)
BAD_EXPRESSION = Code(
    "PB216",
    "bad-expression",
    Level.ERROR,
    "An expression that cannot be read",
    "Expressions are a small language: names, fields, comparisons and filters, no calls and no statements.",
    "- action: case.note\n  with: {text: '${{ alert.title | uper }}'}",
    "- action: case.note\n  with: {text: '${{ alert.title | upper }}'}",
)
EXPRESSION_NOT_HERE = Code(
    "PB217",
    "no-expression-here",
    Level.ERROR,
    "An expression where none is evaluated",
    "What a playbook may do must be readable before it runs: the names of actions, connections, playbooks and keys are fixed.",
    "- action: ${{ inputs.action }}\n  with: {text: seen}",
    _NOTE,
)
UNKNOWN_NAME = Code(
    "PB218",
    "unknown-name",
    Level.ERROR,
    "A name that does not exist",
    "Expressions see alert, case, inputs, steps, run, item, workspace and now, and in a loop its own name.",
    "- action: case.note\n  with: {text: '${{ alrt.title }}'}",
    "- action: case.note\n  with: {text: '${{ alert.title }}'}",
)
NAME_NOT_HERE = Code(
    "PB219",
    "name-not-here",
    Level.ERROR,
    "A name that has no value here",
    "A trigger is tested before a run exists, so it sees alert, workspace and now; `item` exists inside a loop only.",
    _TOP + "triggers:\n  - alert: ${{ run.id == 'x' }}\n" + _BODY,
    _TOP + "triggers:\n  - alert: ${{ alert.category == 'phishing' }}\n" + _BODY,
)
UNKNOWN_STEP = Code(
    "PB220",
    "unknown-step",
    Level.ERROR,
    "A step that does not exist",
    "The run would fail at this place, perhaps in the one branch that matters.",
    _SEARCH + "- action: case.note\n  with: {text: 'Found ${{ steps.fond.count }}'}",
    _SEARCH + "- action: case.note\n  with: {text: 'Found ${{ steps.found.count }}'}",
)
UNKNOWN_FIELD = Code(
    "PB221",
    "unknown-field",
    Level.ERROR,
    "A field that does not exist",
    "The outputs of actions, the alert and the case have known fields; a misspelt one is found here and not at three in the morning.",
    _SEARCH + "- action: case.note\n  with: {text: 'Found ${{ steps.found.cuont }}'}",
    _SEARCH + "- action: case.note\n  with: {text: 'Found ${{ steps.found.count }}'}",
)
NO_RESULT = Code(
    "PB222",
    "no-result",
    Level.ERROR,
    "A step that has no result",
    "if, switch, parallel, wait and stop decide what happens and produce nothing.",
    "- wait: 5m\n  id: pause\n- action: case.note\n  with: {text: '${{ steps.pause }}'}",
    "- wait: 5m\n- action: case.note\n  with: {text: '${{ now }}'}",
)
UNKNOWN_INPUT = Code(
    "PB223",
    "unknown-input",
    Level.ERROR,
    "An input that is not declared",
    "Nobody is asked for it, so it would never be there.",
    _TOP + "inputs:\n  host: {type: string}\nsteps:\n  - action: case.note\n    with: {text: '${{ inputs.hots }} ${{ inputs.host }}'}\n",
    _TOP + "inputs:\n  host: {type: string}\nsteps:\n  - action: case.note\n    with: {text: '${{ inputs.host }}'}\n",
)
BAD_INPUT = Code(
    "PB224",
    "bad-field-declaration",
    Level.ERROR,
    "A declaration contradicts itself",
    "The default of an input or form field must be a value that a person could give.",
    _TOP + "inputs:\n  limit: {type: integer, default: many}\nsteps:\n  - action: case.note\n    with: {text: '${{ inputs.limit }} of'}\n",
    _TOP + "inputs:\n  limit: {type: integer, default: 3}\nsteps:\n  - action: case.note\n    with: {text: '${{ inputs.limit }} of'}\n",
)
UNKNOWN_PACK = Code(
    "PB225",
    "unknown-pack",
    Level.ERROR,
    "A pack that is not installed",
    "An action is written pack.action; without the pack the step can never run.",
    "- action: mailbx.search\n  with: {sender: a@example.org}",
    "- action: mailbox.search\n  with: {sender: a@example.org}",
)
UNKNOWN_ACTION = Code(
    "PB226",
    "unknown-action",
    Level.ERROR,
    "An action that the pack does not have",
    "The step can never run.",
    "- action: mailbox.serch\n  with: {sender: a@example.org}",
    "- action: mailbox.search\n  with: {sender: a@example.org}",
)
MISSING_ARGUMENT = Code(
    "PB227",
    "missing-argument",
    Level.ERROR,
    "An argument that the action needs",
    "The connector would refuse the call.",
    _FOUND + _COUNTED,
    _FOUND + "\n  with: {sender: a@example.org}" + _COUNTED,
)
UNKNOWN_ARGUMENT = Code(
    "PB228",
    "unknown-argument",
    Level.ERROR,
    "An argument that the action does not have",
    "A filter that is silently ignored makes an action hit more than was meant.",
    _FOUND + "\n  with: {sender: a@example.org, folderr: Inbox}" + _COUNTED,
    _FOUND + "\n  with: {sender: a@example.org, folder: Inbox}" + _COUNTED,
)
WRONG_ARGUMENT = Code(
    "PB229",
    "wrong-argument",
    Level.ERROR,
    "An argument of the wrong type",
    "The action declares what it takes.",
    _FOUND + "\n  with: {sender: a@example.org, limit: many}" + _COUNTED,
    _FOUND + "\n  with: {sender: a@example.org, limit: 10}" + _COUNTED,
)
NOT_A_CONDITION = Code(
    "PB230",
    "not-a-condition",
    Level.ERROR,
    "A condition that is neither true nor false",
    "There is no truthiness: whether an empty list or the text 'false' counts as true should never decide about a containment.",
    "- if: ${{ alert.observables | length }}\n  then:\n    - action: case.note\n      with: {text: seen}",
    "- if: ${{ alert.observables | length > 0 }}\n  then:\n    - action: case.note\n      with: {text: seen}",
)
NOT_A_LIST = Code(
    "PB231",
    "not-a-list",
    Level.ERROR,
    "A loop over something that is no list",
    "for_each runs its steps once for each item of a list.",
    "- for_each: ${{ alert.title }}\n  steps:\n    - action: case.note\n      with: {text: '${{ item }}'}",
    "- for_each: ${{ alert.observables }}\n  steps:\n    - action: case.note\n      with: {text: '${{ item.value }}'}",
)
UNKNOWN_PLAYBOOK = Code(
    "PB232",
    "unknown-playbook",
    Level.ERROR,
    "A playbook that does not exist",
    "The call can never run.",
    "- call: notify-usr",
    "- call: notify-user",
)
BAD_RECIPIENT = Code(
    "PB233",
    "bad-recipient",
    Level.ERROR,
    "Not somebody who can be asked",
    "A question goes to role:NAME or user:NAME, never to a bare address: an answer needs an identified person.",
    "- ask: {title: Go on?, to: [amira], options: [seen], deadline: 4h, on_deadline: seen}",
    "- ask: {title: Go on?, to: [user:amira], options: [seen], deadline: 4h, on_deadline: seen}",
)
WHOLE_STEPS = Code(
    "PB234",
    "steps-without-id",
    Level.ERROR,
    "`steps` without the id of a step",
    "Which results an expression reads must be known before the run, or steps could not safely run side by side.",
    _NOTE + "\n  id: note\n- action: case.note\n  with: {text: '${{ steps[alert.title] | json }}'}",
    _NOTE + "\n  id: note\n- action: case.note\n  with: {text: '${{ steps.note | json }}'}",
)
BAD_HOOK = Code(
    "PB235",
    "bad-webhook-name",
    Level.ERROR,
    "The name of a webhook is not in kebab-case",
    "The name is part of an address: lower-case letters, digits and hyphens.",
    _TOP + "triggers:\n  - webhook: Reported Mail\n" + _BODY,
    _TOP + "triggers:\n  - webhook: reported-mail\n" + _BODY,
)

ALL = (
    UNKNOWN_KEY,
    MISSING_KEY,
    WRONG_TYPE,
    WRONG_SCHEMA,
    BAD_ID,
    ID_NOT_FILE,
    BAD_STEP_ID,
    RESERVED_NAME,
    DUPLICATE_ID,
    ON_KEY,
    NO_KIND,
    SEVERAL_KINDS,
    BAD_DURATION,
    NOT_ONE_OF,
    OUT_OF_RANGE,
    BAD_EXPRESSION,
    EXPRESSION_NOT_HERE,
    UNKNOWN_NAME,
    NAME_NOT_HERE,
    UNKNOWN_STEP,
    UNKNOWN_FIELD,
    NO_RESULT,
    UNKNOWN_INPUT,
    BAD_INPUT,
    UNKNOWN_PACK,
    UNKNOWN_ACTION,
    MISSING_ARGUMENT,
    UNKNOWN_ARGUMENT,
    WRONG_ARGUMENT,
    NOT_A_CONDITION,
    NOT_A_LIST,
    UNKNOWN_PLAYBOOK,
    BAD_RECIPIENT,
    WHOLE_STEPS,
    BAD_HOOK,
)
