"""Follow Suricata's eve.json through rotation, truncation and restarts."""

import asyncio
import hashlib
import json
import os
import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tocsin.connectors.sdk import Invalid, Json, JsonObject, SourceContext

CHUNK = 256 * 1024
LONGEST_LINE = 8 * 1024 * 1024
SHOWN_OF_LONG_LINE = 64 * 1024
HEAD = 256  # bytes of a file's beginning that tell it from another one
POLL_S = 0.25


async def tail(ctx: SourceContext) -> None:
    """Emit each event of the wanted types, and reject each line that is none."""
    wanted = _wanted(ctx.options)
    follower = Follower(Path(_text(ctx.options, "path", "/var/log/suricata/eve.json")))
    notice = await asyncio.to_thread(follower.start, ctx.cursor, from_end=_text(ctx.options, "start", "beginning") == "end")
    if notice:
        await ctx.reject("", notice, follower.cursor())
    while True:
        lines = await asyncio.to_thread(follower.read)
        for line in lines:
            await _hand_over(ctx, line, wanted)
        if not lines:
            await asyncio.sleep(POLL_S)


async def _hand_over(ctx: SourceContext, line: "Line", wanted: frozenset[str]) -> None:
    if line.problem:
        await ctx.reject(_readable(line.text), line.problem, line.cursor)
        return
    if not line.text.strip():
        return
    try:
        event = parse_event(line.text)
    except Invalid as error:
        await ctx.reject(_readable(line.text), error.message, line.cursor)
        return
    if not wanted or event.get("event_type") in wanted:
        await ctx.emit(event, line.cursor)


def parse_event(text: bytes) -> JsonObject:
    """Read one line of eve.json; raises Invalid."""
    try:
        event: Json = json.loads(text.decode("utf-8"), parse_constant=_refuse_constant)
    except UnicodeDecodeError as error:
        raise Invalid(f"The line is not UTF-8 (byte {error.start}).") from None
    except RecursionError:
        raise Invalid("The line is nested too deeply to be read.") from None
    except ValueError as error:
        raise Invalid(f"The line is not JSON: {error}.") from None
    if not isinstance(event, dict):
        raise Invalid("The line is JSON but no object.")
    return event


def _refuse_constant(word: str) -> None:
    raise ValueError(f"{word} is no JSON number")


def _readable(text: bytes) -> str:
    return text.decode("utf-8", "backslashreplace")


def _text(options: JsonObject, key: str, default: str) -> str:
    value = options.get(key, default)
    return value if isinstance(value, str) else default


def _wanted(options: JsonObject) -> frozenset[str]:
    types = options.get("event_types", ["alert"])
    return frozenset(word for word in types if isinstance(word, str)) if isinstance(types, list) else frozenset()


@dataclass(frozen=True, slots=True)
class Line:
    """A line without its end; `cursor` is the place after it."""

    text: bytes
    cursor: Json
    problem: str = ""


@dataclass(slots=True)
class _Open:
    """A file that is being read, and how far."""

    fd: int
    inode: int
    offset: int  # after the last whole line that was handed out
    head: bytes = b""
    rest: bytes = b""  # what was read of the line that has no end yet
    skipping: bool = False  # inside a line that is too long

    def cursor(self) -> JsonObject:
        size = min(len(self.head), self.offset)
        return {"inode": self.inode, "offset": self.offset, "head": _digest(self.head[:size]), "head_size": size}


