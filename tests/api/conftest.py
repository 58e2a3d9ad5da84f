"""A real store, the real intake and app, and people with keys; only the mapping of a source's pack is made up."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from tocsin.api.app import create_app
from tocsin.api.parts import Parts
from tocsin.connectors.catalogue import PackCatalogue
from tocsin.connectors.loader import Packs
from tocsin.connectors.manifest import Pack, Signature
from tocsin.core.access import Role
from tocsin.core.alerts import Finding
from tocsin.core.errors import CredentialMissing, NotFound
from tocsin.core.ids import DEFAULT_WORKSPACE, RunId
from tocsin.core.observables import ObservableType, observe
from tocsin.core.playbooks import Review
from tocsin.core.severity import Severity
from tocsin.core.values import Json, JsonObject, iso
from tocsin.engine.events import AskOpened, RunStarted
from tocsin.services import people
from tocsin.services.hub import Hub
from tocsin.services.intake import Intake
from tocsin.services.plans import PlanShelf
from tocsin.store.opening import Store, open_store
from tocsin.store.repos.runs import NewRun
from tocsin.store.tx import Tx
from tocsin.testing.clock import CountingIds, FakeClock

PUBLIC_URL = "http://tocsin.test"
SECRET = "a vendor's secret"


@dataclass(frozen=True)
class PlainSource:
    name: str
    pack: str


class PlainSources:
    """Sources whose events are {title, severity?, ip?} already."""

    def __init__(self, clock: FakeClock) -> None:
        self._clock = clock
        self._sources = {
            name: PlainSource(name, pack) for name, pack in (("ids", "plain"), ("signed", "signed"), ("open", "plain"), ("unset", "plain"))
        }

    def names(self) -> list[str]:
        return sorted(self._sources)

    def get(self, name: str) -> PlainSource:
        if name not in self._sources:
            raise NotFound(f"There is no source '{name}'.", hint=f"Configured sources: {', '.join(self.names())}.")
        return self._sources[name]

    def finding(self, source: str, raw: Json) -> Finding | None:
        assert isinstance(raw, dict)
        if raw.get("boring"):
            return None
        seen = (observe(ObservableType.IP, str(raw["ip"])),) if "ip" in raw else ()
        severity = Severity(str(raw.get("severity", "medium")))
        return Finding(title=str(raw.get("title", "untitled")), severity=severity, time=self._clock(), observables=seen, raw=raw)


@dataclass
class World:
    app: FastAPI
    client: httpx.AsyncClient
    store: Store
    clock: FakeClock
    ids: CountingIds
    parts: Parts
    keys: dict[str, str]
    shelf: PlanShelf
    woken: list[RunId] = field(default_factory=list)

    def bearer(self, who: str = "admin") -> dict[str, str]:
        return {"authorization": f"Bearer {self.keys[who]}"}

    def browser(self) -> httpx.AsyncClient:
        """Return a client with cookies of its own that says where its forms come from, as browsers do."""
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=True)
        return httpx.AsyncClient(transport=transport, base_url=PUBLIC_URL, headers={"origin": PUBLIC_URL})

    async def start_run(self, playbook: str = "block-it", alert: JsonObject | None = None) -> RunId:
        run = RunId(self.ids("run"))
        started = RunStarted(
            at=iso(self.clock()), playbook=playbook, digest="0" * 64, trigger={"kind": "manual", "by": "amira"}, alert=alert
        )
        await self.store.units.write(lambda tx: tx.runs.insert([NewRun(run, DEFAULT_WORKSPACE, started)], lease=None))
        return run

    async def ask(
        self,
        *,
        to: list[str] | None = None,
        quorum: int = 1,
        form: JsonObject | None = None,
        title: str = "Block 192.0.2.7?",
        message: str = "It scans.",
        deadline: str | None = None,
    ) -> tuple[str, RunId]:
        run = await self.start_run()
        opened = AskOpened(
            at=iso(self.clock()),
            path="permission",
            ask=self.ids("ask"),
            about="step",
            title=title,
            message=message,
            to=to or ["role:responder"],
            via=["web"],
            options=["approve", "reject"],
            form=form or {},
            quorum=quorum,
            deadline=deadline,
            on_deadline="reject" if deadline else None,
            binding="b" * 64,
        )
        await self.store.units.write(lambda tx: tx.asks.open(run, [opened], workspace=DEFAULT_WORKSPACE))
        return opened.ask, run


def _secret(source: str) -> str | None:
    if source == "unset":
        raise CredentialMissing("The variable HOOK_SECRET is not set.")
    return None if source == "open" else SECRET


async def _people(store: Store, clock: FakeClock, ids: CountingIds) -> dict[str, str]:
    def unit(tx: Tx) -> dict[str, str]:
        admin = people.first_admin(tx, email="root@example.org", now=clock(), ids=ids)
        assert admin is not None
        keys = {"admin": admin.token}
        actor = people.authenticate(tx, token=admin.token, now=clock()).principal
        staff = {
            "amira": [Role.RESPONDER],
            "bo": [Role.RESPONDER],
            "cleo": [Role.RESPONDER],
            "viewer": [Role.VIEWER],
            "author": [Role.AUTHOR],
            "sensor": [Role.SENSOR],
            "firewall": [Role.FEED_READER],
        }
        for name, roles in staff.items():
            email = f"{name}@example.org" if name not in ("sensor", "firewall") else ""
            user = people.create_user(tx, actor, name=name, email=email, roles=roles, now=clock(), ids=ids)
            keys[name] = people.create_key(tx, actor, user=user.id, name="test", roles=[], life=None, now=clock(), ids=ids).token
        return keys

    return await store.units.write(unit)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    store = open_store(tmp_path / "data")
    clock, ids, hub = FakeClock(), CountingIds(), Hub()
    sources = PlainSources(clock)
    plain = Pack("plain", "Plain", "Plain", "1", tmp_path)
    signed = Pack("signed", "Signed", "Signed", "1", tmp_path, signature=Signature("X-Sig", prefix="v1=", timestamp_header="X-Time"))
    packs = Packs({"plain": plain, "signed": signed})
    catalogue = PackCatalogue(packs)
    shelf = PlanShelf(store.units, catalogue)
    intake = Intake(
        units=store.units,
        mappers=sources,
        starters=shelf,
        clock=clock,
        ids=ids,
        lease=lambda: None,
        advance=lambda _: None,
        announce=hub.tell,
    )
    keys = await _people(store, clock, ids)

    parts = Parts(
        units=store.units,
        clock=clock,
        ids=ids,
        intake=intake.take,
        hub=hub,
        catalogue=catalogue,
        packs=packs,
        plans=shelf,
        sources=sources,
        webhook_secret=_secret,
        public_url=PUBLIC_URL,
        version="0.0.1",
        review=Review.OFF,
    )
    app = create_app(parts)
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url=PUBLIC_URL) as client:
        made = World(app, client, store, clock, ids, parts, keys, shelf)
        store.units.on_wake(made.woken.extend)
        yield made
    store.close()
