"""Play rehearsal files: every case of each, and the branches that they take."""

from collections.abc import Callable
from pathlib import Path

from tocsin.core.effects import ActionSpec
from tocsin.rehearsal.bundle import Reader, find
from tocsin.rehearsal.canned import HttpMapping
from tocsin.rehearsal.coverage import coverage_of
from tocsin.rehearsal.rehearse import rehearse
from tocsin.rehearsal.report import FileReport, Report


def play_all(
    places: list[Path], reader: Reader, spec: Callable[[str], ActionSpec], *, only: str | None = None, http: HttpMapping | None = None
) -> Report:
    """Play every case at the places, or those with `only` in their name; raises NotFound or Invalid for a place that is not there."""
    found = find(places)
    files = [play_file(file, reader, spec, only=only, http=http) for file in found.rehearsals]
    return Report(tuple(files), tuple(str(file) for file in found.unrehearsed))


def play_file(
    file: Path, reader: Reader, spec: Callable[[str], ActionSpec], *, only: str | None = None, http: HttpMapping | None = None
) -> FileReport:
    """Play the cases of one file."""
    bundle = reader.read(file)
    if bundle.has_errors or bundle.rehearsal is None or bundle.plan is None:
        return FileReport(bundle, (), None)
    cases = [one for one in bundle.rehearsal.cases if only is None or only.lower() in one.name.lower()]
    results = [rehearse(one, bundle.rehearsal, bundle.plan, plans=bundle.plans, spec=spec, http=http) for one in cases]
    coverage = coverage_of(bundle.plan, [one.played for one in results if one.played is not None])
    return FileReport(bundle, tuple(results), coverage)
