"""PB236 and up: values of a type that cannot be right where they stand."""

from tocsin.core.diagnostics import Level
from tocsin.playbook.codes.code import Code

_TOP = "schema: tocsin/playbook@1\nid: example\ntitle: An example\n"
_HOST = "- id: host\n  action: host.lookup\n  with: {name: '${{ alert.device.name }}'}\n"
_MAIL = "- id: mail\n  action: email.parse\n  with: {eml: '${{ alert.raw.eml }}'}\n"


def _if(condition: str, before: str = "") -> str:
    return f'{before}- if: "${{{{ {condition} }}}}"\n  then:\n    - action: case.note\n      with: {{text: seen}}'


def _note(expression: str, before: str = "") -> str:
    return f'{before}- action: case.note\n  with: {{text: "${{{{ {expression} }}}}"}}'


def _called(given: str) -> str:
    return f"- call: isolate-host\n  with: {given}"


NO_SUCH_OPTION = Code(
    "PB236",
    "no-such-option",
    Level.ERROR,
    "A word that the value never is",
    "The value is one of a few words and this is none of them: the comparison never holds, and the branch behind it never runs.",
    _if("alert.severity == 'hihg'"),
    _if("alert.severity == 'high'"),
)
NEVER_EQUAL = Code(
    "PB237",
    "never-equal",
    Level.ERROR,
    "Values of two kinds, which are never equal",
    "A text is never equal to a number, and 'true' never to true. No comparison converts anything, so this one never holds.",
    _if("alert.count == '3'"),
    _if("alert.count == 3"),
)
NO_ORDER = Code(
    "PB238",
    "no-order",
    Level.ERROR,
    "Values that have no order",
    "<, <=, > and >= compare two numbers or two texts. Anything else fails the run at this place.",
    _if("alert.title > 3"),
    _if("alert.count > 3"),
)
NOT_A_CONTAINER = Code(
    "PB239",
    "not-a-container",
    Level.ERROR,
    "`in` a value that holds nothing",
    "`in` looks for an item in a list, for a key in a map, and for a text in a text.",
    _if("'high' in alert.count"),
    _if("'high' in alert.title"),
)
WRONG_FILTER_INPUT = Code(
    "PB240",
    "wrong-filter-input",
    Level.ERROR,
    "A filter on a value that it does not take",
    "The filter refuses the value, so the run fails at this place.",
    _note("steps.mail.urls | upper", _MAIL),
    _note("steps.mail.urls | map('upper') | join", _MAIL),
)
WRONG_FILTER_ARGUMENT = Code(
    "PB241",
    "wrong-filter-argument",
    Level.ERROR,
    "An argument that the filter does not take",
    "The filter refuses the argument, so the run fails at this place.",
    _note("alert.title | replace(alert.count, '')"),
    _note("alert.title | replace('x', '')"),
)
NO_ARITHMETIC = Code(
    "PB242",
    "no-arithmetic",
    Level.ERROR,
    "Arithmetic with what is no number",
    "- * / and % take numbers; + takes two numbers, two texts or two lists. Text and numbers are joined with ~.",
    _note("'Seen ' + alert.count"),
    _note("'Seen ' ~ alert.count"),
)
WRONG_INDEX = Code(
    "PB243",
    "wrong-index",
    Level.ERROR,
    "An item or field taken by the wrong kind of key",
    "The items of a list have numbers, the fields of a map have texts.",
    _note("steps.mail.urls[alert.title]", _MAIL),
    _note("steps.mail.urls[alert.count]", _MAIL),
)
MAY_BE_NULL = Code(
    "PB244",
    "may-be-null",
    Level.WARNING,
    "A value that may be null where null fails",
    "The action says that the value can be null. It will be on the day when nothing was found, and then the run fails here.",
    _note("steps.host.owner | upper", _HOST),
    _note("steps.host.owner | default('nobody') | upper", _HOST),
)
ARGUMENT_MAY_BE_NULL = Code(
    "PB245",
    "argument-may-be-null",
    Level.WARNING,
    "An argument that may be null",
    "The value can be null, and the action or playbook does not take null: it refuses the call.",
    _note("steps.host.owner", _HOST),
    _note("steps.host.owner | default('nobody')", _HOST),
)
CALL_MISSES_INPUT = Code(
    "PB246",
    "call-misses-input",
    Level.ERROR,
    "An input that the called playbook needs",
    "The called playbook cannot start without it.",
    _called("{minutes: 5}"),
    _called("{host: srv1}"),
)
CALL_UNKNOWN_INPUT = Code(
    "PB247",
    "call-unknown-input",
    Level.ERROR,
    "An input that the called playbook does not have",
    "A playbook refuses what it does not know, so the call would fail.",
    _called("{host: srv1, minuts: 5}"),
    _called("{host: srv1, minutes: 5}"),
)
CALL_WRONG_INPUT = Code(
    "PB248",
    "call-wrong-input",
    Level.ERROR,
    "An input of the wrong type",
    "The called playbook declares what it takes.",
    _called("{host: '${{ alert.count }}'}"),
    _called("{host: '${{ alert.device.name }}'}"),
)
NOT_OFFERED = Code(
    "PB249",
    "answer-not-offered",
    Level.ERROR,
    "An answer that nobody can give",
    "The question does not offer it, so the comparison never holds and the branch behind it never runs.",
    "- id: permission\n  ask: {title: Go on?, to: [role:responder], deadline: 4h, on_deadline: reject}\n"
    + _if("steps.permission.answer == 'approved'"),
    "- id: permission\n  ask: {title: Go on?, to: [role:responder], deadline: 4h, on_deadline: reject}\n"
    + _if("steps.permission.answer == 'approve'"),
)
WRONG_WAIT = Code(
    "PB250",
    "wrong-wait",
    Level.ERROR,
    "A wait for something that is no time",
    "A duration is a text such as '4h' or a number of seconds; `until` takes an instant as text.",
    "- wait: ${{ alert.observables }}",
    "- wait: ${{ alert.count * 60 }}",
)
WORDS_IN_ORDER = Code(
    "PB251",
    "words-in-order",
    Level.WARNING,
    "Words compared by the alphabet",
    "By the alphabet 'critical' comes before 'high' and 'low' before 'medium': the comparison works, and says something else.",
    _if("alert.severity >= 'high'"),
    _if("alert.severity_id >= 4"),
)
OPTION_MAY_NOT_FIT = Code(
    "PB252",
    "option-may-not-fit",
    Level.INFO,
    "A word that the argument does not always take",
    "The value is one of several words, and the argument takes only some of them. With one of the others the call is refused.",
    "- action: case.close\n  with: {verdict: '${{ alert.verdict }}', reason: Closed with the alert.}",
    "- action: case.close\n  with:\n    reason: Closed with the alert.\n"
    "    verdict: \"${{ alert.verdict if alert.verdict != 'unknown' else 'benign' }}\"",
)
WRONG_RECIPIENTS = Code(
    "PB253",
    "wrong-recipients",
    Level.ERROR,
    "An expression that names nobody",
    "Who is asked is a list of texts, each role:NAME or user:NAME.",
    "- ask: {title: Go on?, to: '${{ alert.count }}', options: [seen], deadline: 4h, on_deadline: seen}",
    "- ask: {title: Go on?, to: ['user:${{ alert.user.name }}'], options: [seen], deadline: 4h, on_deadline: seen}",
)
MAY_BE_ERROR = Code(
    "PB254",
    "may-be-an-error",
    Level.WARNING,
    "A value that is an error when a step has failed",
    "The step goes on when it fails, and its result is then {error: …}. What takes the result must know what to do with that.",
    "- id: hosts\n  for_each: ${{ alert.observables }}\n  on_error: continue\n  steps:\n    - id: host\n      action: host.lookup\n"
    "      with: {name: '${{ item.value }}'}\n" + _note("steps.hosts | pluck('host.state') | join"),
    "- id: hosts\n  for_each: ${{ alert.observables }}\n  steps:\n    - id: host\n      action: host.lookup\n      on_error: continue\n"
    "      with: {name: '${{ item.value }}'}\n" + _note("steps.hosts | pluck('host.state') | join"),
)

ALL = (
    NO_SUCH_OPTION,
    NEVER_EQUAL,
    NO_ORDER,
    NOT_A_CONTAINER,
    WRONG_FILTER_INPUT,
    WRONG_FILTER_ARGUMENT,
    NO_ARITHMETIC,
    WRONG_INDEX,
    MAY_BE_NULL,
    ARGUMENT_MAY_BE_NULL,
    CALL_MISSES_INPUT,
    CALL_UNKNOWN_INPUT,
    CALL_WRONG_INPUT,
    NOT_OFFERED,
    WRONG_WAIT,
    WORDS_IN_ORDER,
    OPTION_MAY_NOT_FIT,
    WRONG_RECIPIENTS,
    MAY_BE_ERROR,
)
