"""A git repository as a place of playbooks: its commit is fetched into a bare cache, and files are read from there by id.

Nothing is checked out, so a repository's links, hooks, filters, attributes and submodules have nothing to act on. What it can do
is bounded: the protocols, the time, the size of what it sends.
"""

import contextlib
import fcntl
import hashlib
import os
import re
import resource
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit, urlunsplit

from tocsin.cli.places import MOST_BYTES, Entry, Kind, manuscripts
from tocsin.core.errors import Invalid, NotFound, TooLarge, Transient, Unavailable
from tocsin.core.playbooks import Manuscript

FETCH_S: Final = 120.0
READ_S: Final = 60.0
MOST_FETCHED: Final = 512 * 1024 * 1024  # bytes of one pack
MOST_LISTED: Final = 32 * 1024 * 1024  # bytes of the names of all files
LONGEST_SUBJECT: Final = 200
_HERE: Final = "refs/tocsin/sync"
_SCHEMES: Final = ("https", "ssh", "git", "file")
_SCP: Final = re.compile(r"[A-Za-z0-9][\w.-]*@[A-Za-z0-9][A-Za-z0-9.-]*:[^:\s-][^\s]*")
_REF: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/+-]*")
_COMMIT: Final = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")
_KINDS: Final = {"100644": Kind.FILE, "100755": Kind.FILE, "100664": Kind.FILE, "120000": Kind.LINK, "160000": Kind.SUBMODULE}
_CONFIG: Final = (
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "core.attributesFile=/dev/null",
    "core.symlinks=false",
    "fetch.recurseSubmodules=false",
    "submodule.recurse=false",
    "fetch.fsckObjects=true",
    "fetch.writeCommitGraph=false",
    "gc.auto=0",
    "maintenance.auto=false",
    "log.showSignature=false",
    "http.followRedirects=initial",
    "transfer.bundleURI=false",
)


@dataclass(frozen=True, slots=True)
class Address:
    """Where a repository is. `shown` is for people: it has no password in it."""

    url: str
    shown: str
    protocols: str  # those that git may use, in its own form


@dataclass(frozen=True, slots=True)
class Fetched:
    """What a commit has of playbooks."""

    commit: str
    subject: str
    playbooks: tuple[Manuscript, ...]


def address_of(place: str) -> Address | None:
    """Return the address of a repository; None when the place is a plain folder. Raises Invalid for what git is not let near."""
    if not place.isprintable() or place.startswith("-"):
        raise Invalid(f"{place!a} is no place.", hint="Name a folder, or a git repository by its path or address.")
    if "://" in place:
        scheme = place.partition("://")[0]
        if scheme not in _SCHEMES:
            raise Invalid(f"Repositories are not fetched by {scheme}.", hint=f"Use {', '.join(_SCHEMES)}, or a path.")
        if scheme == "file":
            return _local(Path(urlsplit(place).path))
        return Address(place, _without_password(place), "https:ssh:git" if scheme == "https" else scheme)
    if _SCP.fullmatch(place) and not Path(place).exists():
        return Address(place, place, "ssh")
    if "::" in place and not Path(place).exists():
        raise Invalid("Git's remote helpers are not used.", hint=f"Use {', '.join(_SCHEMES)}, or a path.")
    return _local(Path(place)) if _is_repository(Path(place)) else None


def fetch(address: Address, *, ref: str = "HEAD", path: str = "", cache: Path | None = None) -> Fetched:
    """Fetch one commit and read its playbooks, those below `path`; `ref` is a branch, a tag or a whole commit id.

    Raises Unavailable without git, Transient when the repository does not answer, Invalid, NotFound, and what `manuscripts` raises.
    """
    if not _REF.fullmatch(ref) or ".." in ref:
        raise Invalid(f"{ref!a} is no name of a branch, tag or commit.", hint="Check --ref.")
    inside = _inside(path)
    with _locked(cache or cache_folder(), address.url) as folder:
        git = _Git(folder, address)
        git.run("init", "--quiet", "--bare", "--template=")
        git.fetch(ref)
        commit = git.run("rev-parse", "--verify", "--end-of-options", f"{_HERE}^{{commit}}").decode().strip()
        subject = git.run("log", "-1", "--no-color", "--format=%s", commit).decode("utf-8", "replace").strip()
        entries, blobs = git.entries(commit, inside)
        prefix = f"{inside}/" if inside else ""
        found = manuscripts(entries, lambda paths: git.blobs([blobs[one] for one in paths]), label=prefix)
    return Fetched(commit, _one_line(subject), tuple(found))


def cache_folder() -> Path:
    """Return where fetched repositories are kept."""
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(base).expanduser() / "tocsin" / "sync"


