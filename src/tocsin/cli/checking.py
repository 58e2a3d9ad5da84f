"""Check playbooks and rehearsals as a whole: every file is read and parsed once, and what is between files is checked too."""

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from tocsin.playbook.codes import Code
from tocsin.playbook.present import Reviewed

if TYPE_CHECKING:
    from tocsin.cli.playbook_files import Source
    from tocsin.core.diagnostics import Diagnostic
    from tocsin.playbook.catalogue import Catalogue
    from tocsin.playbook.model import Playbook
    from tocsin.playbook.plan import Plan
    from tocsin.rehearsal.codes import RehearsalFindings


@dataclass(slots=True)
class _Read:
    """What is known of one file so far."""

    source: "Source"
    playbook: "Playbook | None" = None
    plan: "Plan | None" = None
    found: "list[Diagnostic]" = field(default_factory=list)

    @property
    def file(self) -> str:
        return str(self.source.file)


def review(sources: "Sequence[Source]", *, catalogue: "Catalogue", whole: bool, strict: bool = False) -> list[Reviewed]:
    """Check files together. `whole`: they are all that there is, so that a call of another playbook is a mistake."""
    from tocsin.playbook.folder import check_folder, unreadable

    reads = [_Read(source) for source in sources]
    for one in reads:
        if one.source.problem:
            one.found.append(unreadable(one.file, one.source.problem))
    playbooks = [one for one in reads if not one.source.problem and not one.source.is_rehearsal]
    _check_each(playbooks, catalogue, whole)
    rehearsals = [one for one in reads if not one.source.problem and one.source.is_rehearsal]
    _check_rehearsals(rehearsals, playbooks, catalogue)
    if whole:
        rehearsed = {str(file) for one in rehearsals for file in rehearsed_by(one.source.file)}
        between = check_folder([one.playbook for one in playbooks if one.playbook is not None], rehearsed=rehearsed if strict else None)
        by_file = {one.file: one for one in playbooks}
        for found in between:
            by_file[found.span.file].found.append(found)
    return [Reviewed(one.file, one.source.text, tuple(sorted(one.found))) for one in reads]


def rehearsed_by(rehearsal: Path) -> list[Path]:
    """Return where the playbook of a rehearsal can stand."""
    from tocsin.cli.playbook_files import ENDINGS, REHEARSAL

    return [rehearsal.with_name(rehearsal.stem.removesuffix(REHEARSAL) + ending) for ending in ENDINGS]


def known_codes() -> Mapping[str, Code]:
    """Return every code that a check can report."""
    from tocsin.playbook import codes
    from tocsin.playbook.codes import folder
    from tocsin.rehearsal import codes as rehearsal

    return {code.id: code for code in (*codes.ALL, *folder.ALL, *rehearsal.ALL)}


def _check_each(reads: Sequence[_Read], catalogue: "Catalogue", whole: bool) -> None:
    from tocsin.playbook.compile import check_written, read
    from tocsin.playbook.folder import FolderDirectory

    written = [read(one.source.text, file=one.file) for one in reads]
    known = FolderDirectory((one.playbook for one in written if one.playbook is not None), catalogue) if whole else None
    for one, text in zip(reads, written, strict=True):
        checked = check_written(text, catalogue=catalogue, playbooks=known)
        one.playbook, one.plan = text.playbook, checked.plan
        one.found.extend(checked.diagnostics)


def _check_rehearsals(rehearsals: Sequence[_Read], playbooks: Sequence[_Read], catalogue: "Catalogue") -> None:
    if not rehearsals:
        return
    from tocsin.playbook.findings import Enough
    from tocsin.rehearsal.codes import RehearsalFindings

    plans = {one.source.file: one.plan for one in playbooks}
    for one in rehearsals:
        findings = RehearsalFindings()
        with contextlib.suppress(Enough):
            _check_rehearsal(one, plans, catalogue, findings)
        one.found.extend(findings.sorted())


def _check_rehearsal(one: _Read, plans: "Mapping[Path, Plan | None]", catalogue: "Catalogue", findings: "RehearsalFindings") -> None:
    from tocsin.rehearsal.bundle import Reader
    from tocsin.rehearsal.read import read_rehearsal
    from tocsin.rehearsal.rehearse import called_by
    from tocsin.rehearsal.verify import Script, verify

    file = one.source.file
    rehearsal = read_rehearsal(one.source.text, file=one.file, findings=findings)
    if rehearsal is None:
        return
    beside = next((place for ending in (".yaml", ".yml") if (place := file.with_name(rehearsal.playbook + ending)) in plans), None)
    if beside is None:  # its playbook is not checked with it, or is not there: it reads what stands beside it
        findings.extend(Reader(catalogue).read(file).diagnostics)
        return
    plan = plans[beside]
    if plan is not None:  # else the playbook's own findings say enough
        near = {other.id: other for path, other in plans.items() if other is not None and path.parent == file.parent}
        called = {id: other for id, other in called_by(plan, near).items() if id != plan.id}
        verify(rehearsal, Script(plan, called, catalogue.spec), findings)
