"""PB13x, PB32x and PB42x: loops, polling, joins, events, code and undo."""

from tocsin.core.diagnostics import Level
from tocsin.playbook.codes.code import Code

_TOP = "schema: tocsin/playbook@1\nid: example\ntitle: An example\n"
_THEN = "- if: ${{ steps.permission.answer == 'approve' }}\n  then:\n    - wait: 1s"
_ASK = "- id: permission\n  ask: {title: Go on?, to: [role:responder], deadline: 4h, on_deadline: reject"
_SEARCH = "- id: found\n  action: mailbox.search\n  with: {sender: a@example.org}\n"
_NOTE = "- action: case.note\n  with: {text: '${{ steps.made.text }}'}"

CODE_UNREADABLE = Code(
    "PB130",
    "code-is-not-python",
    Level.ERROR,
    "Code that is not Python",
    "The body of a code step is the body of a Python function: it is read before it is saved, and this could not be.",
    "- id: made\n  code: |\n    text = 'seen\n    return {'text': text}\n" + _NOTE,
    "- id: made\n  code: |\n    text = 'seen'\n    return {'text': text}\n" + _NOTE,
)
CODE_RETURNS_NOTHING = Code(
    "PB131",
    "code-returns-nothing",
    Level.ERROR,
    "Code that returns nothing",
    "The result of the step is the map that the code returns. Without a return there is none.",
    "- id: made\n  code: |\n    text = 'seen'\n" + _NOTE,
    "- id: made\n  code: |\n    text = 'seen'\n    return {'text': text}\n" + _NOTE,
)
BAD_CRON = Code(
    "PB132",
    "bad-schedule",
    Level.ERROR,
    "A schedule that cannot be read",
    "A schedule is a cron line of five fields: minute, hour, day of the month, month, day of the week, in UTC.",
    _TOP + "triggers:\n- schedule: every day\nsteps:\n- wait: 1s",
    _TOP + "triggers:\n- schedule: '0 6 * * *'\nsteps:\n- wait: 1s",
)
POLL_INCOMPLETE = Code(
    "PB320",
    "polling-is-incomplete",
    Level.ERROR,
    "Polling without an end or a pace",
    "An action that is repeated needs to know how often and for how long, else it asks for ever or too often.",
    _SEARCH + "  repeat_until: ${{ steps.found.count > 0 }}",
    _SEARCH + "  repeat_until: ${{ steps.found.count > 0 }}\n  every: 30s\n  at_most: 2h",
)
POLL_TOO_SHORT = Code(
    "PB321",
    "polling-ends-before-it-repeats",
    Level.ERROR,
    "Polling that never repeats",
    "`at_most` is shorter than `every`, so the action is done once and then given up.",
    _SEARCH + "  repeat_until: ${{ steps.found.count > 0 }}\n  every: 1h\n  at_most: 5m",
    _SEARCH + "  repeat_until: ${{ steps.found.count > 0 }}\n  every: 5m\n  at_most: 1h",
)
JOIN_TOO_MANY = Code(
    "PB322",
    "join-needs-more-than-there-are",
    Level.ERROR,
    "A join of more branches than there are",
    "It could never be reached.",
    "- join: 3\n  parallel:\n  - - wait: 1s\n  - - wait: 2s",
    "- join: any\n  parallel:\n  - - wait: 1s\n  - - wait: 2s",
)
EVENT_WAITS_FOR_EVER = Code(
    "PB323",
    "event-without-deadline",
    Level.WARNING,
    "A wait for something that may never come",
    "The run stays open until the event comes. Say how long it is worth waiting for.",
    "- wait: {event: alert, filter: '${{ event.source == alert.source }}'}",
    "- wait: {event: alert, filter: '${{ event.source == alert.source }}', deadline: 2d}",
)
STOP_IN_FINALLY = Code(
    "PB324",
    "stop-in-finally",
    Level.ERROR,
    "A stop among the last steps",
    "The outcome of the run is decided when the steps of `finally` begin; they tidy up and end by themselves.",
    _TOP + "steps:\n- wait: 1s\nfinally:\n- stop: failed",
    _TOP + "steps:\n- stop: failed\nfinally:\n- wait: 1s",
)
EXPRESSION_IN_CODE = Code(
    "PB420",
    "expression-in-code",
    Level.ERROR,
    "An expression inside code",
    "Values are never pasted into source: whoever writes the alert would write the program. They arrive as `inputs`.",
    "- id: made\n  code: |\n    return {'text': '${{ alert.title }}'}\n" + _NOTE,
    "- id: made\n  code: |\n    return {'text': inputs['title']}\n  with: {title: '${{ alert.title }}'}\n" + _NOTE,
)
NO_UNDO = Code(
    "PB421",
    "nothing-undoes-it",
    Level.ERROR,
    "An undo of what cannot be undone",
    "`undo_after` runs the inverse action that the pack names for this one, and there is none.",
    "- action: case.note\n  with: {text: seen}\n  undo_after: 24h",
    "- action: case.note\n  with: {text: seen}",
)
CHANNEL_NOT_SERVED = Code(
    "PB422",
    "channel-is-not-served-yet",
    Level.WARNING,
    "A channel that nobody is asked by yet",
    "This Tocsin asks on the web and by mail. The question goes out by those of its channels that are served.",
    f"{_ASK}, via: [web, jira]}}\n{_THEN}",
    f"{_ASK}, via: [web, email]}}\n{_THEN}",
)
UNKNOWN_ROLE = Code(
    "PB423",
    "unknown-role",
    Level.WARNING,
    "A role that nobody can have",
    "The question reaches nobody. The roles are those that people are given in Tocsin.",
    _ASK.replace("responder", "respnder") + f"}}\n{_THEN}",
    _ASK + f"}}\n{_THEN}",
)
AUTHORIZATION_IN_TEXT = Code(
    "PB424",
    "authorization-in-text",
    Level.ERROR,
    "A credential in a header",
    "Whoever reads the playbook has the credential, and so does every copy of it. Connections keep them apart.",
    "- id: page\n  action: http.request\n  with: {url: 'https://api.example.org/', headers: {Authorization: Bearer 0123456789abcdef}}\n"
    "- action: case.note\n  with: {text: '${{ steps.page.status }}'}",
    "- id: page\n  action: http.request\n  connection: example-api\n  with: {url: 'https://api.example.org/'}\n"
    "- action: case.note\n  with: {text: '${{ steps.page.status }}'}",
)
FILTER_FITS_ALL = Code(
    "PB325",
    "event-filter-has-no-key",
    Level.INFO,
    "A filter that must be asked for every event",
    "A filter that compares a field of the event with a value of this run (`==` or `in`) is found by it; any other is asked each time "
    "something happens, for each run that waits. With thousands of runs that takes its time.",
    "- id: back\n  wait: {event: alert, filter: '${{ event.count > alert.count }}', deadline: 2d}\n"
    "- action: case.note\n  with: {text: '${{ steps.back.event.title }}'}",
    "- id: back\n  wait: {event: alert, filter: '${{ event.source == alert.source and event.count > alert.count }}', deadline: 2d}\n"
    "- action: case.note\n  with: {text: '${{ steps.back.event.title }}'}",
)

ALL = (
    CODE_UNREADABLE,
    CODE_RETURNS_NOTHING,
    BAD_CRON,
    POLL_INCOMPLETE,
    POLL_TOO_SHORT,
    JOIN_TOO_MANY,
    EVENT_WAITS_FOR_EVER,
    STOP_IN_FINALLY,
    EXPRESSION_IN_CODE,
    NO_UNDO,
    CHANNEL_NOT_SERVED,
    UNKNOWN_ROLE,
    AUTHORIZATION_IN_TEXT,
    FILTER_FITS_ALL,
)
