"""The one place that knows all the parts: opens them, connects them, runs them, closes them."""

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import structlog
from fastapi import FastAPI

import tocsin
from tocsin.api.app import create_app
from tocsin.api.parts import Parts
from tocsin.connectors.catalogue import PackCatalogue
from tocsin.connectors.connections import ConnectionConfig, SecretRef, read_secret
from tocsin.connectors.loader import Packs, load_packs
from tocsin.connectors.runtime import Connectors
from tocsin.connectors.ssrf import Egress
from tocsin.connectors.warning import WarningLists
from tocsin.core.access import Principal, Role
from tocsin.core.effects import Effect
from tocsin.core.errors import Invalid, TocsinError
from tocsin.core.ids import ENTROPY_BYTES, RunId, UserId, WorkspaceId, make_id
from tocsin.core.playbooks import Manuscript
from tocsin.engine.crashpoints import Crash, CrashPoint, stay_alive
from tocsin.engine.driver import Driver
from tocsin.engine.ports import ActionCall, Append, ClaimedRun
from tocsin.sandbox.code import CodeRunner
from tocsin.services.case_news import CaseNews
from tocsin.services.code_steps import WithCode
from tocsin.services.delivery import Postman, announce_asks, ask_mail
from tocsin.services.hub import Hub
from tocsin.services.intake import Intake
from tocsin.services.lasting import Lasting
from tocsin.services.people import FirstAdmin, first_admin
from tocsin.services.plans import PlanShelf
from tocsin.services.platform import StorePlatform
from tocsin.services.schedules import Timekeeper
from tocsin.services.sources import Source, SourceBook, follow_forever
from tocsin.services.sweeper import Sweeper
from tocsin.services.versions.files import publish_files
from tocsin.services.versions.proof import Prover
from tocsin.services.versions.rehearsing import rehearser
from tocsin.settings import Settings, SourceSettings
from tocsin.store.dispatch import DbosDispatcher
from tocsin.store.journal import SqlJournal
from tocsin.store.opening import Store, open_store
from tocsin.store.repos.outbox import Delivery
from tocsin.store.repos.runs import Lease

log = structlog.get_logger()
DRAIN_S = 10.0
MOST_LOCAL_RUNS = 1_000  # that this process advances or has queued; more go to the dispatcher
SHIPPED_PACKS = Path(tocsin.__file__).parent / "packs"
MACHINE = Principal(UserId("usr_tocsin"), "tocsin", "", frozenset({Role.SENSOR}))
OPERATOR = Principal(UserId("usr_settings"), "tocsin.yaml", "", frozenset({Role.AUTHOR}))


def system_clock() -> datetime:
    """Tell the time."""
    return datetime.now(UTC)


def system_ids(prefix: str) -> str:
    """Make a fresh id."""
    return make_id(prefix, system_clock(), os.urandom(ENTROPY_BYTES))


def crash_from(environ: Mapping[str, str]) -> Crash:
    """Return the crash hook: with TOCSIN_CRASH_AT=POINT the process kills itself there, for the crash tests."""
    wanted = environ.get("TOCSIN_CRASH_AT")
    if not wanted:
        return stay_alive
    armed = CrashPoint(wanted)

    def crash(point: CrashPoint) -> None:
        if point is armed:
            os.kill(os.getpid(), signal.SIGKILL)

    return crash


class TellingJournal(SqlJournal):
    """The journal, which also tells the hub what was written, the postman of new asks and the sweeper of new times."""

    def __init__(self, store: Store, *, owner: str, hub: Hub, postman: Postman, on_new_time: Callable[[], None]) -> None:
        super().__init__(store, owner=owner, clock=system_clock, announce=announce_asks)
        self._hub, self._postman, self._on_new_time = hub, postman, on_new_time

    async def append(self, append: Append) -> bool:
        """Write, then tell."""
        released = await super().append(append)
        self._hub.tell("run", {"id": append.run, "events": [type(event).__struct_config__.tag for event in append.events]})
        if append.wake_at is not None:
            self._on_new_time()
        for asked in append.asks_opened:
            self._hub.tell("ask.opened", {"id": asked.ask, "run": append.run, "title": asked.title})
            self._postman.ring()
        return released


@dataclass(frozen=True, slots=True)
class Server:
    """A running Tocsin."""

    settings: Settings
    store: Store
    packs: Packs
    connectors: Connectors
    intake: Intake
    plans: PlanShelf
    sources: SourceBook
    driver: Driver
    dispatcher: DbosDispatcher
    hub: Hub
    app: FastAPI
    admin: FirstAdmin | None  # only at the first start, with the token that is shown once
    url: str
    problems: tuple[str, ...]  # what the operator should mend; the rest runs


