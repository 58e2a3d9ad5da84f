"""Playbooks where they lie: which files of a folder or repository are some, and what is refused before it is read."""

import os
import stat
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path, PurePosixPath
from typing import Final

from tocsin.core.errors import Invalid, NotFound, TooLarge
from tocsin.core.playbooks import Manuscript

LARGEST: Final = 256 * 1024  # bytes of a playbook or of its rehearsals
MOST_FILES: Final = 2_000
MOST_BYTES: Final = 32 * 1024 * 1024  # of all of them together
ENDINGS: Final = (".yaml", ".yml")
REHEARSAL: Final = ".rehearsal"
_SMALL: Final = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-")


class Kind(StrEnum):
    """What stands under a name."""

    FILE = "file"
    LINK = "link"
    SUBMODULE = "submodule"
    OTHER = "other"


class PlaceRefused(Invalid):
    """A folder or repository holds something that no playbook needs, so nothing of it is read."""

    code = "place-refused"


@dataclass(frozen=True, slots=True)
class Brought:
    """What a place has: its playbooks, how versions name it as their source, and what they say has changed."""

    source: str
    message: str
    playbooks: Sequence[Manuscript]


@dataclass(frozen=True, slots=True)
class Entry:
    """A name in a place. `path` is relative to it, with slashes."""

    path: str
    kind: Kind
    size: int = 0


def manuscripts(entries: Sequence[Entry], read: Callable[[Sequence[str]], Sequence[bytes]], *, label: str = "") -> list[Manuscript]:
    """Return the playbooks among the entries with their rehearsals, by id; `read` gives the contents of paths.

    Names that begin with a dot are left out. Raises PlaceRefused or TooLarge for what no playbook needs, NotFound when there is none.
    """
    chosen = [entry for entry in entries if _is_candidate(entry.path)]
    for entry in chosen:
        _refuse_odd(entry)
    if len(chosen) > MOST_FILES or sum(entry.size for entry in chosen) > MOST_BYTES:
        raise TooLarge(f"There are too many playbooks: {len(chosen)} files.", hint="Name the folder that they are in with --path.")
    paths = [entry.path for entry in chosen]
    texts = dict(zip(paths, (_decoded(path, raw) for path, raw in zip(paths, read(paths), strict=True)), strict=True))
    found: dict[str, Manuscript] = {}
    for path in sorted(texts):
        if _is_rehearsal(path):
            continue
        one = Manuscript(_id_of(path), texts[path], texts.get(_rehearsal_of(path), ""), label + path)
        if one.id in found:
            raise PlaceRefused(f"{found[one.id].file} and {one.file} are the same playbook, '{one.id}'.", hint="Keep one of them.")
        found[one.id] = one
    _refuse_lonely(texts, label)
    if not found:
        raise NotFound(
            "There is no playbook here.", hint="Playbooks are files that end in .yaml; --path names the folder that they are in."
        )
    return [found[id] for id in sorted(found)]


def read_folder(folder: Path) -> list[Manuscript]:
    """Return the playbooks of a folder and of those in it; raises PlaceRefused, TooLarge, NotFound."""
    root = folder.resolve()
    entries = list(_walk(root, root))
    return manuscripts(entries, lambda paths: [_read(root / path) for path in paths], label=f"{folder}/")


def read_manuscript(file: Path) -> Manuscript:
    """Return one playbook with the rehearsals that stand beside it; raises Invalid."""
    beside = file.with_name(f"{file.stem}{REHEARSAL}{file.suffix}")
    rehearsal = _decoded(str(beside), _read(beside)) if beside.is_file() else ""
    return Manuscript(_id_of(file.as_posix()), _decoded(str(file), _read(file)), rehearsal, str(file))