class Follower:
    """Reads the lines of a file that is appended to and rotated, each once.

    A file is known by its first bytes, not by its name or inode: so a renamed one, a copied one (copytruncate) and one whose
    inode was given to another file are all told apart.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._open: _Open | None = None
        self._done: deque[tuple[int, str]] = deque(maxlen=16)  # files read to their end; an inode alone may be used again
        self._last_mtime = 0
        self._place: Json = None  # handed back while no file is open

    def start(self, cursor: Json, *, from_end: bool) -> str:
        """Open the file where `cursor` left off; return what must be told if that place is gone."""
        self._place = cursor
        if not isinstance(cursor, dict):
            if from_end and (size := _size(self.path)):
                self._open_at(self.path, _end_of_last_line(self.path, size))
            return ""
        found = self._find(cursor)
        if found is not None:
            self._open_at(found, _number(cursor, "offset"))
            return ""
        if _number(cursor, "offset") == 0:
            return ""
        return (
            f"The file that was being followed ({self.path}, read to byte {_number(cursor, 'offset')}) is gone, and so may be the events "
            "written after that byte. Rotate with 'delaycompress' and keep one uncompressed file, so that a restart finds it."
        )

    def cursor(self) -> Json:
        """Return the place reached."""
        return self._open.cursor() if self._open else self._place

    def read(self) -> list[Line]:
        """Return the next lines; none: nothing new for now."""
        if self._open is None and not self._open_next():
            return []
        current = self._open
        if current is None:
            return []
        if self._is_truncated(current):
            return self._start_over(current)
        chunk = os.pread(current.fd, CHUNK, _read_to(current))
        if chunk:
            return list(self._split(current, chunk))
        return self._switch(current)

    def close(self) -> None:
        """Close the file."""
        if self._open is not None:
            self._place = self._open.cursor()
            os.close(self._open.fd)
            self._open = None

    def __del__(self) -> None:
        # Not in a `finally` of `tail`: a cancelled `tail` may leave a thread in `read`, which holds on to this object.
        self.close()

    def _split(self, current: _Open, chunk: bytes) -> Iterator[Line]:
        if len(current.head) < HEAD:
            current.head = os.pread(current.fd, HEAD, 0)
        *whole, rest = (current.rest + chunk).split(b"\n")
        current.rest = rest
        for text in whole:
            current.offset += len(text) + 1
            if current.skipping:
                current.skipping = False  # this was the tail of a line that was rejected already
                continue
            yield Line(text, current.cursor())
        if len(current.rest) > LONGEST_LINE:
            shown, current.offset = current.rest[:SHOWN_OF_LONG_LINE], current.offset + len(current.rest)
            current.rest = b""
            if not current.skipping:
                current.skipping = True
                yield Line(shown, current.cursor(), f"The line is longer than {LONGEST_LINE} bytes; its beginning is kept.")

    def _is_truncated(self, current: _Open) -> bool:
        if os.fstat(current.fd).st_size < _read_to(current):
            return True
        return os.pread(current.fd, len(current.head), 0) != current.head

    def _start_over(self, current: _Open) -> list[Line]:
        """Read what a copy kept (copytruncate), else begin the emptied file again."""
        cursor = current.cursor()
        copy = self._find(cursor, but=current.inode)
        lines: list[Line] = []
        self.close()
        if copy is not None:
            self._open_at(copy, _number(cursor, "offset"))
        else:
            self._open_at(self.path, 0)
            if current.rest:
                lines.append(Line(current.rest, self.cursor(), "The file was emptied before this line had an end."))
        return lines

    def _switch(self, current: _Open) -> list[Line]:
        """Go on to the next file once the writer has; an empty new file says that it has not yet."""
        if current.inode == _inode(self.path) or self._next() is None:
            return []
        if os.fstat(current.fd).st_size > _read_to(current):
            return self.read()  # its last lines came while we looked at the new one
        lines = []
        if current.rest:
            current.offset += len(current.rest)
            lines.append(Line(current.rest, current.cursor(), "The file ended before this line did."))
            current.rest = b""
        self._last_mtime = os.fstat(current.fd).st_mtime_ns
        self._done.append((current.inode, _digest(current.head)))
        self.close()
        self._open_next()
        return lines

    def _open_next(self) -> bool:
        following = self._next()
        if following is None:
            return False
        self._open_at(following, 0)
        return True

    def _next(self) -> Path | None:
        """Return the oldest file that was written after the one just read."""
        since = os.fstat(self._open.fd).st_mtime_ns if self._open else self._last_mtime
        fresh = []
        for path in self._family() if since else [self.path]:
            stat = _stat(path)
            if stat is None or not stat.st_size or (self._open and self._open.inode == stat.st_ino):
                continue
            if (stat.st_mtime_ns >= since or path == self.path) and (stat.st_ino, _digest(_head(path, HEAD))) not in self._done:
                fresh.append((path == self.path, stat.st_mtime_ns, path))
        return min(fresh)[2] if fresh else None

    def _find(self, cursor: JsonObject, *, but: int = -1) -> Path | None:
        """Return the file whose beginning is the cursor's, the same inode first."""
        size, offset = _number(cursor, "head_size"), _number(cursor, "offset")
        found = []
        for path in self._family():
            stat = _stat(path)
            if stat is None or stat.st_ino == but or stat.st_size < offset:
                continue
            same_inode = stat.st_ino == cursor.get("inode")
            if (size or same_inode) and _digest(_head(path, size)) == cursor.get("head"):
                found.append((not same_inode, path != self.path, path))
        return min(found)[2] if found else None

    def _family(self) -> list[Path]:
        """Return the file and its rotated ones: `.1`, `-20260131`, …, not compressed ones."""
        rotated = re.compile(re.escape(self.path.name) + r"[.-]\d[\d.T_-]*")
        try:
            names = os.listdir(self.path.parent)
        except FileNotFoundError:
            return []
        return [self.path.parent / name for name in names if name == self.path.name or rotated.fullmatch(name)]

    def _open_at(self, path: Path, offset: int) -> None:
        try:
            fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return  # renamed this very moment; the next poll sees where it went
        except OSError as error:
            raise Invalid(f"'{path}' cannot be read: {error.strerror}.", hint="Let the user that runs Tocsin read it.") from error
        self._open = _Open(fd, os.fstat(fd).st_ino, offset, os.pread(fd, HEAD, 0))


def _read_to(current: _Open) -> int:
    return current.offset + len(current.rest)


def _digest(head: bytes) -> str:
    return hashlib.sha256(head).hexdigest()[:32]


def _number(cursor: JsonObject, key: str) -> int:
    value = cursor.get(key, 0)
    return value if isinstance(value, int) else 0


def _stat(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except FileNotFoundError:
        return None


def _size(path: Path) -> int:
    stat = _stat(path)
    return stat.st_size if stat else 0


def _inode(path: Path) -> int:
    stat = _stat(path)
    return stat.st_ino if stat else -1


def _head(path: Path, size: int) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(size)
    except OSError:
        return b""


def _end_of_last_line(path: Path, size: int) -> int:
    """Return the place after the last line end, so that a line half written now is read whole."""
    with path.open("rb") as file:
        start = max(0, size - LONGEST_LINE)
        file.seek(start)
        return start + file.read(size - start).rfind(b"\n") + 1
