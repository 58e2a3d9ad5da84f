"""A server in a process of its own, as an operator starts it."""

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from tocsin.core.errors import Unavailable
from tocsin.core.values import JsonObject

STOPS_WITHIN_S = 20.0


@dataclass(frozen=True, slots=True)
class Spawned:
    """A server that answers; `ready_s` is how long that took."""

    pid: int
    url: str
    token: str
    ready_s: float

    @property
    def port(self) -> int:
        """Return the port that it listens on."""
        return urlsplit(self.url).port or 0

    def cpu_s(self) -> float:
        """Return the CPU time that it has used."""
        fields = self._proc("stat").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def rss_mb(self) -> float:
        """Return the memory that it holds."""
        line = next(line for line in self._proc("status").splitlines() if line.startswith("VmRSS:"))
        return int(line.split()[1]) / 1024

    def _proc(self, name: str) -> str:
        file = Path(f"/proc/{self.pid}/{name}")
        if not file.is_file():
            raise Unavailable("What a process uses cannot be read here.", hint="It takes Linux's /proc.")
        return file.read_text()


@contextlib.contextmanager
def spawned(folder: Path, settings: JsonObject) -> Iterator[Spawned]:
    """Run `tocsin up` over a folder that is there and empty."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("TOCSIN_")}
    if environ.pop("PYTHONDONTWRITEBYTECODE", ""):
        # Installers compile the modules; a server that must do so at each start is not what anybody runs.
        environ["PYTHONPYCACHEPREFIX"] = str(folder.parent / "bytecode")
    config = folder / "bench.yaml"
    config.write_text(json.dumps({"data": str(folder / "data"), "port": 0, "log_level": "error", **settings}))
    command = [sys.executable, "-m", "tocsin.cli", "up", "--config", str(config), "--json"]
    started = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environ) as process:  # noqa: S603  our own command
        try:
            line = process.stdout.readline() if process.stdout is not None else b""
            ready_s = time.perf_counter() - started
            if not line:
                raise Unavailable("`tocsin up` did not start.", hint="Run it by hand and read what it says.")
            ready = json.loads(line)
            yield Spawned(process.pid, ready["url"], ready["token"], ready_s)
        finally:
            process.terminate()
            try:
                process.wait(STOPS_WITHIN_S)
            except subprocess.TimeoutExpired:
                process.kill()
