"""Undo after a while: a run of its own waits, and then does the inverse action. It survives whatever becomes of the run that planned it.

Its plan is not written by anybody: it follows from the name of the inverse action, which is its digest.
"""

from datetime import datetime, timedelta
from typing import Final

from tocsin.core.effects import ActionSpec
from tocsin.core.errors import Invalid
from tocsin.core.ids import Ids
from tocsin.core.values import JsonObject, iso
from tocsin.engine.events import RunStarted, UndoScheduled
from tocsin.playbook.expr import compile_template
from tocsin.playbook.plan import ActionStep, Common, Plan, Retry, WaitStep

UNDO: Final = "undo"
_MARK: Final = "undo:"
_PATIENT: Final = Retry(attempts=10, delay_s=30.0, backoff=2.0)  # nobody looks at it when it runs


def undo_scheduled(
    inverse: ActionSpec, *, path: str, connection: str | None, arguments: JsonObject, after_s: float, now: datetime, ids: Ids
) -> UndoScheduled:
    """Return the event that plans the inverse of an action; of the arguments, it is given those that it knows."""
    known = inverse.input_schema.get("properties")
    taken = {name: value for name, value in arguments.items() if not isinstance(known, dict) or name in known}
    return UndoScheduled(
        at=iso(now),
        path=path,
        digest=f"{_MARK}{inverse.name}:{connection or ''}",
        run=ids("run"),
        action=inverse.name,
        arguments=taken,
        due=iso(now + timedelta(seconds=after_s)),
    )


def is_undo(digest: str) -> bool:
    """Say whether a digest names the plan of an undo."""
    return digest.startswith(_MARK)


def undo_plan(digest: str) -> Plan:
    """Return the plan that a digest of an undo names."""
    action, _, connection = digest.removeprefix(_MARK).partition(":")
    if not is_undo(digest) or not action:
        raise Invalid(f"'{digest}' names no undo.")
    wait = WaitStep(Common("until_due", "until_due", "Wait until it is due", 0), until=compile_template("${{ inputs.due }}"))
    act = ActionStep(
        Common("undone", "undone", f"Undo by {action}", 0),
        action=action,
        arguments=compile_template("${{ inputs.arguments }}"),
        connection=connection or None,
        retry=_PATIENT,
    )
    return Plan(id=UNDO, title=f"Undo by {action}", digest=digest, triggers=(), inputs={}, steps=(wait, act), outputs=None)


def undo_started(started: RunStarted, planned: UndoScheduled, *, run: str) -> RunStarted:
    """Return the first event of the run that undoes."""
    return RunStarted(
        at=planned.at,
        playbook=UNDO,
        digest=planned.digest,
        trigger={"kind": "undo", "run": run, "path": planned.path, "action": planned.action},
        alert=started.alert,
        case=started.case,
        inputs={"due": planned.due, "arguments": planned.arguments},
        depth=started.depth + 1,
    )
