"""The names that expressions see."""

from collections.abc import Iterable, Mapping

from tocsin.core.ids import RunId, WorkspaceId
from tocsin.core.values import Json, JsonObject
from tocsin.engine.state import RunState
from tocsin.playbook.plan import Plan


class Names:
    """Build the names of each scope of a run, once a scope."""

    def __init__(self, plan: Plan, state: RunState, run: RunId, workspace: WorkspaceId, now: str) -> None:
        self._state = state
        started = state.started
        about: JsonObject = {"id": run, "playbook": plan.id, "started_at": started.at, "depth": started.depth}
        if state.main is not None:
            about.update(outcome=state.main.outcome.value, error=state.main.error)
        self._base: dict[str, Json] = {
            "inputs": started.inputs,
            "run": about,
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
            loop, inner = self._state.loops.get(path), self._state.outputs.get(prefix)
            if loop is not None:
                names["item"] = names[loop.variable] = loop.items[index]
            elif path in self._state.rounds:
                inner = {**self._state.rounds[path].outputs, **(inner or {})}
            if inner:
                steps = {**steps, **inner}
        names["steps"] = steps
        return names


def narrowed(names: Mapping[str, Json], refs: Iterable[tuple[str, ...]]) -> JsonObject:
    """Return of the names only what paths read."""
    found: JsonObject = {}
    for ref in sorted(refs, key=len, reverse=True):
        _take(names, found, ref)
    return found


def _take(source: Mapping[str, Json], into: JsonObject, ref: tuple[str, ...]) -> None:
    key = ref[0]
    if key not in source:
        return
    value = source[key]
    if len(ref) > 1 and isinstance(value, dict):
        inner = into.setdefault(key, {})
        if isinstance(inner, dict):
            _take(value, inner, ref[1:])
    else:
        into[key] = value


def _prefixes(scope: str) -> list[str]:
    parts = scope.split("/")[:-1]
    return ["/".join(parts[: end + 1]) + "/" for end in range(len(parts))]


def _iteration(prefix: str) -> tuple[str, int]:
    path, _, index = prefix[:-2].rpartition("[")
    return path, int(index)
