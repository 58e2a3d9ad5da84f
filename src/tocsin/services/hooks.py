"""Webhooks: is it from whom it says, is it new, and which playbooks does it start."""

import base64
import hashlib
import hmac
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from tocsin.connectors.manifest import Signature
from tocsin.core.access import Principal, Role
from tocsin.core.errors import Conflict, Invalid, Unauthenticated, Unavailable
from tocsin.core.ids import Ids, RunId, UserId
from tocsin.core.values import Instant, Json, JsonObject, iso
from tocsin.engine.events import RunStarted
from tocsin.playbook.plan import Awaited, Plan
from tocsin.services.runs import checked_inputs
from tocsin.services.waits import tell_waiting
from tocsin.store.repos.runs import NewRun
from tocsin.store.repos.waits import Place
from tocsin.store.tx import Tx

SECRET_HEADER = "x-tocsin-secret"  # noqa: S105  the name of a header
REPLAY_WINDOW = timedelta(minutes=5)
_REFUSED = "The webhook's signature is not right."


class Duplicate(Conflict):
    """This very delivery has been taken in already."""

    code = "duplicate"


@dataclass(frozen=True, slots=True)
class Hook:
    """How a source's webhook proves itself: by the vendor's signature, else by the secret in a header."""

    source: str
    secret: str | None
    signature: Signature | None = None

    def principal(self) -> Principal:
        """Return who acts when the hook is called."""
        return Principal(UserId(f"hook:{self.source}"), f"webhook {self.source}", "", frozenset({Role.SENSOR}))


def check_delivery(hook: Hook, *, headers: Mapping[str, str], body: bytes, now: Instant) -> str:
    """Return the delivery's key; raises Unavailable when no secret is set and Unauthenticated when it proves nothing."""
    if not hook.secret:
        raise Unavailable(
            f"The webhook of '{hook.source}' has no secret, so it takes nothing.", hint="Set `webhook: {secret: …}` of the source."
        )
    if hook.signature is None:
        if not _same(headers.get(SECRET_HEADER, ""), hook.secret):
            raise Unauthenticated("The webhook's secret is not right.", hint=f"Send it as the header {SECRET_HEADER}.")
        return ""
    signed = hook.signature
    timestamp = headers.get(signed.timestamp_header.lower(), "") if signed.timestamp_header else ""
    if signed.timestamp_header:
        _check_age(timestamp, now)
    message = f"{timestamp}.".encode() + body if signed.timestamp_header else body
    given = headers.get(signed.header.lower(), "")
    if not given.startswith(signed.prefix) or not _same(given[len(signed.prefix) :], _sign(hook.secret, message, signed.encoding)):
        raise Unauthenticated(_REFUSED, hint="Give the vendor the same secret as the source has.")
    # Only with a signed timestamp are two equal deliveries certainly one and the same; a sensor may well say the same twice.
    return hashlib.sha256(message).hexdigest() if timestamp else ""


def receive(hook: Hook, *, delivery: str, plans: Sequence[Plan], body: Json, now: Instant, ids: Ids) -> Callable[[Tx], None]:
    """Return the unit that notes the delivery, raising Duplicate, hands it to who waits for it and starts what the hook starts.

    Raises Invalid.
    """
    runs = [NewRun(RunId(ids("run")), hook.principal().workspace, _started(plan, hook, body, now)) for plan in plans]

    def unit(tx: Tx) -> None:
        workspace = hook.principal().workspace
        key = f"hook:{hook.source}:{delivery}"
        if delivery:
            if tx.once.get(key, workspace=workspace) is not None:
                raise Duplicate("This delivery was taken in before.", hint="Nothing is left to do.")
            tx.once.put(key, True, workspace=workspace, at=now)
        tell_waiting(tx, [{"name": hook.source, "payload": body}], place=Place(workspace, Awaited.WEBHOOK, hook.source), now=now)
        if runs:
            tx.runs.insert(runs, lease=None)

    return unit


def _started(plan: Plan, hook: Hook, body: Json, now: Instant) -> RunStarted:
    if not isinstance(body, dict):
        raise Invalid(f"The playbook '{plan.id}' takes a JSON object.", hint="Send one.")
    known = plan.inputs.get("properties")
    taken: JsonObject = {name: value for name, value in body.items() if isinstance(known, dict) and name in known}
    trigger: JsonObject = {"kind": "webhook", "hook": hook.source, "by": hook.principal().name, "body": body}
    return RunStarted(at=iso(now), playbook=plan.id, digest=plan.digest, trigger=trigger, inputs=checked_inputs(plan, taken))


def _check_age(timestamp: str, now: Instant) -> None:
    try:
        at = (
            float(timestamp)
            if timestamp.replace(".", "", 1).isdecimal() and timestamp.isascii()
            else datetime.fromisoformat(timestamp).timestamp()
        )
    except (ValueError, OverflowError):
        raise Unauthenticated("The webhook's timestamp cannot be read.", hint="Send seconds since 1970, or RFC 3339.") from None
    if abs(now.timestamp() - at) > REPLAY_WINDOW.total_seconds():
        raise Unauthenticated("The webhook's timestamp is too far from now.", hint="Set the clocks; a delivery counts for five minutes.")


def _sign(secret: str, message: bytes, encoding: str) -> str:
    digest = hmac.new(secret.encode(), message, hashlib.sha256).digest()
    return base64.b64encode(digest).decode() if encoding == "base64" else digest.hex()


def _same(given: str, wanted: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "surrogateescape"), wanted.encode())
