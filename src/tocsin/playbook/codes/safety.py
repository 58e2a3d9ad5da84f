"""PB4xx: the playbook runs, and could do harm that its author did not mean."""

from tocsin.core.diagnostics import Level
from tocsin.playbook.codes.code import Code


def _asked(ask: str, then: str = "case.note", arguments: str = "{text: allowed}") -> str:
    return (
        f"- id: permission\n  ask: {{title: Go on?, to: [role:responder], {ask}}}\n"
        f"- if: ${{{{ steps.permission.answer == 'approve' }}}}\n  then:\n    - action: {then}\n      with: {arguments}"
    )


_FINE = _asked("deadline: 4h, on_deadline: reject")
_PURGE = "mailbox.purge"
_PURGED = "{message_id: '${{ alert.raw.id }}'}"

ASK_WITHOUT_DEADLINE = Code(
    "PB401",
    "ask-without-deadline",
    Level.WARNING,
    "A question that waits for ever",
    "Nobody may be there to answer. Say until when to wait and which answer then counts.",
    _asked("via: [web]"),
    _FINE,
)
NOT_AN_OPTION = Code(
    "PB402",
    "on-deadline-is-no-option",
    Level.ERROR,
    "The answer after the deadline is not one of the options",
    "No branch expects it, so after the deadline nothing would match.",
    _asked("deadline: 4h, on_deadline: no"),
    _FINE,
)
DEADLINE_FAILS = Code(
    "PB403",
    "deadline-without-answer",
    Level.WARNING,
    "A deadline after which the run fails",
    "Without on_deadline the step fails when nobody answers in time. If that is meant, `on_error: continue` says so.",
    _asked("deadline: 4h"),
    _FINE,
)
ON_DEADLINE_ALONE = Code(
    "PB404",
    "on-deadline-without-deadline",
    Level.ERROR,
    "An answer after a deadline that never comes",
    "on_deadline has no effect without deadline.",
    _asked("on_deadline: reject"),
    _FINE,
)
DUPLICATE_OPTION = Code(
    "PB405",
    "duplicate-option",
    Level.ERROR,
    "An option that stands twice",
    "Two buttons with the same answer: the person cannot know which counts.",
    _asked("options: [approve, approve, reject], deadline: 4h, on_deadline: reject"),
    _FINE,
)
UNGUARDED = Code(
    "PB406",
    "unguarded-destructive",
    Level.WARNING,
    "A destructive action that nobody is asked about",
    "The action stops somebody's work, and no `ask` comes before it on every way that leads here. A guardrail of the workspace may still "
    "stop it; the text alone does not say so.",
    f"- action: {_PURGE}\n  with: {_PURGED}",
    _asked("deadline: 4h, on_deadline: reject", _PURGE, _PURGED),
)
EFFECT_LOOSENED = Code(
    "PB407",
    "effect-loosened",
    Level.ERROR,
    "An effect declared smaller than the pack says",
    "A playbook may treat an action as more dangerous than its pack declares, never as less.",
    _asked("deadline: 4h, on_deadline: reject", _PURGE, _PURGED) + "\n      effect: read",
    _asked("deadline: 4h, on_deadline: reject", _PURGE, _PURGED) + "\n      effect: destructive",
)
SILENCE_APPROVES = Code(
    "PB408",
    "silence-approves",
    Level.WARNING,
    "Silence counts as permission",
    "After the deadline the answer is `approve`, so a destructive action runs although nobody has looked.",
    _asked("deadline: 4h, on_deadline: approve", _PURGE, _PURGED),
    _asked("deadline: 4h, on_deadline: reject", _PURGE, _PURGED),
)
QUORUM_OUT_OF_REACH = Code(
    "PB409",
    "quorum-out-of-reach",
    Level.ERROR,
    "More answers needed than people asked",
    "The quorum counts people, and fewer are asked than it needs: it can never be reached.",
    "- ask: {title: Go on?, to: [user:amira], quorum: 2, options: [seen], deadline: 4h, on_deadline: seen}",
    "- ask: {title: Go on?, to: [user:amira, user:jonas], quorum: 2, options: [seen], deadline: 4h, on_deadline: seen}",
)
SECRET_IN_TEXT = Code(
    "PB410",
    "secret-in-text",
    Level.WARNING,
    "What looks like a secret in the text",
    "Everybody who may read the playbook, its history and its runs can read it. Secrets belong to a connection.",
    "- call: notify-user\n  with: {api_token: 4f9d2c7aa1b0}",
    "- call: notify-user\n  with: {channel: soc}",
)
ANSWER_IGNORED = Code(
    "PB411",
    "answer-ignored",
    Level.WARNING,
    "A question whose answer nothing reads",
    "People are asked to decide, and the run goes on in the same way whatever they say.",
    "- id: permission\n  ask: {title: Go on?, to: [role:responder], deadline: 4h, on_deadline: reject}\n"
    "- action: case.note\n  with: {text: gone on}",
    _FINE,
)

ALL = (
    ASK_WITHOUT_DEADLINE,
    NOT_AN_OPTION,
    DEADLINE_FAILS,
    ON_DEADLINE_ALONE,
    DUPLICATE_OPTION,
    UNGUARDED,
    EFFECT_LOOSENED,
    SILENCE_APPROVES,
    QUORUM_OUT_OF_REACH,
    SECRET_IN_TEXT,
    ANSWER_IGNORED,
)
