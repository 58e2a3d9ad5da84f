"""Tocsin's own objects in memory, and a way to run packs over them, for tests of packs."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from tocsin.connectors.connections import ConnectionConfig, SecretRef
from tocsin.connectors.loader import BUILTIN, Packs, load_pack
from tocsin.connectors.runtime import Connectors
from tocsin.connectors.sdk import Invalid, Json, JsonObject, NotFound, Observable, ObservableType, iso, observe
from tocsin.connectors.ssrf import Egress
from tocsin.core.ids import RunId, WorkspaceId
from tocsin.engine.ports import ActionCall


@dataclass(slots=True)
class MemoryPlatform:
    """A platform that keeps everything in dictionaries; a key that was seen changes nothing and gets the first result again."""

    now: Callable[[], datetime] = lambda: datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    cases: dict[str, JsonObject] = field(default_factory=dict)
    notes: dict[str, list[str]] = field(default_factory=dict)
    links: set[tuple[str, str]] = field(default_factory=set)
    alerts: dict[str, JsonObject] = field(default_factory=dict)
    verdicts: dict[Observable, JsonObject] = field(default_factory=dict)
    lists: dict[tuple[str, Observable], JsonObject] = field(default_factory=dict)
    warnings: dict[Observable, list[str]] = field(default_factory=dict)
    results: dict[str, JsonObject] = field(default_factory=dict)  # by idempotency key

    def _once(self, key: str, change: Callable[[], JsonObject]) -> JsonObject:
        if key not in self.results:
            self.results[key] = change()
        return self.results[key]

    def _case(self, case: str) -> JsonObject:
        if case not in self.cases:
            raise NotFound(f"There is no case '{case}'.")
        return self.cases[case]

    def _alert(self, alert: str) -> JsonObject:
        if alert not in self.alerts:
            raise NotFound(f"There is no alert '{alert}'.")
        return self.alerts[alert]

    async def open_case(self, fields: JsonObject, *, key: str) -> JsonObject:
        """Open a case."""

        def change() -> JsonObject:
            id = f"case-{len(self.cases) + 1}"
            self.cases[id] = {"tlp": "amber", "owner": "", "tags": [], **fields, "id": id, "status": "open"}
            return dict(self.cases[id])

        return self._once(key, change)

    async def note_case(self, case: str, text: str, *, key: str) -> JsonObject:
        """Add a note."""

        def change() -> JsonObject:
            self._case(case)
            self.notes.setdefault(case, []).append(text)
            return {"case": case}

        return self._once(key, change)

    async def close_case(self, case: str, verdict: str, reason: str, *, key: str) -> JsonObject:
        """Close a case."""

        def change() -> JsonObject:
            self._case(case).update(status="closed", verdict=verdict, reason=reason)
            return dict(self.cases[case])

        return self._once(key, change)

    async def link_alert(self, case: str, alert: str, *, key: str) -> JsonObject:
        """Put an alert into a case."""

        def change() -> JsonObject:
            self._case(case)
            self._alert(alert)
            self.links.add((case, alert))
            return {"case": case, "alert": alert}

        return self._once(key, change)

    async def close_alert(self, alert: str, verdict: str, reason: str, *, key: str) -> JsonObject:
        """Resolve an alert."""

        def change() -> JsonObject:
            self._alert(alert).update(status="resolved", verdict=verdict, reason=reason)
            return {"id": alert, **self.alerts[alert]}

        return self._once(key, change)

    async def set_verdict(self, observable: Observable, verdict: str, reason: str, source: str, *, key: str) -> JsonObject:
        """Record a verdict."""

        def change() -> JsonObject:
            self.verdicts[observable] = {"verdict": verdict, "reason": reason, "source": source}
            return {**observable.as_json(), **self.verdicts[observable]}

        return self._once(key, change)

    async def look_up(self, observable: Observable) -> JsonObject:
        """Return what is known of an observable."""
        known = self.verdicts.get(observable, {"verdict": "unknown", "reason": "", "source": ""})
        nothing: JsonObject = {"first_seen": None, "last_seen": None, "sightings": 0, "alerts": [], "cases": []}
        return {"known": observable in self.verdicts, **known, **nothing}

    async def list_add(self, name: str, observable: Observable, expires_at: datetime | None, reason: str, *, key: str) -> JsonObject:
        """Put a value on a list."""

        def change() -> JsonObject:
            entry: JsonObject = {
                "list": name,
                **observable.as_json(),
                "expires_at": iso(expires_at) if expires_at else None,
                "reason": reason,
            }
            self.lists[name, observable] = entry
            return entry

        return self._once(key, change)

    async def list_remove(self, name: str, observable: Observable, *, key: str) -> JsonObject:
        """Take a value off a list."""
        return self._once(key, lambda: {"removed": self.lists.pop((name, observable), None) is not None})

    async def list_find(self, name: str, observable: Observable) -> JsonObject:
        """Find a value on a list."""
        entry = self.lists.get((name, observable))
        return {"listed": entry is not None, "expires_at": (entry or {}).get("expires_at"), "reason": (entry or {}).get("reason", "")}

    async def extract(self, text: str) -> list[JsonObject]:
        """Return the addresses among the words of a text; the real one knows every type."""
        found = []
        for word in text.split():
            try:
                found.append(observe(ObservableType.IP, word).as_json())
            except Invalid:
                continue
        return found

    async def warning_lists(self, observable: Observable) -> list[str]:
        """Return the warning lists a test put the observable on."""
        return self.warnings.get(observable, [])


def _only(name: str) -> Packs:
    pack, diagnostics = load_pack(BUILTIN / name)
    if pack is None:
        raise AssertionError(f"The pack '{name}' does not load: {diagnostics}")
    return Packs({name: pack})


@dataclass(slots=True)
class PackRun:
    """Runs actions of the shipped packs through the real runtime, over one connection and a platform in memory."""

    pack: str
    config: JsonObject = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict)
    platform: MemoryPlatform = field(default_factory=MemoryPlatform)
    alert: str | None = None
    case: str | None = None
    allow: tuple[str, ...] = ("127.0.0.0/8",)

    async def __call__(self, action: str, *, key: str = "key-1", timeout_s: float = 10.0, **arguments: Json) -> JsonObject:
        """Run one action and return its output; raises what the runtime raises."""
        config = ConnectionConfig(self.pack, self.pack, self.config, {name: SecretRef(env=name) for name in self.secrets})
        connectors = Connectors(
            _only(self.pack), connections=[config], egress=Egress(self.allow), platform=lambda call: self.platform,
            now=self.platform.now, environ=self.secrets,
        )  # fmt: skip
        name = f"{self.pack}.{action}"
        context: JsonObject = {"alert": self.alert, "case": self.case}
        call = ActionCall(
            run=RunId("run-1"), workspace=WorkspaceId("main"), path="step", action=name, connection=None, arguments=arguments,
            effect=connectors.spec(name).effect, key=key, attempt=1, timeout_s=timeout_s, context=context,
        )  # fmt: skip
        try:
            output = await connectors.execute(call)
        finally:
            await connectors.aclose()
        if connectors.drift.records() or not isinstance(output, dict):
            raise AssertionError(f"{name} gave an output that its pack does not promise: {output}")
        return output
