from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

import pytest

from tocsin.core.alerts import Finding
from tocsin.core.ids import DEFAULT_WORKSPACE, AlertId, RunId, make_id
from tocsin.core.observables import ObservableType, observe
from tocsin.core.severity import Severity
from tocsin.core.values import iso
from tocsin.engine.events import RunStarted
from tocsin.store.opening import Store, open_store
from tocsin.store.repos.alerts import Incoming
from tocsin.store.repos.runs import NewRun

START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


class Clock:
    """A clock that stands still until told."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now

    def pass_(self, **amount: float) -> datetime:
        self.now += timedelta(**amount)
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(tmp_path / "data") as opened:
        yield opened


@pytest.fixture
def fresh_id() -> Callable[[str], str]:
    numbers = count(1)

    def fresh(prefix: str) -> str:
        number = next(numbers)
        return make_id(prefix, START + timedelta(milliseconds=number), number.to_bytes(10, "big"))

    return fresh


@pytest.fixture
def incoming(fresh_id: Callable[[str], str]) -> Callable[..., Incoming]:
    def make(
        fingerprint: str, *, at: datetime = START, raw: object = None, title: str = "Beacon", severity: Severity = Severity.HIGH
    ) -> Incoming:
        finding = Finding(title, severity, at, observables=(observe(ObservableType.IP, "198.51.100.7"),), raw=raw)
        return Incoming(AlertId(fresh_id("alr")), DEFAULT_WORKSPACE, "suricata", fingerprint, finding, at)

    return make


@pytest.fixture
def new_run(fresh_id: Callable[[str], str]) -> Callable[..., NewRun]:
    def make(**changes: object) -> NewRun:
        started = RunStarted(at=iso(START), playbook="contain", digest="d" * 64, trigger={"kind": "manual", "by": "usr_1"}, **changes)
        return NewRun(RunId(fresh_id("run")), DEFAULT_WORKSPACE, started)

    return make