def _walk(root: Path, folder: Path) -> Iterator[Entry]:
    try:
        found = sorted(os.scandir(folder), key=lambda one: one.name)
    except OSError as error:
        raise Invalid(f"The folder '{folder}' cannot be read: {error.strerror}.", hint="Check the path and the rights.") from None
    for one in found:
        path = PurePosixPath(Path(one.path).relative_to(root).as_posix())
        if one.name.startswith("."):
            continue
        if one.is_dir(follow_symlinks=False):
            yield from _walk(root, Path(one.path))
        elif one.is_symlink():
            yield _link(root, Path(one.path), str(path))
        else:
            status = one.stat(follow_symlinks=False)
            yield Entry(str(path), Kind.FILE if stat.S_ISREG(status.st_mode) else Kind.OTHER, status.st_size)


def _link(root: Path, link: Path, path: str) -> Entry:
    """Return what a link stands for: a file, when it leads to one inside the root."""
    target = link.resolve()
    if target.is_dir():
        raise PlaceRefused(
            f"'{path}' is a link to a folder, and such links are not followed.", hint="Remove it, or name its target as the place."
        )
    if target.is_file() and target.is_relative_to(root):
        return Entry(path, Kind.FILE, target.stat().st_size)
    return Entry(path, Kind.LINK)


def _is_candidate(path: str) -> bool:
    pure = PurePosixPath(path)
    return pure.suffix.lower() in ENDINGS and not any(part.startswith(".") for part in pure.parts)


def _refuse_odd(entry: Entry) -> None:
    shown = ascii(entry.path)
    if not entry.path.isprintable() or "\\" in entry.path or ".." in PurePosixPath(entry.path).parts or entry.path.startswith("/"):
        raise PlaceRefused(f"The name {shown} is not one for a file with a playbook.", hint="Name it in small letters, digits and -.")
    match entry.kind:
        case Kind.LINK:
            raise PlaceRefused(f"{shown} is a symbolic link, and such links are not followed.", hint="Put the file itself there.")
        case Kind.SUBMODULE | Kind.OTHER:
            raise PlaceRefused(f"{shown} is no plain file.", hint="Put a plain file there, or name another --path.")
        case Kind.FILE:
            pass
    if entry.size > LARGEST:
        raise TooLarge(f"{shown} has {entry.size} bytes; a playbook has at most {LARGEST}.", hint="Divide it, or name another --path.")
    _id_of(entry.path.removesuffix(PurePosixPath(entry.path).suffix).removesuffix(REHEARSAL) + ".yaml")


def _refuse_lonely(texts: dict[str, str], label: str) -> None:
    wanted = {_rehearsal_of(path) for path in texts if not _is_rehearsal(path)}
    lonely = next((path for path in sorted(texts) if _is_rehearsal(path) and path not in wanted), None)
    if lonely is not None:
        raise PlaceRefused(f"{label}{lonely} has no playbook beside it.", hint="Put it beside the playbook, under the same name.")


def _id_of(path: str) -> str:
    stem = PurePosixPath(path).stem
    if not stem or not _SMALL.issuperset(stem):
        raise PlaceRefused(f"{path!a} is not named as a playbook is.", hint="Name it as its id: small letters, digits and -.")
    return stem


def _is_rehearsal(path: str) -> bool:
    return PurePosixPath(path).stem.endswith(REHEARSAL)


def _rehearsal_of(path: str) -> str:
    pure = PurePosixPath(path)
    return str(pure.with_name(f"{pure.stem}{REHEARSAL}{pure.suffix}"))


def _decoded(path: str, raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        raise PlaceRefused(f"{path!a} is no UTF-8 (byte {error.start}).", hint="Save it as UTF-8.") from None


def _read(file: Path) -> bytes:
    try:
        # A name that has become a pipe since it was looked at would hold the reader for ever.
        with open(os.open(file, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK), "rb") as opened:
            raw = opened.read(LARGEST + 1)
    except OSError as error:
        raise Invalid(f"'{file}' cannot be read: {error.strerror}.", hint="Check the path and the rights.") from None
    if len(raw) > LARGEST:
        raise TooLarge(f"'{file}' has more than {LARGEST} bytes.", hint="Divide it.")
    return raw
