"""PB505 and up: words that change nothing, and names that mislead."""

from tocsin.core.diagnostics import Level
from tocsin.playbook.codes.code import Code

_TOP = "schema: tocsin/playbook@1\nid: example\ntitle: An example\n"
_MAIL = "- id: mail\n  action: email.parse\n  with: {eml: '${{ alert.raw.eml }}'}\n"
_HOST = "- id: host\n  action: host.lookup\n  with: {name: '${{ alert.device.name }}'}\n"
_SCAN = "- id: scan\n  action: urlscan.lookup\n  with: {url: '${{ alert.raw.url }}'}\n"


def _note(text: str, before: str = "") -> str:
    return f'{before}- action: case.note\n  with: {{text: "{text}"}}'


def _if(condition: str, before: str = "") -> str:
    return f'{before}- if: "${{{{ {condition} }}}}"\n  then:\n    - action: case.note\n      with: {{text: seen}}'


COMPARED_WITH_TRUE = Code(
    "PB505",
    "compared-with-true",
    Level.INFO,
    "A truth compared with true",
    "The value is true or false already.",
    _if("steps.scan.malicious == true", _SCAN),
    _if("steps.scan.malicious", _SCAN),
)
LIST_IN_TEXT = Code(
    "PB506",
    "list-in-text",
    Level.INFO,
    "A list or map in the middle of a text",
    "The text shows it as JSON, with brackets and quotes, which people seldom want to read.",
    _note("Links ${{ steps.mail.urls }}", _MAIL),
    _note("Links ${{ steps.mail.urls | join(', ') }}", _MAIL),
)
NEEDLESS_DEFAULT = Code(
    "PB507",
    "needless-default",
    Level.INFO,
    "A default that is never used",
    "The value is always there, so a reader looks for a case that there is not.",
    _note("Risk ${{ steps.host.risk | default(0) }}", _HOST),
    _note("Risk ${{ steps.host.risk }}", _HOST),
)
UNUSED_RESULT = Code(
    "PB508",
    "unused-result",
    Level.INFO,
    "A result that nothing reads",
    "The action changes nothing and only answers, and no step or output reads the answer.",
    _SCAN + "- wait: 1s",
    _note("Score ${{ steps.scan.score }}", _SCAN),
)
STEP_TWICE = Code(
    "PB509",
    "step-twice",
    Level.INFO,
    "The same step twice in a row",
    "The same action with the same arguments; the second was most often pasted and never changed.",
    _note("seen") + "\n" + _note("seen"),
    _note("seen") + "\n" + _note("gone"),
)
ITEM_HIDDEN = Code(
    "PB510",
    "item-hidden",
    Level.INFO,
    "`item` of one loop hides `item` of another",
    "Inside the inner loop `item` is its own, and that of the outer loop cannot be read. Name them with `as`.",
    "- for_each: ${{ alert.observables }}\n  steps:\n    - for_each: ${{ alert.raw.hosts }}\n      steps:\n        - action: case.note\n"
    "          with: {text: '${{ item.value }}'}",
    "- for_each: ${{ alert.observables }}\n  as: seen\n  steps:\n    - for_each: ${{ alert.raw.hosts }}\n      as: host\n      steps:\n"
    "        - action: case.note\n          with: {text: '${{ seen.value }} ${{ host }}'}",
)
RETRY_OF_ONE = Code(
    "PB511",
    "retry-of-one",
    Level.INFO,
    "A retry that never tries again",
    "`attempts` counts all attempts, the first one too.",
    "- action: case.note\n  with: {text: seen}\n  retry: {attempts: 1}",
    "- action: case.note\n  with: {text: seen}\n  retry: {attempts: 2}",
)
QUESTION_PER_ITEM = Code(
    "PB512",
    "question-for-each-item",
    Level.INFO,
    "A question for each item of a list",
    "A hundred items are a hundred questions at once, and nobody answers the last of them with care. Ask once, about the list.",
    "- for_each: ${{ alert.observables }}\n  as: seen\n  steps:\n    - id: wanted\n"
    "      ask: {title: 'Block ${{ seen.value }}?', to: [role:responder], deadline: 4h, on_deadline: reject}\n"
    "    - if: ${{ steps.wanted.answer == 'approve' }}\n      then: [{wait: 1s}]",
    "- id: wanted\n  ask: {title: \"Block ${{ alert.observables | pluck('value') | join }}?\", to: [role:responder], deadline: 4h, "
    "on_deadline: reject}\n- if: ${{ steps.wanted.answer == 'approve' }}\n  then: [{wait: 1s}]",
)
NEEDLESS_CHOICE = Code(
    "PB513",
    "needless-choice",
    Level.INFO,
    "`true if … else false`",
    "The condition is true or false already.",
    "- id: facts\n  set: {many: '${{ true if alert.count > 3 else false }}'}\n" + _if("steps.facts.many"),
    "- id: facts\n  set: {many: '${{ alert.count > 3 }}'}\n" + _if("steps.facts.many"),
)
NEEDLESS_FILTER = Code(
    "PB514",
    "needless-filter",
    Level.INFO,
    "A filter that changes nothing",
    "The value is of that type already.",
    _note("${{ alert.title | string }}"),
    _note("${{ alert.title }}"),
)
DEPRECATED = Code(
    "PB515",
    "deprecated",
    Level.WARNING,
    "Something that will go away",
    "The pack still takes or gives it and says that a later version will not.",
    "- id: host\n  action: host.lookup\n  with: {name: srv, zone: dmz}\n- action: case.note\n  with: {text: 'Risk ${{ steps.host.risk }}'}",
    "- id: host\n  action: host.lookup\n  with: {name: srv}\n- action: case.note\n  with: {text: 'Risk ${{ steps.host.risk }}'}",
)
SAME_BRANCHES = Code(
    "PB516",
    "same-branches",
    Level.INFO,
    "Two branches that do the same",
    "Whichever way the condition comes out, the same steps run; one of them was most often pasted and never changed.",
    "- if: ${{ alert.count > 3 }}\n  then: [{action: case.note, with: {text: seen}}]\n  else: [{action: case.note, with: {text: seen}}]",
    "- if: ${{ alert.count > 3 }}\n  then: [{action: case.note, with: {text: many}}]\n  else: [{action: case.note, with: {text: few}}]",
)

ALL = (
    COMPARED_WITH_TRUE,
    LIST_IN_TEXT,
    NEEDLESS_DEFAULT,
    UNUSED_RESULT,
    STEP_TWICE,
    ITEM_HIDDEN,
    RETRY_OF_ONE,
    QUESTION_PER_ITEM,
    NEEDLESS_CHOICE,
    NEEDLESS_FILTER,
    DEPRECATED,
    SAME_BRANCHES,
)
