"""Run code steps: the one door to both tiers."""

import asyncio
from typing import assert_never

from tocsin.core.errors import Invalid
from tocsin.core.values import Json
from tocsin.playbook.plan import Runtime
from tocsin.sandbox.call import LONGEST_S, MEMORY_MB, CodeAnswer, CodeCall
from tocsin.sandbox.child import frame_of
from tocsin.sandbox.errors import CodeUnavailable
from tocsin.sandbox.monty import MontyPool
from tocsin.sandbox.python import PythonJail

__all__ = ["CodeAnswer", "CodeCall", "CodeRunner"]


class CodeRunner:
    """Runs code steps. Starts nothing until the first one; `aclose` ends what it started."""

    def __init__(self, *, monty: MontyPool | None = None, python: PythonJail | None = None) -> None:
        self._monty = monty or MontyPool()
        self._python = python or PythonJail()
        self._able: set[Runtime] = set()

    def available(self, runtime: Runtime) -> str:
        """Say in a sentence why `runtime` cannot be used on this machine; empty when it can. May take 50 ms until it can."""
        if runtime in self._able:
            return ""
        why_not = self._tier(runtime).available()
        if not why_not:
            self._able.add(runtime)
        return why_not

    async def run(self, call: CodeCall) -> Json:
        """Run one call and return what the code returned.

        Raises CodeFailed, CodeTimeout, CodeOutOfMemory, CodeTooLarge, CodeResultInvalid, CodeUnavailable, or Invalid for bad limits.
        """
        return (await self.answer(call)).value

    async def answer(self, call: CodeCall) -> CodeAnswer:
        """Run one call and return also what the code printed, of which the first 64 KB are kept and the rest is dropped."""
        _check(call)
        frame = frame_of(call)
        if call.runtime not in self._able and (why_not := await asyncio.to_thread(self.available, call.runtime)):
            raise CodeUnavailable(why_not)
        return await self._tier(call.runtime).run(call, frame=frame)

    async def aclose(self) -> None:
        """End every child."""
        await self._monty.aclose()
        await self._python.aclose()

    def _tier(self, runtime: Runtime) -> MontyPool | PythonJail:
        match runtime:
            case Runtime.MONTY:
                return self._monty
            case Runtime.PYTHON:
                return self._python
            case _:
                assert_never(runtime)


def _check(call: CodeCall) -> None:
    if not 0 < call.timeout_s <= LONGEST_S:
        raise Invalid(f"A code step may take at most {LONGEST_S:g} s, not {call.timeout_s:g}.", hint="Give it a timeout within that.")
    if call.memory_mb not in MEMORY_MB:
        raise Invalid(f"A code step may have {MEMORY_MB[0]} to {MEMORY_MB[-1]} MB of memory, not {call.memory_mb}.", hint="Choose within.")
    if not 0 < call.output_bytes <= 16_000_000:
        raise Invalid(f"A code step may return at most 16,000,000 bytes, not {call.output_bytes:,}.", hint="Choose fewer.")
