"""System-call filters as classic BPF programs, assembled by hand so that no library is needed.

Three filters. A sealed worker carries the first two, a program in a room the third:

- ``launch``: given to ``bwrap --seccomp``, in force from before the interpreter starts;
- ``sealed``: installed by the worker itself when it has given up its privileges and set its limits. It
  denies everything ``launch`` denies and what the worker no longer needs (exec, limits, user ids);
- ``program``: installed in a room's child before it becomes the candidate's program. It may start processes
  and threads and send signals; all else that ``launch`` denies stays denied.

A denied call fails with EPERM, so plain Python sees an ordinary ``PermissionError``. A call newer than the
table fails with ENOSYS, which C libraries take as "not there" and work around. A foreign architecture is
killed. In a worker ``exit`` with a code above 127 is killed too: ``bwrap`` reports death by signal N as 128 + N,
and a candidate must not be able to claim a signal it did not die of.
"""

import errno
import platform
import struct
from typing import NamedTuple

_LOAD, _JUMP_EQUAL, _JUMP_ABOVE, _JUMP_AT_LEAST, _JUMP_IF_SET, _AND, _RETURN = 0x20, 0x15, 0x25, 0x35, 0x45, 0x54, 0x06
_NUMBER_AT, _ARCHITECTURE_AT, _ARGUMENT_AT = 0, 4, 16
_ALLOW, _KILL, _ERRNO = 0x7FFF0000, 0x80000000, 0x00050000
_X32_BIT = 0x40000000
_FIRST_UNKNOWN = 453
"""Numbers from here on came after the table was written; they are the same on both architectures."""


class _Machine(NamedTuple):
    audit: int
    """AUDIT_ARCH_* of linux/audit.h."""
    column: int
    exits: tuple[int, int]
    """Numbers of exit and exit_group."""


_MACHINES = {
    "x86_64": _Machine(0xC000003E, 0, (60, 231)),
    "aarch64": _Machine(0xC00000B7, 1, (93, 94)),
}

_LAUNCH: dict[str, tuple[int | None, int | None]] = {
    # new processes and threads
    "fork": (57, None),
    "vfork": (58, None),
    "clone": (56, 220),
    "clone3": (435, 435),
    # other processes: their memory, descriptors and signals
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "process_madvise": (440, 440),
    "process_mrelease": (448, 448),
    "pidfd_open": (434, 434),
    "pidfd_getfd": (438, 438),
    "pidfd_send_signal": (424, 424),
    "kcmp": (312, 272),
    "kill": (62, 129),
    "tkill": (200, 130),
    "tgkill": (234, 131),
    "rt_sigqueueinfo": (129, 138),
    "rt_tgsigqueueinfo": (297, 240),
    "migrate_pages": (256, 238),
    "move_pages": (279, 239),
    "perf_event_open": (298, 241),
    # sockets, and the ring that opens them without the call
    "socket": (41, 198),
    "socketpair": (53, 199),
    "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    # namespaces and mounts
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "chroot": (161, 51),
    "unshare": (272, 97),
    "setns": (308, 268),
    "open_tree": (428, 428),
    "move_mount": (429, 429),
    "fsopen": (430, 430),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "fspick": (433, 433),
    "mount_setattr": (442, 442),
    "quotactl": (179, 60),
    "quotactl_fd": (443, 443),
    "swapon": (167, 224),
    "swapoff": (168, 225),
    "name_to_handle_at": (303, 264),
    "open_by_handle_at": (304, 265),
    "fanotify_init": (300, 262),
    # the kernel itself
    "bpf": (321, 280),
    "userfaultfd": (323, 282),
    "keyctl": (250, 219),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "init_module": (175, 105),
    "finit_module": (313, 273),
    "delete_module": (176, 106),
    "kexec_load": (246, 104),
    "kexec_file_load": (320, 294),
    "reboot": (169, 142),
    "syslog": (103, 116),
    "acct": (163, 89),
    "iopl": (172, None),
    "ioperm": (173, None),
    "modify_ldt": (154, None),
    "lookup_dcookie": (212, 18),
    "vhangup": (153, 58),
    "personality": (135, 92),
    "settimeofday": (164, 170),
    "clock_settime": (227, 112),
    "clock_adjtime": (305, 266),
    "adjtimex": (159, 171),
    "sethostname": (170, 161),
    "setdomainname": (171, 162),
    # memory that RLIMIT_AS does not count, or that cannot be swapped
    "memfd_create": (319, 279),
    "memfd_secret": (447, 447),
    "shmget": (29, 194),
    "shmat": (30, 196),
    "shmctl": (31, 195),
    "shmdt": (67, 197),
    "msgget": (68, 186),
    "semget": (64, 190),
    "mq_open": (240, 180),
    "mq_unlink": (241, 181),
    "mlock": (149, 228),
    "mlock2": (325, 284),
    "mlockall": (151, 230),
    "mbind": (237, 235),
    "set_mempolicy": (238, 237),
    # the pinning and priority that the judge chose
    "sched_setaffinity": (203, 122),
    "sched_setscheduler": (144, 119),
    "sched_setparam": (142, 118),
    "sched_setattr": (314, 274),
    "setpriority": (141, 140),
    "ioprio_set": (251, 30),
}

