"""The jail of the operating system around one CPython: bubblewrap's namespaces, a read-only system, nothing of the host.

In it are the interpreter, the system's libraries, four devices and an own /tmp; no /etc, /home, /proc, /sys, network or program to
start. A server that runs as root gives its rights up first, because root is never counted by RLIMIT_NPROC: in a mount namespace of
its own the interpreter is mounted where everybody can reach it, setpriv becomes nobody, and from there on all is as for any other user.
"""

import platform
import shutil
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tocsin.sandbox import seccomp

NOBODY: Final = "65534"
TMP_BYTES: Final = 16 * 2**20
_FLAGS: Final = ("-I", "-S", "-B", "-X", "utf8")
_SCRIPT: Final = "/inside.py"
_REACHABLE: Final = Path("/mnt")  # in a mount namespace of our own; the host's is not touched
_DEVICES: Final = ("/dev/null", "/dev/zero", "/dev/urandom", "/dev/random")
_LIBRARIES: Final = ("/lib", "/lib32", "/lib64")  # beside /usr/lib; links into /usr on a merged system
_ALSO: Final = ("/usr/lib64", "/usr/share/zoneinfo", "/etc/ld.so.cache")


@dataclass(frozen=True, slots=True)
class Interpreter:
    """A CPython on the host: its program, and the prefix under which `lib/` has its standard library."""

    program: Path = field(default_factory=lambda: Path(str(getattr(sys, "_base_executable", sys.executable))).resolve())
    base: Path = field(default_factory=lambda: Path(sys.base_prefix).resolve())


def missing(*, as_root: bool) -> str:
    """Say what this machine lacks for a jail, as far as can be seen without trying; empty when nothing."""
    if sys.platform != "linux" or not seccomp.supported(platform.machine()):
        return f"Code with 'runtime: python' runs only on Linux on x86_64 or aarch64, and this is {sys.platform} on {platform.machine()}."
    steps = (("unshare", "util-linux"), ("setpriv", "util-linux"), ("mount", "mount")) if as_root else ()
    for program, package in (("bwrap", "bubblewrap"), *steps):
        if shutil.which(program) is None:
            return f"Code with 'runtime: python' needs the program {program}: install the package {package}."
    return ""


def jail_command(interpreter: Interpreter, arguments: list[str], *, script_fd: int, filter_fd: int, as_root: bool) -> list[str]:
    """Write the command that runs the script in `script_fd` in a jail, under the seccomp filter in `filter_fd`."""
    reachable = _REACHABLE if as_root else interpreter.base
    inner = [_found("bwrap"), *_namespaces(), *_files(interpreter, reachable, script_fd), "--seccomp", str(filter_fd), "--"]
    command = [*inner, str(interpreter.program), *_FLAGS, _SCRIPT, *arguments]
    return [*_from_root(interpreter), *command] if as_root else command


def _from_root(interpreter: Interpreter) -> list[str]:
    """Mount and step down by exec alone: a process between the server and bwrap, being no root, could not hand on its death."""
    mounting = [
        _found("unshare"),
        "--mount",
        "--propagation",
        "private",
        "--",
        "/bin/sh",
        "-c",
        'mount --bind "$0" "$1" && shift && exec "$@"',
    ]
    nobody = [_found("setpriv"), f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "--"]
    return [*mounting, str(interpreter.base), str(_REACHABLE), *nobody]


def _namespaces() -> list[str]:
    return [
        *("--unshare-user", "--uid", NOBODY, "--gid", NOBODY),
        *("--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try"),
        *("--hostname", "sandbox", "--clearenv", "--cap-drop", "ALL", "--die-with-parent", "--new-session"),
    ]


def _files(interpreter: Interpreter, reachable: Path, script_fd: int) -> list[str]:
    """Mount the little there is; /proc is left out, since the interpreter does without and it tells about the machine."""
    mounts = ["--ro-bind", "/usr/lib", "/usr/lib"]
    for path in map(Path, _LIBRARIES):
        if path.is_symlink():
            mounts += ["--symlink", str(path.readlink()), str(path)]
        elif path.is_dir():
            mounts += ["--ro-bind", str(path), str(path)]
    for name in _ALSO:
        mounts += ["--ro-bind-try", name, name]
    for name in _DEVICES:
        mounts += ["--dev-bind", name, name]
    mounts += ["--ro-bind", str(reachable / "lib"), str(interpreter.base / "lib")]
    mounts += ["--ro-bind", str(reachable / interpreter.program.relative_to(interpreter.base)), str(interpreter.program)]
    mounts += ["--ro-bind-data", str(script_fd), _SCRIPT]
    return [*mounts, "--size", str(TMP_BYTES), "--tmpfs", "/tmp", "--chdir", "/tmp", "--remount-ro", "/"]  # noqa: S108 - inside the jail


def _found(program: str) -> str:
    """Return the full path, for the child has no PATH."""
    return shutil.which(program) or program
