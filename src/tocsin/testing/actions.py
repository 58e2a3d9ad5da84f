"""Actions that a test scripts, behind the engine's own port."""

import asyncio
from collections.abc import Callable

from tocsin.core.effects import ActionSpec, Effect, OnUnknown, Probe
from tocsin.core.errors import ActionNotFound
from tocsin.core.values import Json
from tocsin.engine.ports import ActionCall

Answer = Json | Exception | Callable[[ActionCall], Json]


def spec(name: str, effect: Effect = Effect.READ, on_unknown: OnUnknown | None = None, *, key_window_s: float | None = None) -> ActionSpec:
    """Return an action's declaration with open schemas."""
    return ActionSpec(name, name, effect, on_unknown, {"type": "object"}, {}, key_window_s=key_window_s)


class ScriptedActions:
    """Implements `engine.ports.Actions`: each action gives its answers in turn, the last one for ever; `ledger` has what was sent."""

    def __init__(self) -> None:
        self.ledger: list[ActionCall] = []
        self.probes: list[ActionCall] = []
        self.most_at_once = 0
        self._specs: dict[str, ActionSpec] = {}
        self._answers: dict[str, list[Answer]] = {}
        self._found: dict[str, list[Probe]] = {}
        self._now = 0

    def add(self, declared: ActionSpec, *answers: Answer, probes: tuple[Probe, ...] = ()) -> None:
        """Declare an action and what it answers."""
        self._specs[declared.name] = declared
        self._answers[declared.name] = list(answers) or [{}]
        self._found[declared.name] = list(probes)

    def spec(self, action: str) -> ActionSpec:
        """Return the declaration."""
        if action not in self._specs:
            raise ActionNotFound(f"There is no action '{action}'.")
        return self._specs[action]

    async def execute(self, call: ActionCall) -> Json:
        """Note the call and answer."""
        self.ledger.append(call)
        self._now += 1
        self.most_at_once = max(self.most_at_once, self._now)
        await asyncio.sleep(0)
        self._now -= 1
        answers = self._answers[call.action]
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer(call) if callable(answer) else answer

    async def probe(self, call: ActionCall) -> Probe:
        """Note the probe and say what was found."""
        self.probes.append(call)
        found = self._found[call.action]
        return found.pop(0) if found else Probe.UNKNOWN

    def names(self) -> list[str]:
        """Return the names of the actions."""
        return sorted(self._specs)

    def packs(self) -> list[str]:
        """Return the packs that the names begin with."""
        return sorted({name.partition(".")[0] for name in self._specs})
