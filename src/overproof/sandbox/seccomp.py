"""System calls that no program needs: a filter that refuses them, for x86-64 and arm64.

A list of refusals, not of permissions: idiomatic programs (numpy, multiprocessing, subprocess)
must run. Refused are other processes' memory and limits, mounts and namespaces, kernel modules
and keys, io_uring, bpf, perf, clocks, IPC objects that outlive a process, and sockets other than
those the tier allows. Source: seccomp(2), and the kernel's system call tables.

Covered: x86-64 (its x32 calls are refused) and arm64; another architecture's calls kill.
Not covered: other machines, where `build` returns None and the tier falls.

    python -c "from overproof.sandbox import seccomp; print(len(seccomp.build('AF_UNIX')))"
"""

import ctypes
import os
import socket
import struct
from collections.abc import Sequence
from dataclasses import dataclass

_ARCHITECTURES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}
"""Machine -> column of the tables below, and the kernel's name for it (linux/audit.h)."""

# name: (x86-64, arm64); -1 where the architecture lacks the call
_REFUSED = {
    "ptrace": (101, 117), "process_vm_readv": (310, 270), "process_vm_writev": (311, 271),
    "process_madvise": (440, 440), "pidfd_getfd": (438, 438), "kcmp": (312, 272),
    "mount": (165, 40), "umount2": (166, 39), "pivot_root": (155, 41), "chroot": (161, 51),
    "open_tree": (428, 428), "move_mount": (429, 429), "fsopen": (430, 430),
    "fsconfig": (431, 431), "fsmount": (432, 432), "fspick": (433, 433),
    "mount_setattr": (442, 442), "unshare": (272, 97), "setns": (308, 268),
    "bpf": (321, 280), "perf_event_open": (298, 241), "userfaultfd": (323, 282),
    "add_key": (248, 217), "request_key": (249, 218), "keyctl": (250, 219),
    "io_uring_setup": (425, 425), "io_uring_enter": (426, 426), "io_uring_register": (427, 427),
    "name_to_handle_at": (303, 264), "open_by_handle_at": (304, 265),
    "fanotify_init": (300, 262), "fanotify_mark": (301, 263),
    "init_module": (175, 105), "finit_module": (313, 273), "delete_module": (176, 106),
    "kexec_load": (246, 104), "kexec_file_load": (320, 294), "reboot": (169, 142),
    "swapon": (167, 224), "swapoff": (168, 225), "acct": (163, 89), "quotactl": (179, 60),
    "quotactl_fd": (443, 443), "syslog": (103, 116), "vhangup": (153, 58),
    "iopl": (172, -1), "ioperm": (173, -1), "modify_ldt": (154, -1),
    "settimeofday": (164, 170), "clock_settime": (227, 112), "clock_adjtime": (305, 266),
    "adjtimex": (159, 171), "sethostname": (170, 161), "setdomainname": (171, 162),
    "personality": (135, 92), "move_pages": (279, 239), "migrate_pages": (256, 238),
    "memfd_create": (319, 279), "memfd_secret": (447, 447),
    "shmget": (29, 194), "semget": (64, 190), "msgget": (68, 186), "mq_open": (240, 180),
}  # fmt: skip
_ONLY_ITSELF = {
    "prlimit64": ((302, 261), (0,)), "sched_setaffinity": ((203, 122), (0,)),
    "sched_setscheduler": ((144, 119), (0,)), "sched_setparam": ((142, 118), (0,)),
    "sched_setattr": ((314, 274), (0,)), "setpriority": ((141, 140), (0, 1)),
    "ioprio_set": ((251, 30), (1,)),
}  # fmt: skip
"""Allowed where these arguments are 0, which names the calling process."""
_SIGNALS = {"kill": (62, 129), "tgkill": (234, 131)}
_OTHER_SIGNALS = {
    "tkill": (200, 130), "pidfd_send_signal": (424, 424),
    "rt_sigqueueinfo": (129, 138), "rt_tgsigqueueinfo": (297, 240),
}  # fmt: skip
_SOCKET, _CLONE, _CLONE3, _IOCTL = (41, 198), (56, 220), (435, 435), (16, 29)
_NEW_NAMESPACES, _TIOCSTI, _TIOCLINUX = 0x7E020000, 0x5412, 0x541C
_X32 = 0x40000000

_KILL, _ALLOW, _REFUSE = 0x80000000, 0x7FFF0000, 0x00050000
_EPERM, _ENOSYS, _EAFNOSUPPORT = 1, 38, 97
_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_NUMBER, _ARCHITECTURE, _ARGUMENT = 0, 4, 16
_PR_SET_NO_NEW_PRIVS, _PR_SET_SECCOMP, _MODE_FILTER = 38, 22, 2


@dataclass(frozen=True)
class Instruction:
    """One instruction of classic BPF: jumps are counted from the next instruction."""

    code: int
    if_true: int
    if_false: int
    value: int

    def packed(self) -> bytes:
        """Return its eight bytes."""
        return struct.pack("<HBBI", self.code, self.if_true, self.if_false, self.value)


