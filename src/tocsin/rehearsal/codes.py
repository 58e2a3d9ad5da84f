"""RH1xx: every diagnostic code of rehearsal files, and how the codes of the reader that they share with playbooks are called here."""

from typing import Final

from tocsin.core.diagnostics import Diagnostic, Level, Span
from tocsin.playbook.codes import Code, names, syntax
from tocsin.playbook.findings import Findings

HEAD: Final = "schema: tocsin/rehearsal@1\n"
_EXPECT: Final = "    inputs: {}\n    expect: {outcome: succeeded}\n"
_GOOD: Final = HEAD + "cases:\n  - name: It ends well\n" + _EXPECT


def _code(number: int, slug: str, title: str, reason: str, bad: str, good: str = _GOOD, *, level: Level = Level.ERROR) -> Code:
    return Code(f"RH{number}", slug, level, title, reason, bad, good)


def _with(line: str) -> str:
    return f"{HEAD}cases:\n  - name: It ends well\n{_EXPECT}    {line}\n"


NOT_READABLE = _code(
    100, "not-readable", "The text cannot be read", "A rehearsal file is YAML of the same strict kind as a playbook.", HEAD + "cases: [\n"
)
DUPLICATE_KEY = _code(
    101,
    "duplicate-key",
    "A key stands twice",
    "Of two values for one key one would be lost without a word.",
    _with("expect: {outcome: failed}"),
)
WRONG_SCHEMA = _code(
    102,
    "wrong-schema",
    "The text names another format",
    "The first line says which format the text is in, so that a later version can still read it.",
    "schema: tocsin/rehearsal@9\ncases:\n  - name: It ends well\n" + _EXPECT,
)
NO_CASES = _code(103, "no-cases", "There is no case", "A file without cases would pass whatever the playbook does.", HEAD + "cases: []\n")
DUPLICATE_CASE = _code(
    104,
    "duplicate-case",
    "Two cases have one name",
    "Reports, and `--update`, name cases.",
    _GOOD + "  - name: It ends well\n" + _EXPECT,
)
MISSING_KEY = _code(
    110, "missing-key", "A key is missing", "The form needs the key to mean anything.", HEAD + "cases:\n  - name: It ends well\n"
)
UNKNOWN_KEY = _code(
    111,
    "unknown-key",
    "A key that nothing reads",
    "A misspelt key would be an expectation that is never checked, so no key is ever ignored.",
    _with("answrs: {}"),
)
WRONG_TYPE = _code(112, "wrong-type", "A value of the wrong type", "What stands here is not what the key takes.", HEAD + "cases: none\n")
NOT_ONE_OF = _code(
    113,
    "not-one-of",
    "Not one of the words that may stand here",
    "Only a few words mean something here.",
    HEAD + "cases:\n  - name: It ends well\n    inputs: {}\n    expect: {outcome: fine}\n",
)
OUT_OF_RANGE = _code(
    114,
    "out-of-range",
    "A number out of range",
    "The number must make sense.",
    HEAD + "cases:\n  - name: It ends well\n    inputs: {}\n    expect: {effects: -1}\n",
)
BAD_DURATION = _code(
    115,
    "bad-duration",
    "Not a duration",
    "Times are written with their unit.",
    _with("interruptions: [{cancel: true, after: soon}]"),
)
BAD_EXPRESSION = _code(
    116,
    "bad-expression",
    "An expression that cannot be read, or stands where none may",
    "Canned answers may read `input` and `now`; everything else is fixed.",
    _with("answers: {a: {returns: '${{ input. }}'}}"),
    _with("answers: {a: {returns: '${{ input.ip }}'}}"),
)
BAD_INSTANT = _code(
    117,
    "bad-instant",
    "Not an instant",
    "The clock of a case starts at an RFC 3339 instant with its offset.",
    _with("clock: yesterday"),
    _with('clock: "2026-03-02T09:00:00Z"'),
)
BAD_TRIGGER = _code(
    120,
    "bad-trigger",
    "A case is started by one thing",
    "A run is started by an alert, a webhook or something that happens to a case, else by hand.",
    _with("alert: {}\n    webhook: {name: x}"),
)
BAD_ANSWER = _code(
    121,
    "bad-answer",
    "An answer that says nothing, or several things",
    "An answer either returns a value, fails with an error, leaves the outcome unknown or is a recorded exchange.",
    _with("answers: {a: {error: {kind: transient}, returns: {}}}"),
    _with("answers: {a: {error: {kind: transient}}}"),
)
UNKNOWN_STEP = _code(
    122,
    "unknown-step",
    "There is no such step or action",
    "An answer that is never asked for, or an expectation of a step that is not there, proves nothing.",
    _with("answers: {nothing: {returns: {}}}"),
)
BAD_OUTPUT = _code(
    123,
    "impossible-output",
    "The action cannot return this",
    "A canned answer must fit the schema that the pack promises, else the rehearsal proves something about another world.",
    _with("answers: {a: {returns: {score: high}}}"),
)
BAD_OPTION = _code(
    124,
    "not-an-option",
    "Nobody can answer this",
    "The ask offers other options.",
    _with("people: {q: {answer: maybe, by: amira}}"),
)
BAD_START = _code(
    125,
    "impossible-start",
    "The playbook cannot be started with this",
    "The alert, case or inputs have a field that does not exist, or lack one that must be there.",
    _with("alert: {titel: x}"),
)
NO_PLAYBOOK = _code(
    126,
    "no-playbook",
    "The playbook is not there, or has errors",
    "A rehearsal stands beside the playbook that it is for: `triage.rehearsal.yaml` beside `triage.yaml`.",
    HEAD + "playbook: nothing\ncases:\n  - name: It ends well\n" + _EXPECT,
)
UNUSED_ANSWER = _code(
    127,
    "unused-answer",
    "Nothing asked for this answer",
    "The case says what a step answers, and the run never came to it.",
    _with("answers: {a: {returns: {}}}"),
    level=Level.WARNING,
)

