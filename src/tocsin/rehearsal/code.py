"""Run code steps on a stage: in the real sandbox, for it does no I/O."""

import asyncio

from tocsin.core.errors import TocsinError
from tocsin.rehearsal.cast import Answer, Call, Refusal, Unplayable, Value


def run_code(call: Call) -> Answer:
    """Run the source of a code step; raises Unplayable when there is no sandbox."""
    try:
        from tocsin.sandbox.code import CodeRunner  # heavy: only who has code steps pays for it
    except ImportError:
        raise Unplayable(
            f"The code of '{call.path}' cannot be run here.", hint="Give it an answer: answers: {step: {returns: {…}}}."
        ) from None
    try:
        return Value(asyncio.run(CodeRunner().run(call.pending)))
    except TocsinError as error:
        return Refusal(error)