class _Git:
    """The `git` program in one bare repository, of which nothing but the given environment and options counts."""

    def __init__(self, folder: Path, address: Address) -> None:
        program = shutil.which("git")
        if program is None:
            raise Unavailable("The program `git` is not installed.", hint="Install it, or name a plain folder.")
        self._folder, self._address = folder, address
        self._command = [program, "--git-dir", str(folder), *(part for one in _CONFIG for part in ("-c", one))]
        kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
        self._environ = kept | {
            "GIT_ALLOW_PROTOCOL": address.protocols,
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_LITERAL_PATHSPECS": "1",
            "GIT_NO_LAZY_FETCH": "1",
            "GIT_NO_REPLACE_OBJECTS": "1",
            "LC_ALL": "C",
        }

    def fetch(self, ref: str) -> None:
        """Get one commit, without its history."""
        options = ("--quiet", "--no-tags", "--no-recurse-submodules", "--no-write-fetch-head", "--depth=1", "--force")
        self.run("fetch", *options, "--", self._address.url, f"+{ref}:{_HERE}", most=MOST_FETCHED, within_s=FETCH_S)
        got = self.run("rev-parse", "--verify", "--end-of-options", _HERE).decode().strip()
        if _COMMIT.fullmatch(ref) and got != ref:
            raise Invalid(f"The repository gave {got[:12]} for the commit {ref[:12]}.", hint="Check the repository.")

    def entries(self, commit: str, inside: str) -> tuple[list[Entry], dict[str, str]]:
        """Return what a commit has below a folder, and the id of each file."""
        found = self.run("ls-tree", "-r", "-z", "-l", "--full-tree", commit, *(["--", f"{inside}/"] if inside else []), most=MOST_LISTED)
        entries, blobs = [], {}
        for line in found.split(b"\0")[:-1]:
            about, _, name = line.partition(b"\t")
            mode, _, blob, size = about.decode().split()
            path = name.decode("utf-8", "surrogateescape").removeprefix(f"{inside}/" if inside else "")
            entries.append(Entry(path, _KINDS.get(mode, Kind.OTHER), int(size) if size.isdecimal() else 0))
            blobs[path] = blob
        if inside and not entries:
            raise NotFound(f"The commit {commit[:12]} has no folder '{inside}'.", hint="Check --path.")
        return entries, blobs

    def blobs(self, ids: Sequence[str]) -> list[bytes]:
        """Return the contents of files by their ids."""
        asked = "".join(f"{one}\n" for one in ids).encode()
        rest = self.run("cat-file", "--batch", stdin=asked, most=2 * MOST_BYTES)
        found = []
        for _ in ids:
            head, _, rest = rest.partition(b"\n")
            size = int(head.split()[-1])
            found.append(rest[:size])
            rest = rest[size + 1 :]
        return found

    def run(self, *arguments: str, stdin: bytes = b"", most: int = MOST_BYTES, within_s: float = READ_S) -> bytes:
        """Return what a command prints; raises TooLarge, Transient or Invalid."""

        def bounded() -> None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))

        with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            given.write(stdin)
            given.seek(0)
            # A session of its own has no terminal that a question for a password could come up on, and can be ended as a whole.
            process = subprocess.Popen(  # noqa: S603 - no shell, and every argument that comes from outside was checked
                [*self._command, *arguments],
                stdin=given,
                stdout=out,
                stderr=err,
                env=self._environ,
                start_new_session=True,
                preexec_fn=bounded,
            )
            try:
                code = process.wait(within_s)
            except subprocess.TimeoutExpired:
                raise Transient(f"{self._address.shown} has not answered within {within_s:.0f} seconds.", hint="Try again later.") from None
            finally:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()
            out.seek(0)
            err.seek(0)
            said = err.read(20_000).decode("utf-8", "replace")
            if code != 0:
                raise self._refusal(code, said, most)
            return out.read()

    def _refusal(self, code: int, said: str, most: int) -> Invalid | TooLarge:
        if code == -signal.SIGXFSZ or "File too large" in said or "signal 25" in said:
            return TooLarge(
                f"{self._address.shown} is larger than {most // 1024 // 1024} MB.", hint="Keep playbooks in a repository of their own."
            )
        lines = [line.strip() for line in said.replace(self._address.url, self._address.shown).splitlines() if line.strip()]
        last = next((line for line in lines if line.startswith(("fatal:", "error:"))), lines[-1] if lines else f"exit code {code}")
        reason = _one_line(last.removeprefix("fatal: ").removeprefix("error: ")).rstrip(".")
        return Invalid(f"{self._address.shown} cannot be fetched: {reason}.", hint="Check the address, your rights, and --ref.")


@contextlib.contextmanager
def _locked(cache: Path, url: str) -> Iterator[Path]:
    """Hold the folder of one repository."""
    folder = cache / hashlib.sha256(url.encode()).hexdigest()[:24]
    try:
        cache.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = os.open(folder.with_suffix(".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise Unavailable(
            f"The cache '{cache}' cannot be used: {error.strerror}.", hint="Set XDG_CACHE_HOME to a folder of yours."
        ) from None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield folder
    finally:
        os.close(lock)


def _local(path: Path) -> Address:
    whole = path.expanduser().resolve()
    if not _is_repository(whole):
        raise NotFound(f"There is no git repository '{path}'.", hint="Check the path.")
    return Address(str(whole), str(whole), "file")


def _is_repository(path: Path) -> bool:
    return (path / ".git").exists() or ((path / "HEAD").is_file() and (path / "objects").is_dir())


def _inside(path: str) -> str:
    parts = [part for part in path.split("/") if part not in ("", ".")]
    if ".." in parts or not path.isprintable():
        raise Invalid(f"{path!a} is no folder of a repository.", hint="Give --path as it is in the repository.")
    return "/".join(parts)


def _without_password(url: str) -> str:
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def _one_line(text: str) -> str:
    return "".join(one if one.isprintable() else " " for one in text)[:LONGEST_SUBJECT]
