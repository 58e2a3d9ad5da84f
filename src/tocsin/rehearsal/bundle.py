"""Find and read rehearsals with the playbooks that they are for, and those that these call."""

import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tocsin.core.diagnostics import Diagnostic, Level
from tocsin.core.errors import Invalid, NotFound
from tocsin.playbook.catalogue import Catalogue
from tocsin.playbook.compile import check
from tocsin.playbook.findings import Enough
from tocsin.playbook.plan import CallStep, Plan
from tocsin.rehearsal import codes
from tocsin.rehearsal.codes import RehearsalFindings
from tocsin.rehearsal.model import Rehearsal
from tocsin.rehearsal.places import places_of
from tocsin.rehearsal.read import SUFFIX, read_rehearsal
from tocsin.rehearsal.rehearse import called_by
from tocsin.rehearsal.verify import Script, verify

_ENDINGS = (".yaml", ".yml")
MAX_READ: Final = 32 * 1024 * 1024  # more is too large for a playbook in any case, and is refused as that


@dataclass(frozen=True, slots=True)
class Bundle:
    """A rehearsal file, what it is for, and what is wrong with it. `rehearsal` and `plan` are None when there is an error."""

    file: Path
    text: bytes
    rehearsal: Rehearsal | None
    plan: Plan | None
    playbook_file: Path | None
    source: bytes  # of the playbook
    plans: dict[str, Plan]  # the playbook, and those that it calls
    diagnostics: tuple[Diagnostic, ...]

    @property
    def has_errors(self) -> bool:
        """Tell whether the rehearsal cannot be played."""
        return any(found.level is Level.ERROR for found in self.diagnostics)


@dataclass(frozen=True, slots=True)
class Found:
    """What stands at the places that were named."""

    rehearsals: tuple[Path, ...]
    unrehearsed: tuple[Path, ...]  # playbooks without one


def find(places: list[Path]) -> Found:
    """Find rehearsals: in folders, beside playbooks, or named themselves; raises NotFound or Invalid."""
    rehearsals: dict[Path, None] = {}
    alone: dict[Path, None] = {}
    for place in places:
        if place.is_dir():
            files = sorted(one for one in place.rglob("*") if one.suffix in _ENDINGS and one.is_file())
            if not files:
                raise Invalid(f"There is no playbook in '{place}'.", hint="Playbooks are files that end in .yaml.")
        elif place.exists():
            files = [place]
        else:
            raise NotFound(f"There is no file or folder '{place}'.", hint="Check the path.")
        for file in files:
            beside = file if file.stem.endswith(SUFFIX) else rehearsal_file(file)
            (rehearsals if beside.exists() else alone)[beside if beside.exists() else file] = None
    return Found(tuple(rehearsals), tuple(alone))


def rehearsal_file(playbook: Path) -> Path:
    """Return where the rehearsal of a playbook stands."""
    return playbook.with_name(f"{playbook.stem}{SUFFIX}{playbook.suffix}")


class Reader:
    """Reads rehearsals; a playbook that several need is compiled once."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._plans: dict[Path, tuple[bytes, Plan | None, tuple[Diagnostic, ...]]] = {}

    def read(self, file: Path) -> Bundle:
        """Read one rehearsal with its playbook."""
        text, findings = read_bytes(file), RehearsalFindings()
        rehearsal: Rehearsal | None = None
        try:
            rehearsal = read_rehearsal(text, file=str(file), findings=findings)
            plan, source, playbook = self._playbook(file, rehearsal, findings)
            plans: dict[str, Plan] = {}
            if rehearsal is not None and plan is not None:
                plans = {plan.id: plan, **called_by(plan, self.beside(file, plan))}
                verify(rehearsal, Script(plan, {k: v for k, v in plans.items() if k != plan.id}, self._catalogue.spec), findings)
        except Enough:
            return Bundle(file, text, None, None, None, b"", {}, findings.sorted())
        return Bundle(file, text, rehearsal, plan, playbook, source, plans, findings.sorted())

    def plan(self, file: Path) -> tuple[bytes, Plan | None, tuple[Diagnostic, ...]]:
        """Compile a playbook; its text, its plan if it has no errors, and what is wrong with it."""
        if file not in self._plans:
            text = read_bytes(file)
            checked = check(text, file=str(file), catalogue=self._catalogue)
            self._plans[file] = text, checked.plan, checked.diagnostics
        return self._plans[file]

    def _playbook(self, file: Path, rehearsal: Rehearsal | None, findings: RehearsalFindings) -> tuple[Plan | None, bytes, Path | None]:
        if rehearsal is None:
            return None, b"", None
        place = next((one for ending in _ENDINGS if (one := file.with_name(rehearsal.playbook + ending)).exists()), None)
        if place is None:
            message = f"There is no playbook '{rehearsal.playbook}' beside the rehearsal."
            findings.add(codes.NO_PLAYBOOK, rehearsal.playbook_span, message, "Name it with playbook:, or move the file beside it.")
            return None, b"", None
        source, plan, diagnostics = self.plan(place)
        if plan is None:
            errors = [found for found in diagnostics if found.level is Level.ERROR]
            message = f"The playbook '{rehearsal.playbook}' has {len(errors)} errors: {errors[0].code} {errors[0].message}"
            findings.add(codes.NO_PLAYBOOK, rehearsal.playbook_span, message, f"See `tocsin check {place}`.")
        return plan, source, place

    def beside(self, file: Path, plan: Plan) -> dict[str, Plan]:
        """Return the playbooks in the folder of a file, if the plan calls any."""
        if not any(True for _ in _calls(plan)):
            return {}
        found: dict[str, Plan] = {}
        for one in sorted(file.parent.iterdir()):
            if one.suffix in _ENDINGS and not one.stem.endswith(SUFFIX):
                beside = self.plan(one)[1]
                if beside is not None:
                    found[beside.id] = beside
        return found


def _calls(plan: Plan) -> list[str]:
    return [place.step.playbook for place in places_of(plan).values() if isinstance(place.step, CallStep)]


def read_bytes(file: Path) -> bytes:
    """Read a file; raises Invalid."""
    try:
        if not stat.S_ISREG(file.stat().st_mode):  # to read a pipe would wait for ever
            raise Invalid(f"'{file}' cannot be read: it is not a file.", hint="Name a playbook or a rehearsal.")
        with file.open("rb") as opened:
            return opened.read(MAX_READ)
    except OSError as error:
        raise Invalid(f"'{file}' cannot be read: {error.strerror}.") from None


def playbooks_at(places: list[Path]) -> list[Path]:
    """Return the playbooks in files and folders; raises NotFound or Invalid."""
    found: list[Path] = []
    for place in places:
        if not place.exists():
            raise NotFound(f"There is no file or folder '{place}'.", hint="Check the path.")
        files = sorted(place.rglob("*")) if place.is_dir() else [place]
        found += [one for one in files if one.suffix in _ENDINGS and not one.stem.endswith(SUFFIX)]
    if not found:
        raise Invalid("There is no playbook at these places.", hint="Playbooks are files that end in .yaml.")
    return found
