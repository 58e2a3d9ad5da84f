"""The filter, run on a small machine for classic BPF: what the kernel would answer to a call."""

import errno
import struct

import pytest

from tocsin.sandbox.seccomp import filter_program, supported

ARCH = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
ALLOW, KILL = 0x7FFF0000, 0x80000000
EPERM, ENOSYS = 0x00050000 | errno.EPERM, 0x00050000 | errno.ENOSYS
THREAD = 0x003D0F00  # what glibc passes for pthread_create


def verdict(program: bytes, *, arch: int, number: int, argument: int = 0) -> int:
    """Run a filter on one call."""
    packet = struct.pack("<IIQ6Q", number, arch, 0, argument, *[0] * 5)
    steps = list(struct.iter_unpack("<HBBI", program))
    at = loaded = 0
    while True:
        code, when_true, when_false, value = steps[at]
        at += 1
        if code == 0x20:
            (loaded,) = struct.unpack_from("<I", packet, value)
        elif code == 0x06:
            return int(value)
        else:
            test = {0x15: loaded == value, 0x35: loaded >= value, 0x45: bool(loaded & value)}[code]
            at += when_true if test else when_false


@pytest.mark.parametrize(("machine", "numbers"), [("x86_64", (0, 1, 9, 202, 257)), ("aarch64", (63, 64, 222, 98, 56))])
def test_ordinary_calls_are_allowed(machine: str, numbers: tuple[int, ...]) -> None:
    program = filter_program(machine)

    assert {verdict(program, arch=ARCH[machine], number=number) for number in numbers} == {ALLOW}


@pytest.mark.parametrize(("machine", "other"), [("x86_64", ARCH["aarch64"]), ("aarch64", ARCH["x86_64"]), ("x86_64", 0x40000003)])
def test_calls_of_another_architecture_are_killed(machine: str, other: int) -> None:
    assert verdict(filter_program(machine), arch=other, number=0) == KILL


def test_x32_calls_are_killed() -> None:
    assert verdict(filter_program("x86_64"), arch=ARCH["x86_64"], number=0x40000000 | 1) == KILL


@pytest.mark.parametrize(
    ("machine", "numbers"),
    [
        (
            "x86_64",
            {"ptrace": 101, "mount": 165, "unshare": 272, "socket": 41, "socketpair": 53, "bpf": 321, "io_uring": 425, "keyctl": 250},
        ),
        (
            "aarch64",
            {"ptrace": 117, "mount": 40, "unshare": 97, "socket": 198, "socketpair": 199, "bpf": 280, "io_uring": 425, "keyctl": 219},
        ),
    ],
)
def test_dangerous_calls_are_refused(machine: str, numbers: dict[str, int]) -> None:
    program = filter_program(machine)

    assert {name: verdict(program, arch=ARCH[machine], number=number) for name, number in numbers.items()} == dict.fromkeys(numbers, EPERM)


@pytest.mark.parametrize(("machine", "clone"), [("x86_64", 56), ("aarch64", 220)])
def test_threads_are_allowed_and_processes_are_not(machine: str, clone: int) -> None:
    program = filter_program(machine)

    assert verdict(program, arch=ARCH[machine], number=clone, argument=THREAD) == ALLOW
    assert verdict(program, arch=ARCH[machine], number=clone, argument=17) == EPERM  # SIGCHLD: a fork
    assert verdict(program, arch=ARCH[machine], number=435) == ENOSYS


@pytest.mark.parametrize("namespace", [0x00020000, 0x02000000, 0x04000000, 0x08000000, 0x10000000, 0x20000000, 0x40000000])
@pytest.mark.parametrize("forks", [True, False])
def test_new_namespaces_are_refused_even_with_forks(namespace: int, forks: bool) -> None:
    program = filter_program("x86_64", forks=forks)

    assert verdict(program, arch=ARCH["x86_64"], number=56, argument=namespace | THREAD) == EPERM


def test_forks_are_allowed_only_on_request() -> None:
    program = filter_program("x86_64", forks=True)

    assert {verdict(program, arch=ARCH["x86_64"], number=number, argument=17) for number in (56, 57, 58)} == {ALLOW}


def test_only_known_machines_have_a_filter() -> None:
    assert [machine for machine in ("x86_64", "aarch64", "armv7l", "riscv64") if supported(machine)] == ["x86_64", "aarch64"]