class Assembly:
    """Puts the parts together, in the order of their dependencies."""

    def __init__(self, settings: Settings, store: Store, *, url: str, environ: Mapping[str, str]) -> None:
        self.settings, self.store, self.environ = settings, store, environ
        self.url = settings.public_url or url
        self.units = store.units
        self.crash = crash_from(environ)
        self.owner = system_ids("wrk")
        self.hub = Hub()
        self.loop = asyncio.get_running_loop()
        self.advancing: set[asyncio.Task[None]] = set()
        self.packs = load_packs([SHIPPED_PACKS, *map(Path, settings.packs)])
        self.catalogue = PackCatalogue(self.packs)
        self.connectors = self._connectors()
        self.code = CodeRunner()
        self.postman = Postman(self.units, clock=system_clock, send=self._send_mail, crash=self.crash)
        self.journal = TellingJournal(store, owner=self.owner, hub=self.hub, postman=self.postman, on_new_time=lambda: self.sweeper.ring())
        self.plans = PlanShelf(self.units, self.catalogue)
        self.driver = Driver(
            journal=self.journal,
            actions=WithCode(self.connectors, self.code),
            plans=self.plans,
            clock=system_clock,
            ids=system_ids,
            crash=self.crash,
        )
        self.dispatcher = DbosDispatcher(Path(settings.data))
        self.sweeper = Sweeper(self.journal, advance=self.dispatcher.enqueue, clock=system_clock)
        self.timekeeper = Timekeeper(self.units, plans=self.plans, clock=system_clock, ids=system_ids)
        self.problems = [str(one.message) for one in self.packs.diagnostics]
        self.sources = SourceBook(self._sources(), clock=system_clock)
        self.intake = Intake(
            units=self.units,
            mappers=self.sources,
            starters=self.plans,
            clock=system_clock,
            ids=system_ids,
            lease=self._lease,
            advance=self._advance_here,
            announce=self.hub.tell,
            crash=self.crash,
        )

    def _connectors(self) -> Connectors:
        warnings = WarningLists()

        def platform(call: ActionCall) -> StorePlatform:
            news = CaseNews(self.plans, ids=system_ids)
            return StorePlatform(
                self.units, clock=system_clock, ids=system_ids, warnings=warnings, news=news, workspace=call.workspace, run=call.run
            )

        connections = [
            ConnectionConfig(one.name, one.pack, one.config, {name: SecretRef(ref.env, ref.file) for name, ref in one.secrets.items()})
            for one in self.settings.connections
        ]
        return Connectors(
            self.packs,
            connections=connections,
            egress=Egress(allow=tuple(self.settings.egress_allow)),
            platform=platform,
            now=system_clock,
            environ=self.environ,
        )

    def _sources(self) -> list[Source]:
        found = []
        for one in self.settings.sources:
            try:
                found.append(self._source(one))
            except TocsinError as error:
                self.problems.append(f"Source '{one.name}': {error}")
        return found

    def _source(self, one: SourceSettings) -> Source:
        pack = self.packs.pack(one.pack)
        mapping = pack.mappings.get(one.mapping) if one.mapping else pack.mapping_for(one.source)
        if mapping is None:
            known = ", ".join(pack.mappings) or "none"
            raise Invalid(f"The pack '{one.pack}' has no mapping '{one.mapping or 'alert'}'.", hint=f"It has: {known}.")
        if one.source and one.source not in pack.sources:
            raise Invalid(f"The pack '{one.pack}' has no source '{one.source}'.", hint=f"It has: {', '.join(pack.sources) or 'none'}.")
        return Source(one.name, one.pack, mapping, one.source, one.connection or None, one.options)

    def _lease(self) -> Lease | None:
        return self.journal.lease() if len(self.advancing) < MOST_LOCAL_RUNS else None

    def _advance_here(self, claimed: Sequence[ClaimedRun]) -> None:
        for run in claimed:
            task = self.loop.create_task(self.driver.advance_claimed(run))
            self.advancing.add(task)
            task.add_done_callback(self.advancing.discard)

    def on_wake(self, runs: Sequence[RunId]) -> None:
        """Dispatch what a committed transaction has woken; called on the writer's thread."""
        self.loop.call_soon_threadsafe(self._dispatch, tuple(runs))

    def _dispatch(self, runs: Sequence[RunId]) -> None:
        task = self.loop.create_task(self.dispatcher.enqueue(runs))
        self.advancing.add(task)
        task.add_done_callback(self.advancing.discard)
        self.sweeper.ring()

    async def _send_mail(self, one: Delivery) -> None:
        mail = ask_mail(one, public_url=self.url)
        call = ActionCall(
            run=RunId(""),
            workspace=WorkspaceId(one.workspace),
            path="outbox",
            action="email.send",
            connection=None,
            arguments={"to": [one.recipient], "subject": mail["subject"], "text": mail["text"]},
            effect=Effect.WRITE,
            key=one.id,
            attempt=one.attempts,
            timeout_s=30.0,
        )
        await self.connectors.execute(call)

    def webhook_secret(self, source: str) -> str | None:
        """Return the secret that a source's webhook is checked with; None when it has none."""
        configured = next((one for one in self.settings.sources if one.name == source), None)
        if configured is None or configured.webhook is None:
            return None
        ref = configured.webhook.secret
        secret = read_secret(SecretRef(ref.env, ref.file), what=f"the webhook of source '{source}'", environ=self.environ)
        return secret.reveal()

    async def publish_files(self) -> None:
        """Publish the playbooks that the settings name; what is wrong with one is said and stops none of the others."""
        prover = Prover(self.catalogue, version=self.plans.by_digest, rehearse=rehearser(self.packs))
        files = await asyncio.to_thread(lambda: [manuscript(path) for path in playbook_files(self.settings.playbooks)])
        self.problems += await publish_files(self.units, OPERATOR, prover=prover, files=files, now=system_clock())
        await asyncio.to_thread(self.plans.refresh)

    def parts(self) -> Parts:
        """Return what the HTTP interface is made of."""
        return Parts(
            units=self.units,
            clock=system_clock,
            ids=system_ids,
            intake=self.intake.take,
            hub=self.hub,
            catalogue=self.catalogue,
            packs=self.packs,
            plans=self.plans,
            sources=self.sources,
            webhook_secret=self.webhook_secret,
            public_url=self.url.rstrip("/"),
            version=tocsin.__version__,
            crash=self.crash,
            actions=self.driver.actions,
            review=self.settings.playbook_review,
        )

    def server(self, admin: FirstAdmin | None) -> Server:
        """Return the whole."""
        return Server(
            self.settings,
            self.store,
            self.packs,
            self.connectors,
            self.intake,
            self.plans,
            self.sources,
            self.driver,
            self.dispatcher,
            self.hub,
            create_app(self.parts()),
            admin,
            self.url,
            (*self.problems, *self.connectors.problems()),
        )

    def background(self) -> Lasting:
        """Start what runs beside the requests."""
        lasting = Lasting()
        lasting.start("leases", self.driver.renew_forever)
        lasting.start("sweeper", self.sweeper.run_forever)
        lasting.start("postman", self.postman.run_forever)
        lasting.start("schedules", self.timekeeper.run_forever)
        for source in self.sources.followed:
            follow = partial(follow_forever, source, connectors=self.connectors, intake=self.intake, units=self.units)
            lasting.start(f"source {source.name}", partial(follow, actor=MACHINE, clock=system_clock))
        return lasting


