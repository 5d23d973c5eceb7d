"""System calls that no program needs, and that most ways out of a sandbox began with.

Each is made with arguments that do nothing; an answer other than a refusal means that the kernel
would have done it. Numbers are those of x86-64 and arm64; elsewhere nothing is tried.

>>> {attack.kind for attack in ATTACKS}
{'escape'}
"""

from typing import NamedTuple

from overproof.sandbox.attacks.attack import reports


class Call(NamedTuple):
    """One system call."""

    what: str
    x86_64: int
    aarch64: int
    """The call's number; -1 where the architecture lacks it."""
    arguments: str
    """Python expressions."""


_REFUSED_BY_FILTER = {
    "io_uring": Call(
        "files and sockets can be reached past a filter of system calls",
        *(425, 425),
        "4, room(120)",
    ),
    "bpf": Call(
        "code can be put into the kernel",
        *(321, 280),
        "0, room(128, '<IIIII', 2, 4, 4, 1, 0), 72",
    ),
    "perf_event_open": Call(
        "what the processor does for others can be measured",
        *(298, 241),
        "room(128, '<IIQQQQQ', 1, 112, 0, 0, 0, 0, 0x60), 0, -1, -1, 0",
    ),
    "userfaultfd": Call(
        "the kernel's copying of memory can be held at any point",
        *(323, 282),
        "1",
    ),
    "add_key": Call(
        "keys can be left in the kernel, for later programs",
        *(248, 217),
        "b'user', HOST['mark'].encode(), b'left', 4, -3",
    ),
    "keyctl": Call("keys that others left in the kernel can be read", 250, 219, "0, -3, 0"),
    "user_namespace": Call("a program can make itself root of a namespace", 272, 97, "0x10000000"),
    "name_to_handle": Call(
        "files can be named by number, to be opened past their folders",
        *(303, 264),
        "AT_CWD, b'.', room(200, '<Ii', 128, 0), room(8), 0",
    ),
    "fanotify": Call("all use of files can be watched", 300, 262, "0x200, 0"),
    "kernel_log": Call("the kernel's messages can be read", 103, 116, "10, 0, 0"),
    "descriptor_table": Call(
        "an old table of the processor can be changed", 154, -1, "0, room(64), 64"
    ),
    "personality": Call(
        "protections of the memory's layout can be turned off", 135, 92, "0x0040000"
    ),
    "shared_segment": Call(
        "memory can be left in the kernel after the program's end",
        *(29, 194),
        "HOST['key'], 4096, 0o1666",
    ),
    "message_queue": Call(
        "messages can be left in the kernel after the program's end",
        *(68, 186),
        "HOST['key'], 0o1666",
    ),
    "semaphores": Call(
        "semaphores can be left in the kernel after the program's end",
        *(64, 190),
        "HOST['key'], 1, 0o1666",
    ),
    "process_madvise": Call(
        "memory of other processes can be pushed out", 440, 440, "-1, 0, 0, 0, 0"
    ),
    "move_pages": Call("memory of other processes can be moved", 279, 239, "0, 0, 0, 0, 0, 0"),
}

_NEEDS_ROOT = {
    "mount": Call("file systems can be mounted", 165, 40, "b'none', b'.', b'tmpfs', 1, 0"),
    "umount": Call("file systems can be unmounted", 166, 39, "b'.', 2"),
    "pivot_root": Call("the root of the file system can be exchanged", 155, 41, "b'.', b'.'"),
    "chroot": Call("the root of the file system can be left", 161, 51, "b'.'"),
    "setns": Call(
        "the namespaces of other processes can be joined",
        *(308, 268),
        "descriptor('/proc/self/ns/net'), 0",
    ),
    "open_tree": Call("mounts can be copied by descriptors", 428, 428, "AT_CWD, b'.', 1"),
    "fsopen": Call("file systems can be made by descriptors", 430, 430, "b'tmpfs', 0"),
    "open_by_handle": Call(
        "files can be opened by their number",
        *(304, 265),
        "descriptor('.'), room(64, '<Ii', 8, 1), 0",
    ),
    "load_module": Call("modules can be loaded into the kernel", 175, 105, "0, 0, b''"),
    "remove_module": Call(
        "modules can be removed from the kernel", 176, 106, "b'no_such_module', 2048"
    ),
    "load_kernel": Call("another kernel can be loaded", 246, 104, "0, 0, 0, 0x7f"),
    "reboot": Call("the machine can be restarted", 169, 142, "1, 2, 3, 0"),
    "swap": Call("swap files can be changed", 168, 225, "b'/nowhere/at/all'"),
    "accounting": Call("the record of all processes can be changed", 163, 89, "b'/nowhere/at/all'"),
    "clock": Call("the machine's clock can be set", 164, 170, "0, 0"),
    "host_name": Call(
        "the machine's name can be changed",
        *(170, 161),
        "os.uname().nodename.encode(), len(os.uname().nodename.encode())",
    ),
    "ports": Call("the processor's ports can be opened", 172, -1, "3"),
    "priority": Call("other programs can be starved", 144, 119, "0, 1, room(8, '<i', 1)"),
}

_ARGUMENTS = """
AT_CWD = -100


def room(size, form="", *fields):
    return ctypes.create_string_buffer(struct.pack(form, *fields), size)


def descriptor(name):
    try: return os.open(name, os.O_RDONLY)
    except OSError: return -1


"""

