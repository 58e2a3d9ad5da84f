"""What a failed call means: certainly nothing happened, or nobody knows. (04-effects: the table of statuses.)"""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx

from tocsin.connectors.manifest import Fault
from tocsin.core.effects import Effect
from tocsin.core.errors import (
    AuthFailed,
    Conflict,
    Invalid,
    NotFound,
    OutcomeUnknown,
    RateLimited,
    TocsinError,
    Transient,
    Unreachable,
    Unsupported,
)

LOGIN = "tocsin.login"  # marks a request that only fetches a token: whatever happens to it, the action was not sent
_LONGEST_WAIT_S = 86_400.0


def of_exception(error: httpx.HTTPError | httpx.InvalidURL, *, effect: Effect, target: str) -> TocsinError:
    """Return what a transport error means for an action."""
    reason = str(error) or type(error).__name__
    if isinstance(error, httpx.InvalidURL | httpx.UnsupportedProtocol | httpx.LocalProtocolError):
        return Invalid(f"The request to {target} cannot be sent: {reason}.", hint="Correct the address, header or body.")
    if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout):
        return Unreachable(f"No connection to {target}: {reason}.", hint="Check the address and that it is up.")
    if _is_login(error):
        return Unreachable(f"No answer from {target} to the login: {reason}.", hint="Check that it is up.")
    if effect is Effect.READ:
        return Transient(f"No answer from {target}: {reason}.", hint="It is tried again if the step says so.")
    return OutcomeUnknown(f"No answer from {target} after the request had left: {reason}.", hint="Look there whether it happened.")


def _is_login(error: Exception) -> bool:
    try:
        return isinstance(error, httpx.RequestError) and LOGIN in error.request.extensions
    except RuntimeError:  # httpx's way to say that the error has no request
        return False


def of_status(status: int, *, effect: Effect, said: str, headers: httpx.Headers, now: datetime) -> TocsinError:
    """Return what an unsuccessful status means for an action; `said` is the target's own words, redacted."""
    wait = retry_after(headers, now=now)
    match status:
        case 401 | 403:
            return AuthFailed(said, hint="Check the credential of the connection and its rights.")
        case 404:
            return NotFound(said)
        case 408:
            return Transient(said, retry_after=wait)
        case 409:
            return Conflict(said)
        case 429:
            return RateLimited(said, hint="The target asked to slow down.", retry_after=wait)
        case 503:
            return Transient(said, retry_after=wait)
    if 300 <= status < 400:
        return Invalid(said, hint="It redirects; put the address it redirects to into the connection.")
    if status < 500:
        return Invalid(said)
    if effect is Effect.READ:
        return Transient(said, retry_after=wait)
    return OutcomeUnknown(said, hint="Look there whether it happened.")


def of_fault(fault: Fault, said: str, *, wait: float | None) -> TocsinError:
    """Return the error that a pack's error table names."""
    match fault:
        case Fault.OK | Fault.INVALID:
            return Invalid(said)
        case Fault.NOT_FOUND:
            return NotFound(said)
        case Fault.CONFLICT:
            return Conflict(said)
        case Fault.AUTH_FAILED:
            return AuthFailed(said, hint="Check the credential of the connection and its rights.")
        case Fault.RATE_LIMITED:
            return RateLimited(said, retry_after=wait)
        case Fault.TRANSIENT:
            return Transient(said, retry_after=wait)
        case Fault.OUTCOME_UNKNOWN:
            return OutcomeUnknown(said, hint="Look there whether it happened.")
        case Fault.UNSUPPORTED:
            return Unsupported(said)


def retry_after(headers: httpx.Headers, *, now: datetime) -> float | None:
    """Read Retry-After, in seconds from now; None when it is not there or makes no sense."""
    text = headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        return min(float(text[:9]), _LONGEST_WAIT_S)
    if not text:
        return None
    try:
        at = parsedate_to_datetime(text)
    except ValueError:
        return None
    seconds = (at.replace(tzinfo=at.tzinfo or UTC) - now).total_seconds()
    return min(max(seconds, 0.0), _LONGEST_WAIT_S)
