"""Find and read the playbooks and rehearsals at places that a person names, whatever lies there."""

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tocsin.core.errors import Invalid, NotFound

ENDINGS: Final = (".yaml", ".yml")
REHEARSAL: Final = ".rehearsal"  # of a file's stem
MAX_READ: Final = 32 * 1024 * 1024  # a larger file is no text that somebody wrote


@dataclass(frozen=True, slots=True)
class Source:
    """One file, or a folder that cannot be looked into. `problem` says why there is no text; empty if there is."""

    file: Path
    text: bytes = b""
    problem: str = ""

    @property
    def is_rehearsal(self) -> bool:
        """Say whether the file is a rehearsal, by its name."""
        return self.file.stem.endswith(REHEARSAL)


def read_places(places: list[Path]) -> list[Source]:
    """Read every file at places, each once; raises NotFound for a place that is not there and Invalid for an empty folder."""
    found: dict[tuple[int, int] | Path, Source] = {}
    for place in places:
        inside = list(_inside(place)) if place.is_dir() else [_named(place)]
        if not inside:
            raise Invalid(f"There is no playbook in '{place}'.", hint="Playbooks are files that end in .yaml.")
        for source in inside:
            found.setdefault(_identity(source.file), source)
    return list(found.values())


def _named(place: Path) -> Source:
    if not os.path.lexists(place):
        raise NotFound(f"There is no file or folder '{place}'.", hint="Check the path.")
    return read_file(place)


def _inside(folder: Path) -> Iterator[Source]:
    """Yield the files below a folder in order. Links to folders are not followed: they may lead in a circle."""
    problems: list[OSError] = []
    for parent, folders, files in os.walk(folder, onerror=problems.append):
        folders[:] = sorted(one for one in folders if not one.startswith("."))
        for name in sorted(files):
            if name.endswith(ENDINGS) and not name.startswith("."):
                yield read_file(Path(parent, name))
        while problems:
            yield Source(Path(os.fsdecode(problems[-1].filename)), problem=_reason(problems.pop()))
    for problem in problems:
        yield Source(Path(os.fsdecode(problem.filename)), problem=_reason(problem))


def read_file(file: Path) -> Source:
    """Read one file; what is no regular file, or has a size that nobody writes, is a problem and is not opened."""
    try:
        status = file.stat()
        if not stat.S_ISREG(status.st_mode):  # to read a pipe would wait for ever
            return Source(file, problem="it is not a file")
        if status.st_size > MAX_READ:
            return Source(file, problem=f"it has {status.st_size:,} bytes")
        return Source(file, file.read_bytes())
    except OSError as error:
        return Source(file, problem=_reason(error))


def _reason(error: OSError) -> str:
    return (error.strerror or "the system does not say why").lower()


def _identity(file: Path) -> tuple[int, int] | Path:
    """Tell files apart that are there under several names."""
    try:
        status = file.stat()
    except OSError:
        return file
    return status.st_dev, status.st_ino
