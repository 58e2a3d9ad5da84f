"""PB412 to PB419: effects that nobody wanted."""

from tocsin.core.diagnostics import Level
from tocsin.playbook.codes.code import Code

_ASK = "- id: permission\n  ask: {title: Purge it?, to: [role:responder], deadline: 4h, on_deadline: reject}\n"
_PURGE = "action: mailbox.purge\n      with: {message_id: '${{ alert.raw.id }}'}"
_NOTE = "    - action: case.note\n      with: {text: allowed}"


def _if(answer: str, then: str) -> str:
    return f"- if: ${{{{ steps.permission.answer == '{answer}' }}}}\n  then:\n{then}"


ANSWER_DOES_NOT_GUARD = Code(
    "PB412",
    "answer-does-not-guard",
    Level.WARNING,
    "A destructive action that runs whatever the answer was",
    "Somebody is asked before it, and no condition around it or stop before it looks at the answer.",
    _ASK + _if("approve", _NOTE) + "\n- action: mailbox.purge\n  with: {message_id: '${{ alert.raw.id }}'}",
    _ASK + _if("approve", f"    - {_PURGE}"),
)
ACTS_ON_REJECTION = Code(
    "PB413",
    "acts-on-rejection",
    Level.WARNING,
    "A destructive action where the answer was no",
    "It runs only when somebody has said `reject`; most often the branches were mixed up.",
    _ASK + _if("reject", f"    - {_PURGE}"),
    _ASK + _if("approve", f"    - {_PURGE}"),
)
DEADLINE_TOO_SHORT = Code(
    "PB414",
    "deadline-too-short",
    Level.WARNING,
    "A question that nobody can answer in time",
    "In less than a minute nobody reads a message, thinks about it and answers.",
    "- id: permission\n  ask: {title: Go on?, to: [role:responder], deadline: 30s, on_deadline: reject}\n" + _if("approve", _NOTE),
    "- id: permission\n  ask: {title: Go on?, to: [role:responder], deadline: 30m, on_deadline: reject}\n" + _if("approve", _NOTE),
)
POLLING_REPEATS_EFFECT = Code(
    "PB415",
    "polling-repeats-an-effect",
    Level.WARNING,
    "Polling that does something each time",
    "repeat_until does the action again and again, and this one changes the world each time. Do it once, and poll an action that reads.",
    "- id: entry\n  action: case.note\n  with: {text: seen}\n  repeat_until: ${{ steps.entry.entry == 'x' }}\n  every: 30s\n  at_most: 2h",
    "- id: found\n  action: mailbox.search\n  with: {sender: a@example.org}\n  repeat_until: ${{ steps.found.count > 3 }}\n  every: 30s\n"
    "  at_most: 2h",
)
CREDENTIALS_IN_URL = Code(
    "PB416",
    "credentials-in-url",
    Level.WARNING,
    "A user and a password in an address",
    "Everybody who may read the playbook, its history and its runs can read them. They belong to a connection.",
    "- action: http.request\n  with: {method: GET, url: 'https://robot:s3cret@api.example.org/v1'}",
    "- action: http.request\n  connection: api\n  with: {method: GET, url: 'https://api.example.org/v1'}",
)
VALUE_IN_COMMAND = Code(
    "PB417",
    "value-in-a-command",
    Level.WARNING,
    "A value pasted into a command",
    "Whoever writes the alert or the mail writes a part of the command. Pass values as arguments of their own, or let a filter take out "
    "what is not expected.",
    "- action: http.request\n  with: {command: 'grep ${{ alert.title }} /var/log/mail.log'}",
    "- action: http.request\n  with: {command: mail_log, args: {pattern: '${{ alert.title }}'}}",
)

ALL = (
    ANSWER_DOES_NOT_GUARD,
    ACTS_ON_REJECTION,
    DEADLINE_TOO_SHORT,
    POLLING_REPEATS_EFFECT,
    CREDENTIALS_IN_URL,
    VALUE_IN_COMMAND,
)
