"""The names that expressions see."""

from tocsin.core.ids import RunId, WorkspaceId
from tocsin.core.values import Json, JsonObject
from tocsin.engine.state import RunState
from tocsin.playbook.plan import Plan


class Names:
    """Build the names of each scope of a run, once a scope."""

    def __init__(self, plan: Plan, state: RunState, run: RunId, workspace: WorkspaceId, now: str) -> None:
        self._state = state
        started = state.started
        self._base: dict[str, Json] = {
            "inputs": started.inputs,
            "run": {"id": run, "playbook": plan.id, "started_at": started.at, "depth": started.depth},
            "workspace": {"name": workspace},
            "now": now,
        }
        if started.alert is not None:
            self._base["alert"] = started.alert
        if started.case is not None:
            self._base["case"] = started.case

    def of(self, scope: str) -> dict[str, Json]:
        """Return the names of a scope: the outer scopes' steps and loop variables are visible in it."""
        names = dict(self._base)
        steps: JsonObject = self._state.outputs[""]
        for prefix in _prefixes(scope):
            path, index = _iteration(prefix)
            loop = self._state.loops[path]
            names["item"] = names[loop.variable] = loop.items[index]
            inner = self._state.outputs.get(prefix)
            if inner:
                steps = {**steps, **inner}
        names["steps"] = steps
        return names


def _prefixes(scope: str) -> list[str]:
    parts = scope.split("/")[:-1]
    return ["/".join(parts[: end + 1]) + "/" for end in range(len(parts))]


def _iteration(prefix: str) -> tuple[str, int]:
    path, _, index = prefix[:-2].rpartition("[")
    return path, int(index)
