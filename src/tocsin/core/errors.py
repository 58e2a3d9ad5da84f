"""Every error that Tocsin raises on purpose. The kind drives behaviour; nobody parses a message.

TocsinError
├── Invalid             what was given cannot be used as it is; stop and say what to change
│   ├── TooLarge        more than a stated limit
│   └── Unsupported     a form that Tocsin does not handle
├── NotFound            no such thing, or not for this caller
├── Conflict            the thing has moved on; read it again
├── Unauthenticated     nobody knows who asks
├── Forbidden           known, and not allowed
├── Unavailable         something that the operator must set up first is missing
│   ├── PackNotFound
│   ├── ActionNotFound
│   ├── ConnectionNotFound
│   ├── CredentialMissing
│   └── PlaybookNotFound
├── AuthFailed          a target refused our credential; pause and tell
├── Transient           may work later; retry
│   ├── RateLimited     the target said when
│   └── Unreachable     refused, no route, no such host: nothing was sent
├── OutcomeUnknown      the request left and no answer came; the action's on_unknown policy decides
├── EgressRefused       the guard refused an address before a byte was sent
├── LeaseLost           another worker has taken this run; drop it
└── JournalCorrupt      a run's history cannot be read; stop that run, touch nothing
"""

from enum import StrEnum
from typing import ClassVar


class ErrorKind(StrEnum):
    """What a caller should do about an error."""

    INVALID = "invalid"
    NOT_FOUND = "not_found"
    CONFLICT = "conflict"
    UNAUTHENTICATED = "unauthenticated"
    FORBIDDEN = "forbidden"
    UNAVAILABLE = "unavailable"
    AUTH_FAILED = "auth_failed"
    TRANSIENT = "transient"
    UNKNOWN = "unknown"
    LOST = "lost"
    CORRUPT = "corrupt"


class TocsinError(Exception):
    """Root of the tree; never raised itself."""

    code: ClassVar[str] = "error"
    kind: ClassVar[ErrorKind] = ErrorKind.INVALID

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".rstrip()


class Invalid(TocsinError):
    """What was given cannot be used as it is."""

    code = "invalid"


class TooLarge(Invalid):
    """More than a stated limit."""

    code = "too-large"


class Unsupported(Invalid):
    """A form that Tocsin does not handle."""

    code = "unsupported"


class NotFound(TocsinError):
    """There is no such thing, or it is not for this caller."""

    code = "not-found"
    kind = ErrorKind.NOT_FOUND


class Conflict(TocsinError):
    """The thing has moved on since the caller read it."""

    code = "conflict"
    kind = ErrorKind.CONFLICT


class Unauthenticated(TocsinError):
    """The caller is not known."""

    code = "unauthenticated"
    kind = ErrorKind.UNAUTHENTICATED


class Forbidden(TocsinError):
    """The caller is known and not allowed."""

    code = "forbidden"
    kind = ErrorKind.FORBIDDEN


class Unavailable(TocsinError):
    """Something that the operator must set up first is missing."""

    code = "unavailable"
    kind = ErrorKind.UNAVAILABLE


class PackNotFound(Unavailable):
    """No pack of that name is installed."""

    code = "pack-not-found"


class ActionNotFound(Unavailable):
    """The pack has no such action."""

    code = "action-not-found"


class ConnectionNotFound(Unavailable):
    """No connection is configured for the pack."""

    code = "connection-not-found"


class CredentialMissing(Unavailable):
    """The connection names a credential that cannot be read."""

    code = "credential-missing"


class PlaybookNotFound(Unavailable):
    """No published playbook has that id."""

    code = "playbook-not-found"


class AuthFailed(TocsinError):
    """A target refused our credential."""

    code = "auth-failed"
    kind = ErrorKind.AUTH_FAILED


class Transient(TocsinError):
    """It did not work this time and may work later; nothing was changed."""

    code = "transient"
    kind = ErrorKind.TRANSIENT

    def __init__(self, message: str, *, hint: str = "", retry_after: float | None = None) -> None:
        """`retry_after`: seconds the target asked us to wait, if it did."""
        super().__init__(message, hint=hint)
        self.retry_after = retry_after


class RateLimited(Transient):
    """The target asked us to slow down."""

    code = "rate-limited"


class Unreachable(Transient):
    """No connection could be made, so nothing was sent."""

    code = "unreachable"


class OutcomeUnknown(TocsinError):
    """The request left and no answer came: it may or may not have happened."""

    code = "outcome-unknown"
    kind = ErrorKind.UNKNOWN


class EgressRefused(TocsinError):
    """The guard refused the address before a byte was sent."""

    code = "egress-refused"
    kind = ErrorKind.FORBIDDEN


class LeaseLost(TocsinError):
    """Another worker has taken this run."""

    code = "lease-lost"
    kind = ErrorKind.LOST


class JournalCorrupt(TocsinError):
    """A run's history cannot be read."""

    code = "journal-corrupt"
    kind = ErrorKind.CORRUPT
