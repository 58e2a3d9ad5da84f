"""Run code steps on a stage: in the real sandbox, for what they do is the playbook's own."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

from tocsin.core.errors import Invalid, TocsinError
from tocsin.core.values import Json, JsonObject
from tocsin.playbook.plan import Runtime
from tocsin.rehearsal.cast import Answer, Call, Refusal, Value
from tocsin.rehearsal.schema_check import problems

LONGEST_S = 5.0  # when the step does not say


def run_code(call: Call) -> Answer:
    """Run the source of a code step."""
    arguments = call.arguments
    inputs, returns = arguments.get("inputs"), arguments.get("returns")
    try:
        # In a thread of its own: whoever rehearses may have a loop going in this one.
        with ThreadPoolExecutor(1) as thread:
            given = inputs if isinstance(inputs, dict) else {}
            value = thread.submit(lambda: asyncio.run(_run(call, str(arguments.get("source")), given))).result()
        return Value(_checked(value, returns if isinstance(returns, dict) else {}))
    except TocsinError as error:
        return Refusal(error)


async def _run(call: Call, source: str, inputs: JsonObject) -> Json:
    from tocsin.sandbox.call import CodeCall  # not at start-up: most rehearsals have no code
    from tocsin.sandbox.code import CodeRunner

    runner = CodeRunner()
    try:
        return await runner.run(CodeCall(source, inputs, Runtime(call.action.rpartition(".")[2]), call.pending.timeout_s or LONGEST_S))
    finally:
        await runner.aclose()


def _checked(value: Json, returns: JsonObject) -> Json:
    if not isinstance(value, dict):
        raise Invalid("The code must return a map, such as {'score': 3}.", hint="What it returns is read as steps.<id>.<name>.")
    found = problems(value, returns)
    if found:
        raise Invalid(f"The code returned what 'returns' does not allow: {'; '.join(found)}.", hint="Change the code, or 'returns'.")
    return value
