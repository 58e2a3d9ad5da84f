"""How long a folder of playbooks takes to check, and one that is being written."""

import tempfile
import time
from pathlib import Path

from tocsin.core.values import JsonObject

PLAYBOOKS, ROUNDS = 200, 3


def checking() -> JsonObject:
    """Measure 200 playbooks that differ and call each other, and one of them; processor time, the best of some rounds."""
    from tocsin.cli.checking import review
    from tocsin.cli.playbook_files import read_places
    from tocsin.connectors.catalogue import PackCatalogue
    from tocsin.connectors.loader import BUILTIN, load_packs
    from tocsin.playbook.compile import check

    catalogue = PackCatalogue(load_packs([BUILTIN]))
    with tempfile.TemporaryDirectory(prefix="tocsin-bench-") as folder:
        write_playbooks(Path(folder), PLAYBOOKS)
        whole, one = float("inf"), float("inf")
        text = (Path(folder) / "made-0.yaml").read_text("utf-8")
        for edit in range(ROUNDS):
            started = time.process_time()
            review(read_places([Path(folder)]), catalogue=catalogue, whole=True)
            whole = min(whole, time.process_time() - started)
            started = time.process_time()
            check(text.replace("title: Made", f"title: Made {edit}"), file="made-0.yaml", catalogue=catalogue)
            one = min(one, time.process_time() - started)
    return {"folder_of_200_s": round(whole, 3), "one_ms": round(one * 1000, 2)}


def write_playbooks(folder: Path, count: int) -> None:
    """Write playbooks of some 40 lines that differ and call each other."""
    for number in range(count):
        called = f"  - call: made-{number + 1}\n    with: {{host: '${{{{ steps.seen.value }}}}'}}\n" if number + 1 < count else ""
        checks = "".join(
            f"  - if: ${{{{ steps.seen.sightings > {number + place} and inputs.host != 'host-{place}' }}}}\n    then:\n"
            f'      - action: case.note\n        with:\n          text: "{number}.{place}: ${{{{ steps.seen.verdict | upper }}}}"\n'
            for place in range(6)
        )
        (folder / f"made-{number}.yaml").write_text(
            f"schema: tocsin/playbook@1\nid: made-{number}\ntitle: Made {number}\ninputs:\n  host: {{type: string}}\nsteps:\n"
            f"  - id: seen\n    action: observable.look_up\n    with: {{type: host, value: '${{{{ inputs.host }}}}'}}\n{checks}{called}"
        )
