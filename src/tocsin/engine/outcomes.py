"""What an answer to a call means for its run: one event each. Pure, so that a live run and a rehearsal mean the same."""

from tocsin.core.effects import Effect, Probe
from tocsin.core.errors import OutcomeUnknown, TocsinError, Transient
from tocsin.core.values import Json, JsonObject
from tocsin.engine.attempts import NOT_APPLIED, Pending
from tocsin.engine.events import ActionDone, ActionFailed, ActionUnknown
from tocsin.engine.leaves import CODE


def answered(call: Pending, output: Json, *, at: str, elapsed_ms: float = 0.0) -> ActionDone:
    """Return the event of an answer."""
    read = call.effect is Effect.READ
    return ActionDone(
        at=at,
        path=call.path,
        output=output,
        action=call.action,
        arguments=_told(call) if read else {},
        effect=call.effect,
        elapsed_ms=round(elapsed_ms, 1),
    )


def _told(call: Pending) -> JsonObject:
    """Return what the journal keeps of a read's arguments; the source of code is in the playbook."""
    return {"inputs": call.arguments.get("inputs")} if call.action.startswith(f"{CODE}.") else call.arguments


def refused(call: Pending, error: TocsinError, *, at: str) -> ActionFailed | ActionUnknown:
    """Return the event of an error: a write whose outcome nobody knows is unknown, everything else changed nothing."""
    if not isinstance(error, OutcomeUnknown):
        return _failed(call, error, at)
    if call.effect is Effect.READ:
        return _failed(call, Transient(str(error)), at)
    return ActionUnknown(at=at, path=call.path, reason=str(error), attempt=call.attempt)


def probed(call: Pending, found: Probe, *, at: str) -> ActionDone | ActionFailed | ActionUnknown:
    """Return the event of what a probe found."""
    match found:
        case Probe.APPLIED:
            return ActionDone(at=at, path=call.path, output={"verified": True}, action=call.action, effect=call.effect, by="probe")
        case Probe.NOT_APPLIED:
            absent = Transient("The probe found that the earlier attempt did not happen.")
            return _failed(call, absent, at, code=NOT_APPLIED)
        case Probe.UNKNOWN:
            reason = "The probe could not tell whether it happened."
            return ActionUnknown(at=at, path=call.path, reason=reason, attempt=call.attempt, probed=True)


def probe_failed(call: Pending, error: TocsinError, *, at: str) -> ActionUnknown:
    """Return the event of a probe that failed itself."""
    return ActionUnknown(at=at, path=call.path, reason=f"The probe failed: {error}", attempt=call.attempt, probed=True)


def _failed(call: Pending, error: TocsinError, at: str, *, code: str = "") -> ActionFailed:
    described: JsonObject = {"code": code or error.code, "kind": error.kind.value, "message": str(error)}
    if isinstance(error, Transient) and error.retry_after is not None:
        described["retry_after"] = error.retry_after
    return ActionFailed(at=at, path=call.path, error=described, attempt=call.attempt, action=call.action)
