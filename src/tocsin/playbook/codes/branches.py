"""PB315 to PB319 and PB340 and up: branches that never run, loops that never change, results that are not always there."""

from tocsin.core.diagnostics import Level
from tocsin.playbook.codes.code import Code

_TOP = "schema: tocsin/playbook@1\nid: example\ntitle: An example\n"
_NOTE = "- action: case.note\n  with: {text: seen}"
_INNER = "    - action: case.note\n      with: {text: seen}"
_MAYBE = "- id: found\n  action: mailbox.search\n  with: {sender: a@example.org}\n  on_error: continue\n"
_HOST = "- id: host\n  action: host.lookup\n  with: {name: '${{ alert.device.name }}'}\n"


def _if(condition: str, more: str = "") -> str:
    return f'- if: "${{{{ {condition} }}}}"\n  then:\n{_INNER}{more}'


NEVER_TRUE = Code(
    "PB315",
    "never-true",
    Level.WARNING,
    "A condition that is never true",
    "What it asks contradicts itself, or what is known of the values. The steps behind it never run.",
    _if("alert.category == 'phishing' and alert.category == 'malware'"),
    _if("alert.category == 'phishing' or alert.category == 'malware'"),
)
ALWAYS_TRUE = Code(
    "PB316",
    "always-true",
    Level.WARNING,
    "A condition that is always true",
    "Whatever the values are, it holds; most often `or` was written where `and` was meant.",
    _if("alert.category != 'phishing' or alert.category != 'malware'"),
    _if("alert.category != 'phishing' and alert.category != 'malware'"),
)
CASE_CANNOT_MATCH = Code(
    "PB317",
    "case-cannot-match",
    Level.ERROR,
    "A case that the value never is",
    "The value is of another kind, or one of a few words and this is none of them: the steps never run.",
    "- switch: ${{ alert.severity }}\n  cases:\n    - {when: hgih, steps: [{wait: 1s}]}\n    - {when: low, steps: [{wait: 2s}]}",
    "- switch: ${{ alert.severity }}\n  cases:\n    - {when: high, steps: [{wait: 1s}]}\n    - {when: low, steps: [{wait: 2s}]}",
)
DEFAULT_NEVER_RUNS = Code(
    "PB318",
    "default-never-runs",
    Level.INFO,
    "A default that never runs",
    "The cases name every value that there can be.",
    _HOST + "- switch: ${{ steps.host.state }}\n  cases:\n    online: [{wait: 1s}]\n    offline: [{wait: 2s}]\n    isolated: [{wait: 3s}]\n"
    "  default: [{wait: 4s}]",
    _HOST + "- switch: ${{ steps.host.state }}\n  cases:\n    online: [{wait: 1s}]\n    offline: [{wait: 2s}]\n  default: [{wait: 4s}]",
)
SAME_CONDITION = Code(
    "PB319",
    "same-condition-twice",
    Level.WARNING,
    "A branch behind the condition of another branch",
    "The first branch whose condition holds is taken, so this one never runs.",
    "- if: ${{ alert.count > 3 }}\n  then: [{wait: 1s}]\n  elif:\n    - if: ${{ alert.count > 3 }}\n      then: [{wait: 2s}]",
    "- if: ${{ alert.count > 30 }}\n  then: [{wait: 1s}]\n  elif:\n    - if: ${{ alert.count > 3 }}\n      then: [{wait: 2s}]",
)
LOOP_NEVER_CHANGES = Code(
    "PB340",
    "loop-never-changes",
    Level.WARNING,
    "A while loop whose condition nothing changes",
    "The condition reads nothing that the steps of the loop make: the loop runs not at all, or up to its limit and then fails.",
    "- while: ${{ alert.count > 3 }}\n  max: 5\n  steps:\n    - wait: 1m",
    "- while: ${{ steps.found.count | default(0) == 0 }}\n  max: 5\n  steps:\n    - wait: 1m\n"
    "    - id: found\n      action: mailbox.search\n      with: {sender: a@example.org}",
)
BUSY_LOOP = Code(
    "PB341",
    "busy-loop",
    Level.WARNING,
    "A while loop that asks without a pause",
    "Every round only reads, and nothing waits between two rounds: the target is asked as fast as it answers.",
    "- while: ${{ steps.found.count | default(0) == 0 }}\n  max: 50\n  steps:\n"
    "    - id: found\n      action: mailbox.search\n      with: {sender: a@example.org}",
    "- while: ${{ steps.found.count | default(0) == 0 }}\n  max: 50\n  steps:\n    - wait: 1m\n"
    "    - id: found\n      action: mailbox.search\n      with: {sender: a@example.org}",
)
POLL_NEVER_CHANGES = Code(
    "PB342",
    "polling-never-changes",
    Level.WARNING,
    "Polling for something that the action does not say",
    "The condition does not read the result of the action, so no repetition can change it.",
    "- id: found\n  action: mailbox.search\n  with: {sender: a@example.org}\n  repeat_until: ${{ alert.count > 3 }}\n  every: 30s\n"
    "  at_most: 2h",
    "- id: found\n  action: mailbox.search\n  with: {sender: a@example.org}\n  repeat_until: ${{ steps.found.count > 3 }}\n  every: 30s\n"
    "  at_most: 2h",
)
TIMEOUT_OUTLASTS_POLLING = Code(
    "PB343",
    "timeout-outlasts-polling",
    Level.WARNING,
    "A timeout longer than the time there is for polling",
    "One call may take longer than all the polling may: the timeout never applies, and one slow answer ends the polling.",
    "- id: found\n  action: mailbox.search\n  with: {sender: a@example.org}\n  timeout: 10m\n  repeat_until: ${{ steps.found.count > 3 }}\n"
    "  every: 30s\n  at_most: 5m",
    "- id: found\n  action: mailbox.search\n  with: {sender: a@example.org}\n  timeout: 20s\n  repeat_until: ${{ steps.found.count > 3 }}\n"
    "  every: 30s\n  at_most: 5m",
)
RETRY_TOO_LONG = Code(
    "PB344",
    "retry-too-long",
    Level.WARNING,
    "Retries that wait for more than a week",
    "The waits grow with every attempt: delay times backoff, again and again. Nobody waits for the last ones.",
    "- action: case.note\n  with: {text: seen}\n  retry: {attempts: 20, delay: 1m, backoff: 3}",
    "- action: case.note\n  with: {text: seen}\n  retry: {attempts: 5, delay: 1m, backoff: 3}",
)
FIELD_MAY_BE_MISSING = Code(
    "PB345",
    "field-may-be-missing",
    Level.INFO,
    "A field that is there only sometimes",
    "The pack names the fields that a result always has, and this is none of them. Without it, the run fails here.",
    _HOST + "- action: case.note\n  with: {text: '${{ steps.host.last_seen }}'}",
    _HOST + "- action: case.note\n  with: {text: \"${{ steps.host.last_seen | default('never') }}\"}",
)
EVENT_NOT_READ = Code(
    "PB346",
    "filter-ignores-the-event",
    Level.WARNING,
    "A filter that does not look at the event",
    "It comes out the same for every event: the wait ends with the first one, or never.",
    "- wait: {event: alert, filter: '${{ alert.count > 3 }}', deadline: 2d}",
    "- wait: {event: alert, filter: '${{ event.source == alert.source }}', deadline: 2d}",
)
RESULT_MAY_BE_ERROR = Code(
    "PB347",
    "result-may-be-an-error",
    Level.WARNING,
    "A result that is not there when the step failed",
    "The step goes on when it fails, and its result is then {error: …}. Reading another field of it fails the run after all.",
    _MAYBE + "- action: case.note\n  with: {text: '${{ steps.found.sender }}'}",
    _MAYBE + "- action: case.note\n  with: {text: \"${{ steps.found.sender | default('nobody') }}\"}",
)
INPUT_MAY_BE_MISSING = Code(
    "PB348",
    "input-may-be-missing",
    Level.WARNING,
    "An input that nobody must give",
    "It is not required and has no default, so some runs do not have it. Reading it fails those.",
    _TOP + "inputs:\n  host: {type: string, required: false}\nsteps:\n  - action: case.note\n    with: {text: '${{ inputs.host }}'}\n",
    _TOP + "inputs:\n  host: {type: string, required: false}\nsteps:\n"
    "  - action: case.note\n    with: {text: \"${{ inputs.host | default('any') }}\"}\n",
)
STOP_BESIDE_OTHERS = Code(
    "PB350",
    "stop-beside-others",
    Level.WARNING,
    "A stop while other branches work",
    "It ends the whole run, not its branch: what runs beside it is left half done.",
    "- parallel:\n    - - stop: succeeded\n    - - wait: 1s",
    "- parallel:\n    - - wait: 2s\n    - - wait: 1s\n- stop: succeeded",
)
DUPLICATE_TRIGGER = Code(
    "PB353",
    "duplicate-trigger",
    Level.WARNING,
    "A trigger that is there twice",
    "One event would start two runs that do the same.",
    _TOP + "triggers:\n  - webhook: reported-mail\n  - webhook: reported-mail\nsteps:\n  - wait: 1s\n",
    _TOP + "triggers:\n  - webhook: reported-mail\nsteps:\n  - wait: 1s\n",
)
NO_ALERT_THEN = Code(
    "PB354",
    "no-alert-then",
    Level.WARNING,
    "An alert that some runs do not have",
    "A run that a schedule, a webhook or a case starts has no alert; reading it fails the run.",
    _TOP + "triggers:\n  - schedule: '0 6 * * *'\nsteps:\n  - action: case.note\n    with: {text: '${{ alert.title }}'}\n",
    _TOP + "triggers:\n  - schedule: '0 6 * * *'\nsteps:\n  - action: case.note\n"
    "    with: {text: \"${{ alert.title | default('no alert') }}\"}\n",
)
NO_CASE_THEN = Code(
    "PB355",
    "no-case-then",
    Level.WARNING,
    "A case that some runs do not have",
    "Only a run that a case starts has one. In any other run, reading it fails; the case that an action opened is its result.",
    _TOP
    + "triggers:\n  - alert: ${{ alert.category == 'phishing' }}\nsteps:\n  - action: case.note\n    with: {text: '${{ case.title }}'}\n",
    _TOP + "triggers:\n  - case: opened\nsteps:\n  - action: case.note\n    with: {text: '${{ case.title }}'}\n",
)

ALL = (
    NEVER_TRUE,
    ALWAYS_TRUE,
    CASE_CANNOT_MATCH,
    DEFAULT_NEVER_RUNS,
    SAME_CONDITION,
    LOOP_NEVER_CHANGES,
    BUSY_LOOP,
    POLL_NEVER_CHANGES,
    TIMEOUT_OUTLASTS_POLLING,
    RETRY_TOO_LONG,
    FIELD_MAY_BE_MISSING,
    EVENT_NOT_READ,
    RESULT_MAY_BE_ERROR,
    INPUT_MAY_BE_MISSING,
    STOP_BESIDE_OTHERS,
    DUPLICATE_TRIGGER,
    NO_ALERT_THEN,
    NO_CASE_THEN,
)
