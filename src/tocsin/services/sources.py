"""The configured sources: mapping what they bring, and running those that Tocsin reads itself."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import structlog

from tocsin.connectors.manifest import MappingSpec
from tocsin.connectors.mapping import Skipped, apply
from tocsin.connectors.runtime import Connectors
from tocsin.core.access import Principal
from tocsin.core.alerts import Finding
from tocsin.core.errors import NotFound, TocsinError
from tocsin.core.values import Json, JsonObject
from tocsin.engine.ports import Clock
from tocsin.services.intake import Intake, Rejected
from tocsin.store.tx import Tx
from tocsin.store.units import Units

log = structlog.get_logger()
FIRST_PAUSE_S, LONGEST_PAUSE_S = 1.0, 60.0


@dataclass(frozen=True, slots=True)
class Source:
    """Where alerts come from. `follows` names the pack's source that Tocsin runs itself, if any."""

    name: str
    pack: str
    mapping: MappingSpec
    follows: str = ""
    connection: str | None = None
    options: JsonObject = field(default_factory=dict)


class SourceBook:
    """Implements `services.intake.Mappers` over the configured sources."""

    def __init__(self, sources: Sequence[Source], *, clock: Clock) -> None:
        self._sources: Mapping[str, Source] = {source.name: source for source in sources}
        self._clock = clock

    @property
    def followed(self) -> list[Source]:
        """Return the sources that Tocsin reads itself."""
        return [source for source in self._sources.values() if source.follows]

    def names(self) -> list[str]:
        """Return the names of the sources."""
        return sorted(self._sources)

    def get(self, name: str) -> Source:
        """Return a source; raises NotFound naming those there are."""
        source = self._sources.get(name)
        if source is None:
            raise NotFound(f"There is no source '{name}'.", hint=f"Configured sources: {', '.join(self.names()) or 'none'}.")
        return source

    def finding(self, source: str, raw: Json) -> Finding | None:
        """Map one raw event; None when it is no alert."""
        mapped = apply(self.get(source).mapping, raw, source=source, received=self._clock())
        return None if isinstance(mapped, Skipped) else mapped


async def follow_forever(source: Source, *, connectors: Connectors, intake: Intake, units: Units, actor: Principal, clock: Clock) -> None:
    """Read a source until cancelled; what it brings and how far it was read are one transaction."""

    def moved(cursor: Json) -> "Cursor":
        return Cursor(source.name, cursor, actor, clock)

    async def emit(raw: Json, cursor: Json) -> None:
        await intake.take(source.name, [raw], actor, also=moved(cursor))

    async def reject(text: str, reason: str, cursor: Json) -> None:
        log.warning("source.rejected", source=source.name, reason=reason)
        await intake.take(source.name, [Rejected(text, reason)], actor, also=moved(cursor))

    pause = FIRST_PAUSE_S
    while True:
        state = await units.read(lambda tx: tx.sources.get(source.name, workspace=actor.workspace))
        try:
            await connectors.follow(
                source.pack,
                source.follows,
                connection=source.connection,
                options=source.options,
                cursor=state.cursor if state is not None else None,
                emit=emit,
                reject=reject,
            )
            pause = FIRST_PAUSE_S
        except TocsinError as error:
            problem = str(error)
            log.warning("source.trouble", source=source.name, reason=problem, again_in_s=pause)
            await _note_trouble(units, source, problem, actor, clock)
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE_S)


async def _note_trouble(units: Units, source: Source, problem: str, actor: Principal, clock: Clock) -> None:
    at = clock()
    await units.write(lambda tx: tx.sources.trouble(source.name, problem, workspace=actor.workspace, at=at))


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far a source was read, to be written with what it brought."""

    source: str
    cursor: Json
    actor: Principal
    clock: Clock

    def __call__(self, tx: Tx) -> None:
        """Write it."""
        tx.sources.move(self.source, self.cursor, workspace=self.actor.workspace, at=self.clock())
