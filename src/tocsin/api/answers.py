"""An answer to an ask, whichever way it came over HTTP."""

from tocsin.api.parts import Parts
from tocsin.core.access import Principal
from tocsin.core.ids import AskId
from tocsin.engine.crashpoints import CrashPoint
from tocsin.services.asks import AskFile, Reply, answer_ask
from tocsin.store.tx import Tx


async def record_answer(parts: Parts, actor: Principal, id: AskId, reply: Reply) -> AskFile:
    """Record an answer durably, and tell whoever listens."""
    now = parts.clock()

    def unit(tx: Tx) -> AskFile:
        file = answer_ask(tx, actor, id=id, reply=reply, now=now)
        parts.crash(CrashPoint.ANSWER_BEFORE_COMMIT)
        return file

    file = await parts.units.write(unit)
    parts.crash(CrashPoint.ANSWER_COMMITTED)
    parts.hub.tell("ask.answered", {"id": id, "status": file.ask.status.value, "run": file.ask.run})
    return file
