"""A seccomp filter as classic BPF, written here byte by byte: what sandboxed code may never ask of the kernel.

A refused call answers EPERM, so that Python raises PermissionError and the person sees a line number; a foreign
architecture (and x32) is killed, because its numbers mean other calls.
"""

import errno
import struct
from typing import Final

# linux/filter.h, linux/seccomp.h, linux/audit.h
_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_KILL, _ERRNO, _ALLOW = 0x80000000, 0x00050000, 0x7FFF0000
_NUMBER_AT, _ARCH_AT, _FIRST_ARGUMENT_AT = 0, 4, 16
_X32_BIT: Final = 0x40000000
_AUDIT_ARCH: Final = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}

_CLONE_THREAD: Final = 0x00010000
# NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET; NEWTIME (0x80) exists only for unshare and clone3, which are refused whole
_CLONE_NAMESPACES: Final = 0x00020000 | 0x02000000 | 0x04000000 | 0x08000000 | 0x10000000 | 0x20000000 | 0x40000000

# name: (x86_64, aarch64); -1: the architecture has no such call. Numbers from 424 on are the same everywhere.
_CLONE: Final = (56, 220)
_CLONE3: Final = (435, 435)
_FORKS: Final = {"fork": (57, -1), "vfork": (58, -1)}
_REFUSED: Final = {
    # other processes
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "process_madvise": (440, 440),
    "process_mrelease": (448, 448),
    "pidfd_open": (434, 434),
    "pidfd_getfd": (438, 438),
    "kcmp": (312, 272),
    "migrate_pages": (256, 238),
    "move_pages": (279, 239),
    # namespaces and mounts
    "unshare": (272, 97),
    "setns": (308, 268),
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "chroot": (161, 51),
    "move_mount": (429, 429),
    "open_tree": (428, 428),
    "fsopen": (430, 430),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "fspick": (433, 433),
    "mount_setattr": (442, 442),
    "name_to_handle_at": (303, 264),
    "open_by_handle_at": (304, 265),
    # large or young parts of the kernel, where most holes were
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "fanotify_init": (300, 262),
    "fanotify_mark": (301, 263),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    "personality": (135, 92),
    "modify_ldt": (154, -1),
    "lookup_dcookie": (212, 18),
    # the whole machine
    "kexec_load": (246, 104),
    "kexec_file_load": (320, 294),
    "init_module": (175, 105),
    "finit_module": (313, 273),
    "delete_module": (176, 106),
    "reboot": (169, 142),
    "swapon": (167, 224),
    "swapoff": (168, 225),
    "acct": (163, 89),
    "syslog": (103, 116),
    "settimeofday": (164, 170),
    "clock_settime": (227, 112),
    "clock_adjtime": (305, 266),
    "adjtimex": (159, 171),
    "sethostname": (170, 161),
    "setdomainname": (171, 162),
    "quotactl": (179, 60),
    "quotactl_fd": (443, 443),
    "iopl": (172, -1),
    "ioperm": (173, -1),
    "vhangup": (153, 58),
    # other ways to talk to somebody, or to hold memory that RLIMIT_AS does not count
    "shmget": (29, 194),
    "shmat": (30, 196),
    "msgget": (68, 186),
    "semget": (64, 190),
    "mq_open": (240, 180),
    "memfd_create": (319, 279),
    "memfd_secret": (447, 447),
}
# No family is needed, and an abstract AF_UNIX name would reach out of a sandbox that shares the network namespace.
_SOCKET: Final = {"socket": (41, 198)}
_PAIR: Final = {"socketpair": (53, 199)}


def supported(machine: str) -> bool:
    """Say whether a filter can be made for `platform.machine()`."""
    return machine in _AUDIT_ARCH


def filter_program(machine: str, *, forks: bool = False, pairs: bool = False) -> bytes:
    """Make the filter for `machine`; `forks` allows new processes (threads are always allowed), `pairs` connected pairs of sockets."""
    column = 0 if machine == "x86_64" else 1
    program = [_step(_LOAD, _ARCH_AT), _step(_EQUAL, _AUDIT_ARCH[machine], 1, 0), _step(_RETURN, _KILL), _step(_LOAD, _NUMBER_AT)]
    if machine == "x86_64":
        program += [_step(_AT_LEAST, _X32_BIT, 0, 1), _step(_RETURN, _KILL)]
    refused = _REFUSED | _SOCKET | ({} if pairs else _PAIR) | ({} if forks else _FORKS)
    for numbers in refused.values():
        if numbers[column] >= 0:
            program += _answer(numbers[column], errno.EPERM)
    program += _answer(_CLONE3[column], errno.ENOSYS)  # its flags are behind a pointer; libc goes on with clone
    program += _clone_rules(_CLONE[column], forks=forks)
    program.append(_step(_RETURN, _ALLOW))
    return b"".join(program)


def _answer(number: int, error: int) -> list[bytes]:
    return [_step(_EQUAL, number, 0, 1), _step(_RETURN, _ERRNO | error)]


def _clone_rules(number: int, *, forks: bool) -> list[bytes]:
    """Refuse new namespaces, and new processes unless `forks`. Comes last: it loads the argument over the number."""
    rules = [_step(_LOAD, _FIRST_ARGUMENT_AT), _step(_ANY_BIT, _CLONE_NAMESPACES, 0, 1), _step(_RETURN, _ERRNO | errno.EPERM)]
    if not forks:
        rules += [_step(_ANY_BIT, _CLONE_THREAD, 1, 0), _step(_RETURN, _ERRNO | errno.EPERM)]
    return [_step(_EQUAL, number, 0, len(rules)), *rules]


def _step(code: int, value: int, when_true: int = 0, when_false: int = 0) -> bytes:
    return struct.pack("<HBBI", code, when_true, when_false, value)
