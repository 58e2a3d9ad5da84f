"""Code steps: to the engine one more kind of call, answered by the sandbox instead of a connector."""

from typing import Final

from tocsin.connectors.validation import problems
from tocsin.core.effects import ActionSpec, Probe
from tocsin.core.errors import Invalid
from tocsin.core.values import Json, JsonObject
from tocsin.engine.leaves import CODE
from tocsin.engine.ports import ActionCall, Actions
from tocsin.playbook.plan import Runtime
from tocsin.sandbox.call import CodeCall
from tocsin.sandbox.code import CodeRunner

_RUNTIMES: Final = {f"{CODE}.{runtime.value}": runtime for runtime in Runtime}
_LONGEST_S: Final = 5.0  # when the step does not say


class WithCode:
    """Implements `engine.ports.Actions`: code goes to the sandbox, everything else to the connectors."""

    def __init__(self, connectors: Actions, code: CodeRunner) -> None:
        self._connectors, self._code = connectors, code

    def spec(self, action: str) -> ActionSpec:
        """Return what the action declares; raises PackNotFound or ActionNotFound."""
        return self._connectors.spec(action)

    async def execute(self, call: ActionCall) -> Json:
        """Do it; raises as connectors do, and what the code raises as CodeFailed and its kin."""
        runtime = _RUNTIMES.get(call.action)
        if runtime is None:
            return await self._connectors.execute(call)
        source, inputs, returns = (call.arguments.get(name) for name in ("source", "inputs", "returns"))
        given = inputs if isinstance(inputs, dict) else {}
        value = await self._code.run(CodeCall(str(source), given, runtime, call.timeout_s or _LONGEST_S))
        return _checked(value, returns if isinstance(returns, dict) else None)

    async def probe(self, call: ActionCall) -> Probe:
        """Find out whether an earlier attempt happened."""
        return await self._connectors.probe(call)


def _checked(value: Json, returns: JsonObject | None) -> Json:
    if not isinstance(value, dict):
        raise Invalid("The code must return a map, such as {'score': 3}.", hint="What it returns is read as steps.<id>.<name>.")
    found = [] if returns is None else problems(value, returns)
    if found:
        raise Invalid(f"The code returned what 'returns' does not allow: {'; '.join(found)}.", hint="Change the code, or 'returns'.")
    return value
