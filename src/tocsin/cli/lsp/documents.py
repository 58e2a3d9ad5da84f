"""What is wrong with an open document: a playbook, a rehearsal, or a file that is none of ours."""

import contextlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tocsin.cli.lsp.folder import Folder
from tocsin.cli.playbook_files import REHEARSAL
from tocsin.core.diagnostics import Diagnostic
from tocsin.core.errors import TocsinError
from tocsin.playbook.assist.rooms import Room, words_of
from tocsin.playbook.catalogue import Catalogue
from tocsin.playbook.compile import check_written, read
from tocsin.playbook.findings import Enough

if TYPE_CHECKING:
    from tocsin.playbook.plan import Plan
    from tocsin.rehearsal.bundle import Reader

_SCHEMA: Final = re.compile(r"^schema:[ \t]*['\"]?tocsin/", re.MULTILINE)
_TOP_KEY: Final = re.compile(r"^([A-Za-z_][\w-]*):", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Document:
    """One open file as it is in the editor."""

    path: Path
    text: str

    @property
    def is_rehearsal(self) -> bool:
        """Say whether it is a rehearsal, by its name."""
        return self.path.stem.endswith(REHEARSAL)

    @property
    def is_ours(self) -> bool:
        """Say whether it is, or may become, a playbook: editors send every YAML file there is."""
        if self.is_rehearsal or _SCHEMA.search(self.text):
            return True
        return set(_TOP_KEY.findall(self.text)) <= words_of(Room.PLAYBOOK).keys()


def diagnose(document: Document, catalogue: Catalogue, folder: Folder) -> tuple[Diagnostic, ...]:
    """Check a document; of a file that is none of ours nothing is said."""
    if not document.is_ours or (not document.text.strip() and not document.is_rehearsal):
        return ()
    if document.is_rehearsal:
        return _rehearsal(document, catalogue)
    written = read(document.text, file=str(document.path))
    folder.opened(document.path, written.playbook)
    return check_written(written, catalogue=catalogue, playbooks=folder.directory()).diagnostics


def _rehearsal(document: Document, catalogue: Catalogue) -> tuple[Diagnostic, ...]:
    from tocsin.rehearsal.bundle import Reader
    from tocsin.rehearsal.codes import RehearsalFindings
    from tocsin.rehearsal.read import read_rehearsal
    from tocsin.rehearsal.verify import Script, verify

    findings = RehearsalFindings()
    with contextlib.suppress(Enough):
        rehearsal = read_rehearsal(document.text, file=str(document.path), findings=findings)
        plans = {} if rehearsal is None else _plans(Reader(catalogue), document.path, rehearsal.playbook)
        if rehearsal is not None and rehearsal.playbook in plans:
            plan = plans.pop(rehearsal.playbook)
            verify(rehearsal, Script(plan, plans, catalogue.spec), findings)
    return findings.sorted()


def _plans(reader: "Reader", rehearsal: Path, id: str) -> "dict[str, Plan]":
    """Return the plans of a playbook that stands beside a rehearsal, and of those that it calls."""
    from tocsin.playbook.plan import CallStep
    from tocsin.rehearsal.places import places_of

    plans: dict[str, Plan] = {}
    waiting = [id]
    while waiting:
        file = rehearsal.with_name(f"{waiting.pop()}.yaml")
        if file.stem in plans or not file.is_file():
            continue
        with contextlib.suppress(TocsinError):
            plan = reader.plan(file)[1]
            if plan is not None:
                plans[file.stem] = plan
                waiting += [place.step.playbook for place in places_of(plan).values() if isinstance(place.step, CallStep)]
    return plans
