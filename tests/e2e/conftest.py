"""A server's folder with packs and playbooks of a test's own, in front of a target."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from tocsin.settings import ConnectionSettings, Settings, SourceSettings
from tocsin.testing.target import Target


def _lay_out(folder: Path, target: Target, texts: Mapping[str, str]) -> Settings:
    for place, text in texts.items():
        (folder / place).parent.mkdir(parents=True, exist_ok=True)
        (folder / place).write_text(text)
    return Settings(
        data=str(folder / "data"),
        port=0,
        packs=[str(folder / "packs")],
        playbooks=[str(folder / "playbooks")],
        egress_allow=[f"127.0.0.1/32:{target.url.rpartition(':')[2]}"],
        connections=[ConnectionSettings("edr", "edr", {"url": target.url})],
        sources=[SourceSettings("sensor", "edr")],
    )


@pytest.fixture
def lay_out() -> Callable[[Path, Target, Mapping[str, str]], Settings]:
    """Write files by their path, and return settings whose source and connection are of the pack `edr`, which reaches the target."""
    return _lay_out
