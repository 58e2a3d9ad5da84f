"""What a server costs that has nothing to do."""

import tempfile
import time
from pathlib import Path

from tocsin.cli.bench.spawn import spawned
from tocsin.core.values import JsonObject

SETTLE_S = 2.0


def idle() -> JsonObject:
    """Start `tocsin up` on a fresh folder twice and measure the second: installers compile the modules, a checkout does so on first use."""
    figures: JsonObject = {}
    with tempfile.TemporaryDirectory(prefix="tocsin-bench-") as root:
        for name in ("first", "second"):
            folder = Path(root) / name
            folder.mkdir()
            with spawned(folder, {}) as server:
                time.sleep(SETTLE_S)
                figures = {"rss_mb": round(server.rss_mb(), 1), "ready_s": round(server.ready_s, 2)}
    return figures
