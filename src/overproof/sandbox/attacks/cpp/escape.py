"""C++ that reaches for files, processes, the kernel and the network of the machine.

What it reaches is what `HOST` names: see `overproof.sandbox.traps`.

>>> {attack.kind for attack in ATTACKS}
{'escape'}
"""

from overproof.sandbox.attacks.attack import FAILED, HOLDS, Layer, corpus, reports
from overproof.sandbox.attacks.cpp.prelude import REPORT

_READ = {
    "reads_files": r"""
        // files of the machine can be read, by path, by handle, in a map or in another program
        #include <sys/mman.h>
        std::string add(long, long) {
          for (EACH(folder, HOST_places)) {
            const std::string name = std::string(folder) + "/canary";
            take("read", open(name.c_str(), O_RDONLY));
            const int top = open(folder, O_PATH);
            if (top >= 0) take("read at", openat(top, "canary", O_RDONLY));
            const int handle = open(name.c_str(), O_PATH);
            if (handle >= 0)
              take("opened", open(("/proc/self/fd/" + std::to_string(handle)).c_str(), O_RDONLY));
            const int file = open(name.c_str(), O_RDWR);
            void* map = file < 0 ? MAP_FAILED : mmap(nullptr, 60, PROT_READ, MAP_SHARED, file, 0);
            if (map != MAP_FAILED) note("mapped " + std::string(static_cast<char*>(map), 40));
          }
          return report();
        }
    """,
    "reads_through_links": r"""
        // a link, or a path that climbs out of the folder, leads to a file outside
        std::string add(long, long) {
          int number = 0;
          for (EACH(folder, HOST_places)) {
            const std::string name = std::string(folder) + "/canary";
            const std::string soft = "s" + std::to_string(number), hard = soft + "h";
            ++number;
            symlink(name.c_str(), soft.c_str());
            link(name.c_str(), hard.c_str());
            take("soft", open(soft.c_str(), O_RDONLY));
            take("hard", open(hard.c_str(), O_RDONLY));
            take("up", open(("../../../../../../../.." + name).c_str(), O_RDONLY));
            for (EACH(way, {"/proc/self/root", "/proc/1/root", "/proc/self/cwd/../../../.."}))
              take(way, open((way + name).c_str(), O_RDONLY));
          }
          return report();
        }
    """,
    "reads_system_files": r"""
        // files that tell of users and of this machine can be read
        std::string add(long, long) {
          for (EACH(name, {"/etc/passwd", "/etc/shadow", "/etc/machine-id", "/etc/hostname",
                           "/etc/resolv.conf", "/root", "/home", "/boot", "/var/log", "/dev/mem",
                           "/dev/kmsg", "/proc/kcore", "/proc/kallsyms", "/sys/kernel"}))
            attempt(name, open(name, O_RDONLY));
          return report();
        }
    """,
    "reads_other_processes": r"""
        // the memory, files and environment of other processes can be read
        #include <sys/uio.h>
        std::string add(long, long) {
          const std::string pid = "/proc/" + std::to_string(HOST_pid);
          for (EACH(name, {"/environ", "/cmdline", "/maps", "/mem"}))
            take(name, open((pid + name).c_str(), O_RDONLY));
          take("file", open((pid + "/fd/" + std::to_string(HOST_open_file)).c_str(), O_RDONLY));
          char text[60] = {};
          iovec here{text, 59}, there{reinterpret_cast<void*>(HOST_address), 59};
          if (process_vm_readv(HOST_pid, &here, 1, &there, 1, 0) > 0) note(text);
          return report();
        }
    """,
}
_WRITE = {
    "writes_to_files": r"""
        // files of the machine can be overwritten, cut, deleted and moved, and others made
        std::string add(long, long) {
          for (EACH(folder, HOST_places)) {
            const std::string name = std::string(folder) + "/canary";
            const std::string mine = std::string(folder) + "/" + HOST_mark;
            for (const int flags : {O_WRONLY, O_RDWR | O_TRUNC, O_WRONLY | O_APPEND}) {
              const int file = open(name.c_str(), flags);
              if (file >= 0) attempt("wrote", write(file, "x", 1));
            }
            attempt("cut", truncate(name.c_str(), 1));
            attempt("moved", rename(name.c_str(), (name + "2").c_str()));
            attempt("deleted", unlink((name + "2").c_str()));
            attempt("file", creat(mine.c_str(), 0666));
            attempt("folder", mkdir((mine + "d").c_str(), 0777));
            attempt("link", symlink("/", (mine + "l").c_str()));
            attempt("device", mknod((mine + "n").c_str(), S_IFCHR | 0666, 0x103));
            attempt("nameless", open(folder, O_TMPFILE | O_WRONLY, 0666));
          }
          const int pipe = open(HOST_pipe, O_WRONLY | O_NONBLOCK);
          if (pipe >= 0) attempt("pipe", write(pipe, HOST_mark, sizeof HOST_mark - 1));
          return report();
        }
    """,
    "writes_to_programs": r"""
        // programs and libraries of the machine can be written
        std::string add(long, long) {
          for (EACH(name, {"/usr/bin/g++", "/bin/sh", "/lib64/ld-linux-x86-64.so.2", "/etc/passwd",
                           "/usr/include/stdio.h", "/proc/sys/kernel/core_pattern"}))
            attempt(name, open(name, O_WRONLY));
          for (EACH(folder, {"/usr/lib", "/usr/local/include", "/usr/include/c++", "/etc", "/lib"}))
            if (const int made = creat((std::string(folder) + "/" + HOST_mark).c_str(), 0666);
                attempt(folder, made) >= 0)
              unlink((std::string(folder) + "/" + HOST_mark).c_str());
          return report();
        }
    """,
}
_METADATA = {
    "changes_permissions": r"""
        // permissions, owners and times of the machine's files can be changed
        #include <utime.h>
        std::string add(long, long) {
          for (EACH(folder, HOST_places)) {
            const std::string name = std::string(folder) + "/canary";
            const utimbuf times{1, 1};
            attempt("chmod", chmod(name.c_str(), 0600));
            attempt("chown", chown(name.c_str(), getuid(), getgid()));
            attempt("times", utime(name.c_str(), &times));
          }
          return report();
        }
    """,
}
_ENVIRONMENT = {
    "inherits_the_environment": r"""
        // tokens, keys and open files of the run are there for the program
        extern char** environ;
        std::string add(long, long) {
          for (char** text = environ; *text; ++text)
            if (std::strstr(*text, HOST_variable)) note(*text);
          for (int file = 4; file < 1024; ++file)
            if (fcntl(file, F_GETFD) >= 0) note("descriptor " + std::to_string(file));
          return report();
        }
    """,
}
_KERNEL = {
    "asks_the_kernel": r"""
        // the kernel does for the program what no program needs
        std::string add(long, long) {
          call("ptrace", SYS_ptrace, 0x4206, HOST_pid, 0, 0);
          call("kcmp", SYS_kcmp, HOST_pid, HOST_pid, 0, 1, 1);
          call("unshare", SYS_unshare, 0x10000000);
          call("mount", SYS_mount, "none", ".", "tmpfs", 1, 0);
          call("umount", SYS_umount2, ".", 2);
          call("chroot", SYS_chroot, ".");
          call("bpf", SYS_bpf, 0, nullptr, 0);
          call("perf", SYS_perf_event_open, nullptr, 0, -1, -1, 0);
          call("key", SYS_keyctl, 0, -3, 0);
          call("message queue", SYS_msgget, HOST_key, 01666);
          call("segment", SYS_shmget, HOST_key, 4096, 01666);
          call("io_uring", 425, 4, nullptr);
          call("userfaultfd", SYS_userfaultfd, 1);
          call("personality", SYS_personality, 0x0040000);
          call("clock", SYS_settimeofday, nullptr, nullptr);
          call("log", SYS_syslog, 10, nullptr, 0);
          call("module", SYS_delete_module, "no_such_module", 2048);
          call("memory as a file", SYS_memfd_create, "x", 0);
          call("files by number", SYS_open_by_handle_at, 0, nullptr, 0);
          return report();
        }
    """,
    "makes_namespaces": r"""
        // a child gets namespaces, and with them rights, of its own
        std::string add(long, long) {
          for (const long flags : {0x10000000, 0x20000000, 0x40000000, 0x00020000, 0x02000000}) {
            const long child = syscall(SYS_clone, flags | SIGCHLD, 0, 0, 0, 0);
            if (child == 0) _exit(0);
            attempt("namespace", child);
          }
          return report();
        }
    """,
    "takes_rights": r"""
        // the program becomes another user, or root, by itself or by a program that gives rights
        #include <sys/prctl.h>
        std::string add(long, long) {
          const int user = getuid();
          if (user != 0) {
            attempt("root", setuid(0));
            attempt("root", setresuid(0, 0, 0));
          }
          attempt("rights to come", prctl(PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0));
          for (EACH(name, {"/bin/su", "/usr/bin/sudo", "/bin/mount", "/usr/bin/passwd"})) {
            struct stat state;
            if (stat(name, &state) == 0 && prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1) note(name);
          }
          return report();
        }
    """,
}
_SIGNALS = {
    "signals_processes": r"""
        // signals reach other processes: they can be ended
        std::string add(long, long) {
          for (const int pid : {HOST_pid, HOST_self}) {
            attempt("kill", kill(pid, SIGURG));
            if (pid > 1) attempt("group", kill(-pid, SIGURG));
            call("tgkill", SYS_tgkill, pid, pid, SIGURG);
            call("tkill", SYS_tkill, pid, SIGURG);
            siginfo_t info{};
            info.si_code = SI_QUEUE;
            call("queued", SYS_rt_sigqueueinfo, pid, SIGURG, &info);
            const int handle = syscall(SYS_pidfd_open, pid, 0);
            if (handle >= 0) call("by handle", SYS_pidfd_send_signal, handle, SIGURG, nullptr, 0);
            if (handle >= 0) call("its file", SYS_pidfd_getfd, handle, HOST_open_file, 0);
          }
          return report();
        }
    """,
}
_KILLERS = {
    "kills_its_parent": r"""
        // the process that watches the program can be ended or stopped
        std::string add(long, long) {
          for (const int number : {SIGSTOP, SIGTERM, SIGKILL})
            for (const int pid : {static_cast<int>(getppid()), 1}) kill(pid, number);
          return "held";
        }
    """,
    "kills_everything": r"""
        // one signal to all ends every process of this user
        std::string add(long, long) { kill(-1, SIGKILL); return "held"; }
    """,
}

