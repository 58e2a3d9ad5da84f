"""What `tocsin rehearse` prints: golden, with the times taken out. Set UPDATE_GOLDEN=1 to write it anew."""

import io
import os
import re
from pathlib import Path

from rich.console import Console

from tocsin.cli.rehearse_text import print_report
from tocsin.core.effects import ActionSpec, Effect, OnUnknown
from tocsin.playbook.catalogue import FixedCatalogue
from tocsin.rehearsal.bundle import Reader
from tocsin.rehearsal.playing import play_all

HERE = Path(__file__).parent
OPEN = {"type": "object"}
SPECS = {
    one.name: one
    for one in (
        ActionSpec("intel.look_up", "Look up", Effect.READ, None, OPEN, OPEN),
        ActionSpec("edr.isolate", "Isolate", Effect.DESTRUCTIVE, OnUnknown.ASK, OPEN, OPEN),
        ActionSpec("case.note", "Note", Effect.WRITE, OnUnknown.KEY, OPEN, OPEN),
        ActionSpec("mail.send", "Send", Effect.WRITE, OnUnknown.REPEAT, OPEN, OPEN),
    )
}


def test_report_reads_as_it_should(monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.chdir(HERE)
    report = play_all([Path("many")], Reader(FixedCatalogue(SPECS.values())), SPECS.__getitem__)
    into = io.StringIO()
    print_report(report, Console(file=into, width=200, markup=False, highlight=False, emoji=False, soft_wrap=True))
    text = re.sub(r" *\d+\.\d ms", " T ms", "\n".join(line.rstrip() for line in into.getvalue().split("\n")))
    golden = HERE / "many.expected.txt"
    if os.environ.get("UPDATE_GOLDEN"):
        golden.write_text(text, "utf-8")
    assert text == golden.read_text("utf-8")
