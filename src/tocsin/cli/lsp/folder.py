"""The playbooks beside those that are open: what can be called, and where it stands."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tocsin.cli.playbook_files import ENDINGS, MAX_READ, REHEARSAL
from tocsin.playbook.catalogue import Catalogue
from tocsin.playbook.compile import read
from tocsin.playbook.folder import FolderDirectory
from tocsin.playbook.model import Playbook

_MOST: Final = 2_000  # files that are looked at
_SKIPPED: Final = frozenset({"node_modules", "__pycache__"})


@dataclass(frozen=True, slots=True)
class _Kept:
    stamp: tuple[int, int]
    playbook: Playbook | None


class Folder:
    """The playbooks below some folders. A file is read again when it has changed; what is open counts as it is in the editor."""

    def __init__(self, roots: list[Path], catalogue: Catalogue) -> None:
        self._roots, self._catalogue = roots, catalogue
        self._kept: dict[Path, _Kept] = {}
        self._open: dict[Path, Playbook] = {}
        self._directory: FolderDirectory | None = None

    def opened(self, file: Path, playbook: Playbook | None) -> None:
        """Note how a playbook is in the editor; one that cannot be read now counts as it was."""
        if playbook is not None and playbook != self._open.get(file):
            self._open[file] = playbook
            self._directory = None

    def closed(self, file: Path) -> None:
        """Forget what was in the editor."""
        self._open.pop(file, None)
        self.refresh()

    def refresh(self) -> None:
        """Look at the files again when somebody asks next."""
        self._directory = None
        self._looked = False

    _looked = False

    def directory(self) -> FolderDirectory | None:
        """Return what can be called; None if no folder is open, so that nobody knows."""
        if not self._roots:
            return None
        if not self._looked:
            self._look()
        if self._directory is None:
            stored = {file: kept.playbook for file, kept in self._kept.items() if kept.playbook is not None and file not in self._open}
            self._directory = FolderDirectory([*self._open.values(), *stored.values()], self._catalogue)
        return self._directory

    def _look(self) -> None:
        files = [file for root in self._roots for file in _playbooks_below(root)]
        kept: dict[Path, _Kept] = {}
        for file in files[:_MOST]:
            try:
                status = file.stat()
                stamp = (status.st_mtime_ns, status.st_size)
                before = self._kept.get(file)
                kept[file] = before if before is not None and before.stamp == stamp else _Kept(stamp, _read(file, status.st_size))
            except OSError:
                continue  # it is gone, or not ours to read: nothing can be called there
        self._kept, self._looked, self._directory = kept, True, None


def _playbooks_below(root: Path) -> list[Path]:
    found: list[Path] = []
    waiting = [root]
    while waiting and len(found) < _MOST:
        try:
            inside = sorted(waiting.pop().iterdir())
        except OSError:
            continue
        for one in inside:
            if one.name.startswith(".") or one.name in _SKIPPED:
                continue
            if one.is_dir() and not one.is_symlink():
                waiting.append(one)
            elif one.suffix in ENDINGS and not one.stem.endswith(REHEARSAL) and one.is_file():
                found.append(one)
    return found


def _read(file: Path, size: int) -> Playbook | None:
    if size > MAX_READ:
        return None
    text = file.read_bytes()
    return read(text, file=str(file)).playbook if b"tocsin/playbook" in text else None
