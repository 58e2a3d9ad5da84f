"""What can go wrong with a code step, as part of the error tree of `core.errors`.

Invalid
├── CodeFailed          the code raised, or ended without an answer; has the line of the user's text
├── CodeTimeout         it took longer than it may
├── CodeOutOfMemory     it wanted more memory than it may have
├── CodeTooLarge        what it returned, or was given, is more than a stated limit (also a TooLarge)
└── CodeResultInvalid   what it returned is not JSON
Unavailable
└── CodeUnavailable     this machine cannot sandbox; says why and what to install
"""

from tocsin.core.errors import Invalid, TooLarge, Unavailable

MESSAGE_LIMIT = 2_000  # characters of another program's text that an error repeats


class CodeFailed(Invalid):
    """The code raised an error, or ended without an answer."""

    code = "code-failed"

    def __init__(self, message: str, *, hint: str = "", line: int | None = None, error: str = "", printed: str = "") -> None:
        """`line`: of the user's text, from 1. `error`: the name of Python's error, as `KeyError`. `printed`: the first 64 KB it printed."""
        super().__init__(message, hint=hint)
        self.line = line
        self.error = error
        self.printed = printed


class CodeTimeout(Invalid):
    """The code took longer than it may."""

    code = "code-timeout"


class CodeOutOfMemory(Invalid):
    """The code wanted more memory than it may have."""

    code = "code-out-of-memory"


class CodeTooLarge(TooLarge):
    """What the code returned, or was given, is more than a stated limit."""

    code = "code-too-large"


class CodeResultInvalid(Invalid):
    """What the code returned is not JSON."""

    code = "code-result-invalid"


class CodeUnavailable(Unavailable):
    """This machine cannot sandbox this kind of code."""

    code = "code-unavailable"


def shortened(text: str) -> str:
    """Cut a foreign text to what an error may repeat."""
    return text if len(text) <= MESSAGE_LIMIT else f"{text[:MESSAGE_LIMIT]}… ({len(text)} characters)"