def build(*families: str, signals_to: int = 0) -> bytes | None:
    """Return the filter's instructions, or None on an architecture that has no table here.

    `families` are the address families that a socket may have (`AF_UNIX`, …). With
    `signals_to`, a process id, signals go to that process only: for kernels whose Landlock
    does not scope them.
    """
    column, architecture = _ARCHITECTURES.get(os.uname().machine, (-1, 0))
    if column < 0:
        return None
    program = [
        Instruction(_LOAD, 0, 0, _ARCHITECTURE),
        Instruction(_EQUAL, 1, 0, architecture),
        Instruction(_RETURN, 0, 0, _KILL),
        Instruction(_LOAD, 0, 0, _NUMBER),
    ]
    if column == 0:
        program += [Instruction(_AT_LEAST, 0, 1, _X32), _refuse(_ENOSYS)]
    refused = [numbers[column] for numbers in _REFUSED.values()]
    if signals_to:
        refused += [numbers[column] for numbers in _OTHER_SIGNALS.values()]
    for number in refused:
        if number >= 0:
            program += [Instruction(_EQUAL, 0, 1, number), _refuse(_EPERM)]
    program += [Instruction(_EQUAL, 0, 1, _CLONE3[column]), _refuse(_ENOSYS)]  # glibc falls back
    program += _when(
        _CLONE[column], 0, [Instruction(_ANY_BIT, 0, 1, _NEW_NAMESPACES), _refuse(_EPERM)]
    )
    for numbers, arguments in _ONLY_ITSELF.values():
        for argument in arguments:
            program += _when(numbers[column], argument, _unless(0))
    if signals_to:
        for numbers in _SIGNALS.values():
            program += _when(numbers[column], 0, _unless(signals_to))
    program += _when(
        _IOCTL[column],
        1,
        [
            Instruction(_EQUAL, 1, 0, _TIOCSTI),
            Instruction(_EQUAL, 0, 1, _TIOCLINUX),
            _refuse(_EPERM),
        ],
    )
    allowed = [int(getattr(socket, name)) for name in families]
    jumps = [
        Instruction(_EQUAL, len(allowed) - place, 0, family) for place, family in enumerate(allowed)
    ]
    program += _when(_SOCKET[column], 0, [*jumps, _refuse(_EAFNOSUPPORT)])
    program += [Instruction(_RETURN, 0, 0, _ALLOW)]
    return b"".join(instruction.packed() for instruction in program)


def build_indulgent() -> bytes | None:
    """Return a filter to be laid over that of `build`: thread priorities are left as they are.

    Setting the scheduling of a thread by its number, which `build` refuses since it may be another
    process's, then does nothing and succeeds: mono complains on standard output otherwise.
    """
    column, architecture = _ARCHITECTURES.get(os.uname().machine, (-1, 0))
    if column < 0:
        return None
    number = _ONLY_ITSELF["sched_setscheduler"][0][column]
    program = [
        Instruction(_LOAD, 0, 0, _ARCHITECTURE),
        Instruction(_EQUAL, 1, 0, architecture),
        Instruction(_RETURN, 0, 0, _KILL),
        Instruction(_LOAD, 0, 0, _NUMBER),
        *_when(number, 0, [Instruction(_EQUAL, 1, 0, 0), _refuse(0)]),
        Instruction(_RETURN, 0, 0, _ALLOW),
    ]
    return b"".join(instruction.packed() for instruction in program)


def install(instructions: bytes) -> None:
    """Apply the filter to this process and all that it starts, for good. Raises: OSError."""
    libc = ctypes.CDLL(None, use_errno=True)
    buffer = ctypes.create_string_buffer(instructions, len(instructions))

    class Program(ctypes.Structure):
        """`struct sock_fprog`."""

        _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_void_p))

    program = Program(len(instructions) // 8, ctypes.addressof(buffer))
    one, mode = ctypes.c_ulong(1), ctypes.c_ulong(_MODE_FILTER)
    if libc.prctl(_PR_SET_NO_NEW_PRIVS, one, 0, 0, 0) or libc.prctl(
        _PR_SET_SECCOMP, mode, ctypes.byref(program), 0, 0
    ):
        raise OSError(ctypes.get_errno(), f"seccomp: {os.strerror(ctypes.get_errno())}")


def _refuse(number: int) -> Instruction:
    return Instruction(_RETURN, 0, 0, _REFUSE | number)


def _unless(value: int) -> list[Instruction]:
    return [Instruction(_EQUAL, 1, 0, value), _refuse(_EPERM)]


def _when(number: int, argument: int, then: Sequence[Instruction]) -> list[Instruction]:
    """For one call: look at the low half of an argument, then go on with the number again."""
    body = [
        Instruction(_LOAD, 0, 0, _ARGUMENT + 8 * argument),
        *then,
        Instruction(_LOAD, 0, 0, _NUMBER),
    ]
    return [Instruction(_EQUAL, 0, len(body), number), *body]