_RIGHTS = {
    "becomes_another_user": """
        # a program can become another user, root for one
        def add(a, b):
            for user in {0, 1, 1000, 65534} - {os.getuid()}:
                if os.fork() == 0:
                    try:
                        os.setresuid(user, user, user)
                        os._exit(7)
                    except OSError: os._exit(0)
                if os.waitstatus_to_exitcode(os.wait()[1]) == 7: reached.append(f"user {user}")
            attempt("groups", os.setgroups, [])
            return report()
    """,
    "keeps_capabilities": """
        # a program keeps rights of root
        def add(a, b):
            header = ctypes.create_string_buffer(struct.pack("<Ii", 0x20080522, 0))
            data = ctypes.create_string_buffer(24)
            if libc.capget(header, data) == 0:
                held = struct.unpack("<6I", data.raw)
                if any(held[:2]) or any(held[3:5]): reached.append(f"{held[0]:x}")
            return report()
    """,
    "gains_rights_by_a_program": """
        # programs that run as root, like su, may be used
        def add(a, b):
            if libc.prctl(39, 0, 0, 0, 0) != 1: reached.append("rights may be gained")
            return report()
    """,
    "types_for_the_user": """
        # characters can be typed into the terminal that the run was started from
        import fcntl
        def add(a, b):
            attempt("terminal", lambda: os.open("/dev/tty", os.O_RDWR) and None)
            for number in range(256):
                for request in (0x5412, 0x541C):
                    if libc.ioctl(number, ctypes.c_ulong(request), None) == -1:
                        if ctypes.get_errno() == errno.EFAULT: reached.append(f"typed {number}")
            return report()
    """,
}

_FILES = {
    "opens_devices": """
        # devices can be opened: disks, memory, virtual machines, the kernel's messages
        def add(a, b):
            for name in ("mem", "kmsg", "port", "sda", "vda", "nvme0n1", "tty0", "fuse", "kvm",
                         "net/tun", "loop-control", "loop0", "userfaultfd", "vhost-net",
                         "vsock", "console", "ptmx", "dri/card0", "input/event0", "snd/seq"):
                attempt(name, lambda: os.close(os.open("/dev/" + name, os.O_RDONLY)))
            return report()
    """,
    "makes_a_device": """
        # a device can be made in the working folder, and opened
        import stat
        def add(a, b):
            for kind, numbers in ((stat.S_IFCHR, (1, 3)), (stat.S_IFBLK, (7, 0))):
                name = f"device{kind}"
                attempt("made", lambda: os.mknod(name, 0o666 | kind, os.makedev(*numbers)))
                attempt("opened", lambda: os.close(os.open(name, os.O_RDONLY)))
            return report()
    """,
    "steers_the_kernel": """
        # files that steer the kernel can be opened for writing
        def add(a, b):
            for name in ("/proc/sysrq-trigger", "/proc/sys/kernel/core_pattern", "/proc/kcore",
                         "/proc/sys/kernel/modprobe", "/proc/sys/vm/drop_caches",
                         "/sys/kernel/uevent_helper", "/proc/sys/kernel/hostname",
                         "/proc/1/oom_score_adj", "/sys/power/state", "/dev/cpu_dma_latency"):
                attempt(name, lambda: os.close(os.open(name, os.O_WRONLY)))
            return report()
    """,
    "reads_the_kernel": """
        # files that show the kernel's addresses, devices and settings can be read
        def add(a, b):
            try: lines = open("/proc/kallsyms").readlines()
            except OSError: lines = []
            if any(line.strip("0")[:1] != " " for line in lines): reached.append("addresses")
            for name in ("/proc/kcore", "/proc/keys", "/sys/kernel", "/sys/class",
                         "/proc/iomem", "/proc/cmdline", "/sys/fs/cgroup", "/proc/net/unix"):
                attempt(name, lambda: os.listdir(name)[:0] if os.path.isdir(name)
                        else open(name).read(1)[:0])
            return report()
    """,
    "leaves_its_group_of_processes": """
        # the groups that limit memory and processors can be changed
        def add(a, b):
            for top in ("/sys/fs/cgroup", "/sys/fs/cgroup/memory", "/sys/fs/cgroup/unified"):
                name = top + "/" + HOST["mark"]
                attempt("made", os.mkdir, name)
                attempt("joined", lambda: open(name + "/cgroup.procs", "r+").write("0") and None)
            return report()
    """,
}


def _programs(calls: dict[str, Call]) -> dict[str, str]:
    return {
        f"calls_{name}": f"# {call.what}\n{_ARGUMENTS}"
        f"def add(a, b):\n"
        f"    call({name!r}, {call.x86_64}, {call.aarch64}, {call.arguments})\n"
        "    libc.umount2(b'.', 2)\n"
        "    return report()\n"
        for name, call in calls.items()
    }


ATTACKS = (
    *reports("escape", _programs(_REFUSED_BY_FILTER), held_by=("seccomp", "seatbelt")),
    *reports("escape", _programs(_NEEDS_ROOT)),
    *reports("escape", _RIGHTS),
    *reports("escape", _FILES, held_by=("namespaces", "landlock", "seatbelt")),
)