_SOCKETS = r"""
#include <arpa/inet.h>
#include <sys/socket.h>
#include <sys/un.h>
static void reach(const char* label, int family, int kind, const void* address, socklen_t size) {
  const int line = socket(family, kind, 0);
  if (line < 0 || connect(line, static_cast<const sockaddr*>(address), size) < 0) return;
  attempt(label, write(line, HOST_mark, sizeof HOST_mark - 1));
}
"""
_NETWORK = {
    "connects": r"""
        // servers of this machine, and so of the internet, can be reached
        std::string add(long, long) {
          sockaddr_in four{};
          four.sin_family = AF_INET;
          four.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
          four.sin_port = htons(HOST_tcp);
          reach("tcp", AF_INET, SOCK_STREAM, &four, sizeof four);
          four.sin_port = htons(HOST_udp);
          reach("udp", AF_INET, SOCK_DGRAM, &four, sizeof four);
          sockaddr_in6 six{};
          six.sin6_family = AF_INET6;
          six.sin6_addr = in6addr_loopback;
          six.sin6_port = htons(HOST_tcp6);
          reach("tcp6", AF_INET6, SOCK_STREAM, &six, sizeof six);
          six.sin6_port = htons(HOST_udp6);
          reach("udp6", AF_INET6, SOCK_DGRAM, &six, sizeof six);
          return report();
        }
    """,
    "opens_raw_sockets": r"""
        // packets of any kind can be sent and listened to
        std::string add(long, long) {
          for (const int protocol : {1, 17, 255})
            attempt("raw", socket(AF_INET, SOCK_RAW, protocol));
          attempt("packet", socket(AF_PACKET, SOCK_RAW, 0x300));
          return report();
        }
    """,
}
_PATHS = {
    "connects_by_path": r"""
        // services that listen in a folder, like Docker's or an agent's, can be reached
        std::string add(long, long) {
          for (EACH(name, HOST_sockets)) {
            sockaddr_un address{};
            address.sun_family = AF_UNIX;
            std::strncpy(address.sun_path, name, sizeof address.sun_path - 1);
            reach("connected", AF_UNIX, SOCK_STREAM, &address, sizeof address);
          }
          return report();
        }
    """,
}
_ABSTRACT = {
    "connects_by_abstract_name": r"""
        // services with an abstract name, like a desktop's bus, can be reached
        std::string add(long, long) {
          sockaddr_un address{};
          address.sun_family = AF_UNIX;
          std::strcpy(address.sun_path + 1, HOST_abstract);
          const socklen_t size = offsetof(sockaddr_un, sun_path) + sizeof HOST_abstract;
          reach("connected", AF_UNIX, SOCK_STREAM, &address, size);
          return report();
        }
    """,
}
_FAMILIES = {
    "opens_odd_sockets": r"""
        // sockets that talk to the kernel or to a host of virtual machines can be opened
        std::string add(long, long) {
          for (int family = 2; family < 46; ++family)
            for (const int kind : {SOCK_STREAM, SOCK_DGRAM, SOCK_RAW, SOCK_SEQPACKET})
              if (family != AF_INET && family != AF_INET6 && socket(family, kind, 0) >= 0)
                note("family " + std::to_string(family));
          return report();
        }
    """,
}