ALL: Final[tuple[Code, ...]] = (
    NOT_READABLE, DUPLICATE_KEY, WRONG_SCHEMA, NO_CASES, DUPLICATE_CASE, MISSING_KEY, UNKNOWN_KEY, WRONG_TYPE, NOT_ONE_OF, OUT_OF_RANGE,
    BAD_DURATION, BAD_EXPRESSION, BAD_INSTANT, BAD_TRIGGER, BAD_ANSWER, UNKNOWN_STEP, BAD_OUTPUT, BAD_OPTION, BAD_START, NO_PLAYBOOK,
    UNUSED_ANSWER,
)  # fmt: skip

_OURS: Final = {
    syntax.DUPLICATE_KEY.id: DUPLICATE_KEY,
    syntax.KEY_NOT_TEXT.id: WRONG_TYPE,
    names.UNKNOWN_KEY.id: UNKNOWN_KEY,
    names.MISSING_KEY.id: MISSING_KEY,
    names.WRONG_TYPE.id: WRONG_TYPE,
    names.NOT_ONE_OF.id: NOT_ONE_OF,
    names.OUT_OF_RANGE.id: OUT_OF_RANGE,
    names.BAD_DURATION.id: BAD_DURATION,
    names.BAD_EXPRESSION.id: BAD_EXPRESSION,
    names.EXPRESSION_NOT_HERE.id: BAD_EXPRESSION,
}


class RehearsalFindings(Findings):
    """Findings of a rehearsal file: what the shared reader says of playbooks is said of rehearsals."""

    def add(self, code: Code, span: Span, message: str, hint: str = "") -> None:
        """Note one finding under the code that it has here."""
        ours = code if code.id.startswith("RH") else _OURS.get(code.id, NOT_READABLE)
        if code.id == syntax.EMPTY.id:
            message, hint = "The text holds no rehearsal.", "Begin with schema: tocsin/rehearsal@1 and cases."
        super().add(ours, span, message.replace("a playbook", "a rehearsal"), hint)

    def extend(self, found: tuple[Diagnostic, ...]) -> None:
        """Take over what was found elsewhere."""
        self._found.update(found)
