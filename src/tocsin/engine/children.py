"""The runs that a run starts."""

from tocsin.core.ids import RunId
from tocsin.engine.events import CallStarted, RunStarted


def child_started(started: RunStarted, call: CallStarted, *, parent: RunId) -> RunStarted:
    """Return the first event of the run that a `call` step starts."""
    return RunStarted(
        at=call.at,
        playbook=call.playbook,
        digest=call.digest,
        trigger={"kind": "call", "run": parent, "path": call.path},
        alert=started.alert,
        case=started.case,
        inputs=call.inputs,
        depth=started.depth + 1,
    )