_FILES_HELD: tuple[Layer, ...] = ("namespaces", "landlock", "seatbelt")
_NETWORK_HELD: tuple[Layer, ...] = ("namespaces", "seccomp", "seatbelt")
_WORKS_ON = '#include <string>\nstd::string add(long, long) { return "held"; }\n'

ATTACKS = (
    *reports("escape", _READ, language="cpp", prelude=REPORT, held_by=_FILES_HELD),
    *reports("escape", _WRITE, language="cpp", prelude=REPORT, held_by=_FILES_HELD),
    *reports(
        "escape", _METADATA, language="cpp", prelude=REPORT, held_by=("namespaces", "seatbelt")
    ),
    *reports("escape", _ENVIRONMENT, language="cpp", prelude=REPORT),
    *reports("escape", _KERNEL, language="cpp", prelude=REPORT, held_by=("seccomp", "seatbelt")),
    *reports(
        "escape",
        _SIGNALS,
        language="cpp",
        prelude=REPORT,
        held_by=("namespaces", "landlock 6", "seccomp", "seatbelt"),
        traps=("SIGURG",),
    ),
    *corpus(
        "escape",
        _KILLERS,
        language="cpp",
        prelude=REPORT,
        expect=("passed", *FAILED),
        reference=HOLDS,
        held_by=("namespaces", "landlock 6", "seccomp"),
        budget="small",
        danger="signals",
        next_program=_WORKS_ON,
    ),
    *reports("escape", _NETWORK, language="cpp", prelude=REPORT + _SOCKETS, held_by=_NETWORK_HELD),
    *reports(
        "escape",
        _PATHS,
        language="cpp",
        prelude=REPORT + _SOCKETS,
        held_by=("namespaces", "seatbelt"),
    ),
    *reports(
        "escape",
        _ABSTRACT,
        language="cpp",
        prelude="#include <cstddef>\n" + REPORT + _SOCKETS,
        held_by=("namespaces", "landlock 6", "seatbelt"),
    ),
    *reports(
        "escape",
        _FAMILIES,
        language="cpp",
        prelude=REPORT + _SOCKETS,
        held_by=("seccomp", "seatbelt"),
    ),
)