def playbook_files(places: Sequence[str]) -> list[Path]:
    """Return the playbooks in files and folders, without their rehearsals; raises Invalid for a place that is not there."""
    found: list[Path] = []
    for place in map(Path, places):
        if place.is_dir():
            found.extend(sorted(one for one in place.rglob("*.yaml") if not one.name.endswith(".rehearsal.yaml")))
        elif place.is_file():
            found.append(place)
        else:
            raise Invalid(f"There is no playbook file or folder '{place}'.", hint="Correct 'playbooks' in tocsin.yaml.")
    return found


def manuscript(path: Path) -> Manuscript:
    """Read a playbook and its rehearsals, which stand beside it; raises Invalid."""
    beside = path.with_name(f"{path.stem}.rehearsal{path.suffix}")
    try:
        # What is no UTF-8 is reported by the checks, at its place.
        rehearsal = beside.read_bytes().decode("utf-8", "surrogateescape") if beside.is_file() else ""
        return Manuscript(path.stem, path.read_bytes().decode("utf-8", "surrogateescape"), rehearsal, str(path))
    except OSError as error:
        raise Invalid(f"The playbook '{path}' cannot be read: {error.strerror}.", hint="Correct 'playbooks' in tocsin.yaml.") from None


@contextlib.asynccontextmanager
async def open_server(settings: Settings, *, url: str, environ: Mapping[str, str] = os.environ) -> AsyncIterator[Server]:
    """Open everything over the data folder, run the background work, and close in the right order."""
    store = await asyncio.to_thread(open_store, Path(settings.data))
    try:
        assembly = Assembly(settings, store, url=url, environ=environ)
        now = system_clock()
        admin = await store.units.write(lambda tx: first_admin(tx, email=settings.admin_email, now=now, ids=system_ids))
        await assembly.publish_files()
        await assembly.journal.reclaim()
        await store.units.write(lambda tx: tx.outbox.reclaim(at=now))
        store.units.on_wake(assembly.on_wake)
        lasting = assembly.background()
        starting = asyncio.create_task(assembly.dispatcher.start(assembly.driver.advance))
        try:
            yield assembly.server(admin)
        finally:
            await _stop(assembly, lasting, starting)
    finally:
        await asyncio.to_thread(store.close)


async def _stop(assembly: Assembly, lasting: Lasting, starting: asyncio.Task[None]) -> None:
    """Let the runs in hand come to rest for a moment; what does not is found again at the next start."""
    await asyncio.wait({starting})  # half a dispatcher cannot be stopped
    assembly.store.units.on_wake(None)
    await lasting.stop()
    if assembly.advancing:
        await asyncio.wait(assembly.advancing, timeout=DRAIN_S)
    for task in assembly.advancing:
        task.cancel()
    await asyncio.gather(*assembly.advancing, return_exceptions=True)
    await assembly.dispatcher.stop()
    await assembly.code.aclose()
    await assembly.connectors.aclose()