_SEALED: dict[str, tuple[int | None, int | None]] = {
    **_LAUNCH,
    "execve": (59, 221),
    "execveat": (322, 281),
    "prlimit64": (302, 261),
    "setrlimit": (160, 164),
    "prctl": (157, 167),
    "seccomp": (317, 277),
    "setuid": (105, 146),
    "setgid": (106, 144),
    "setreuid": (113, 145),
    "setregid": (114, 143),
    "setresuid": (117, 147),
    "setresgid": (119, 149),
    "setgroups": (116, 159),
    "setfsuid": (122, 151),
    "setfsgid": (123, 152),
    "capset": (126, 91),
    # changes to files that landlock does not know
    "chmod": (90, None),
    "fchmod": (91, 52),
    "fchmodat": (268, 53),
    "fchmodat2": (452, 452),
    "chown": (92, None),
    "fchown": (93, 55),
    "lchown": (94, None),
    "fchownat": (260, 54),
    "utime": (132, None),
    "utimes": (235, None),
    "futimesat": (261, None),
    "utimensat": (280, 88),
    "setxattr": (188, 5),
    "lsetxattr": (189, 6),
    "fsetxattr": (190, 7),
    "removexattr": (197, 14),
    "lremovexattr": (198, 15),
    "fremovexattr": (199, 16),
}


_STARTS_AND_SIGNALS = {
    *("fork", "vfork", "clone", "clone3", "kill", "tkill", "tgkill", "rt_sigqueueinfo", "rt_tgsigqueueinfo"),
}
"""What a program may do and a worker may not; clone with conditions."""
_PROGRAM = {name: numbers for name, numbers in _LAUNCH.items() if name not in _STARTS_AND_SIGNALS}
_NEW_NAMESPACES = 0x7E020000
"""CLONE_NEW* of linux/sched.h in the flags of clone, whose first argument they are on both architectures."""


def supported() -> bool:
    """Return whether the table covers this machine's architecture."""
    return platform.machine() in _MACHINES


def denied_at_launch() -> tuple[str, ...]:
    """Return the names of the calls that the launch filter denies."""
    return tuple(_LAUNCH)


def launch_filter() -> bytes:
    """Return the filter for ``bwrap --seccomp``: an array of ``struct sock_filter``.

    Raises KeyError on an architecture the table does not cover (see ``supported``).
    """
    return _assemble(_LAUNCH, _MACHINES[platform.machine()])


def sealed_filter() -> bytes:
    """Return the filter the worker installs before any candidate code. Raises KeyError like the other."""
    return _assemble(_SEALED, _MACHINES[platform.machine()])


def program_filter() -> bytes:
    """Return the filter of a program in a room. Raises KeyError like the others.

    clone3 is "not there", since its flags lie in memory where a filter cannot look: libraries fall back to
    clone, whose namespace flags are refused. prlimit64 works on the caller alone: the room's runner may have
    the same user id.
    """
    machine = _MACHINES[platform.machine()]
    program = _head(machine) + _denials(_PROGRAM, machine)
    column = machine.column
    program += [(_JUMP_EQUAL, 0, 1, _LAUNCH["clone3"][column] or 0), (_RETURN, 0, 0, _ERRNO | errno.ENOSYS)]
    for name, jump, value in (("clone", _JUMP_IF_SET, _NEW_NAMESPACES), ("prlimit64", _JUMP_AT_LEAST, 1)):
        number = _SEALED[name][column] or 0
        program += [
            (_JUMP_EQUAL, 0, 4, number),
            (_LOAD, 0, 0, _ARGUMENT_AT),
            (jump, 0, 1, value),
            (_RETURN, 0, 0, _ERRNO | errno.EPERM),
            (_RETURN, 0, 0, _ALLOW),
        ]
    return _packed([*program, (_RETURN, 0, 0, _ALLOW)])


Instruction = tuple[int, int, int, int]


def _assemble(denied: dict[str, tuple[int | None, int | None]], machine: _Machine) -> bytes:
    program = _head(machine) + _denials(denied, machine)
    for number in machine.exits:
        program += [
            (_JUMP_EQUAL, 0, 5, number),
            (_LOAD, 0, 0, _ARGUMENT_AT),
            (_AND, 0, 0, 0xFF),
            (_JUMP_ABOVE, 0, 1, 127),
            (_RETURN, 0, 0, _KILL),
            (_RETURN, 0, 0, _ALLOW),
        ]
    return _packed([*program, (_RETURN, 0, 0, _ALLOW)])


def _head(machine: _Machine) -> list[Instruction]:
    return [
        (_LOAD, 0, 0, _ARCHITECTURE_AT),
        (_JUMP_EQUAL, 1, 0, machine.audit),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, _NUMBER_AT),
        (_JUMP_AT_LEAST, 0, 1, _X32_BIT),
        (_RETURN, 0, 0, _KILL),
        (_JUMP_AT_LEAST, 0, 1, _FIRST_UNKNOWN),
        (_RETURN, 0, 0, _ERRNO | errno.ENOSYS),
    ]


def _denials(denied: dict[str, tuple[int | None, int | None]], machine: _Machine) -> list[Instruction]:
    numbers = [pair[machine.column] for pair in denied.values()]
    return [
        instruction
        for number in numbers
        if number is not None
        for instruction in ((_JUMP_EQUAL, 0, 1, number), (_RETURN, 0, 0, _ERRNO | errno.EPERM))
    ]


def _packed(program: list[Instruction]) -> bytes:
    return b"".join(struct.pack("=HBBI", *instruction) for instruction in program)
