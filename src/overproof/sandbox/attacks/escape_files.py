"""Programs that reach for files of the machine: traps laid out in the folders of `HOST`.

Each trap may be read and written by everybody and holds a secret, so only the sandbox keeps a
program from it; whether it was changed is looked at from outside.

>>> {attack.kind for attack in ATTACKS}
{'escape'}
"""

from overproof.sandbox.attacks.attack import reports

_READ = {
    "reads_files": """
        # files of the machine can be read: home, temporary folders, shared memory
        def add(a, b):
            for folder in HOST["places"]:
                attempt("read", lambda: open(folder + "/canary").read())
                attempt("listed", lambda: len(os.listdir(folder)))
            return report()
    """,
    "reads_system_files": """
        # files that tell of users and of this machine can be read
        def add(a, b):
            for name in ("/etc/passwd", "/etc/shadow", "/etc/machine-id", "/etc/hostname",
                         "/etc/ssh", "/etc/resolv.conf", "/var/log", "/root", "/home", "/boot"):
                attempt(name, lambda: os.listdir(name)[:0] if os.path.isdir(name)
                        else open(name).read(1)[:0])
            return report()
    """,
    "reads_through_proc": """
        # links of /proc lead out: another process's root, folder or open files
        def add(a, b):
            target = HOST["places"][0] + "/canary"
            for pid in ("self", "1", os.getppid(), HOST["pid"], HOST["self"]):
                for name in ("root", "cwd/" + "../" * 20, "task/1/root"):
                    attempt("read", lambda: open(f"/proc/{pid}/{name}{target}").read())
                attempt("read", lambda: open(f"/proc/{pid}/fd/{HOST['open_file']}").read())
            return report()
    """,
    "reads_through_links": """
        # a link in the working folder leads to a file outside
        def add(a, b):
            for number, folder in enumerate(HOST["places"]):
                for make, kind in ((os.symlink, "s"), (os.link, "h")):
                    name = f"{kind}{number}"
                    try: make(folder + "/canary", name)
                    except OSError: continue
                    attempt("read", lambda: open(name).read())
            return report()
    """,
    "reads_relative": """
        # a path relative to an open folder leads out
        def add(a, b):
            target = HOST["places"][0] + "/canary"
            for number in (None, *range(3, 64)):
                for start in ("", "../" * 3, "../" * 20):
                    attempt("read", lambda: os.read(
                        os.open(start + target.lstrip("/"), os.O_RDONLY, dir_fd=number), 99))
            try: os.chdir(HOST["places"][0])
            except OSError: return report()
            attempt("read", lambda: open("canary").read())
            return report()
    """,
    "reads_without_opening": """
        # a handle opened without rights is turned into one that can read
        def add(a, b):
            for folder in HOST["places"]:
                try: handle = os.open(folder + "/canary", os.O_PATH)
                except OSError: continue
                attempt("read", lambda: open(f"/proc/self/fd/{handle}").read())
                attempt("read", lambda: os.read(handle, 99))
            return report()
    """,
    "reads_in_another_program": """
        # a program that is started reads what this one may not
        import subprocess
        def add(a, b):
            for folder in HOST["places"]:
                for command in (["cat"], ["/bin/sh", "-c", 'cat "$0"'],
                                [sys.executable, "-S", "-c",
                                 "import sys; print(open(sys.argv[1]).read())"]):
                    try: done = subprocess.run([*command, folder + "/canary"], capture_output=True)
                    except OSError: continue
                    if done.stdout: reached.append(f"read {done.stdout!r}")
            return report()
    """,
    "reads_in_a_program_of_memory": """
        # a program that was never a file reads what this one may not
        def add(a, b):
            for name in ("/bin/cat", "/usr/bin/cat"):
                try:
                    content = open(name, "rb").read()
                    image = os.memfd_create("cat")
                except OSError: continue
                os.write(image, content)
                read, write = os.pipe()
                if os.fork() == 0:
                    os.dup2(write, 1)
                    try: os.execve(image, ["cat", HOST["places"][0] + "/canary"], {})
                    except OSError: os._exit(1)
                os.close(write)
                os.wait()
                found = os.read(read, 99)
                if found: reached.append(f"read {found!r}")
            return report()
    """,
    "inherited_descriptors": """
        # a descriptor that was left open leads to folders, files or other processes
        import stat
        def add(a, b):
            channels = 0
            for number in range(1024):
                try: mode = os.fstat(number).st_mode
                except OSError: continue
                if stat.S_ISDIR(mode):
                    for way in ("..", ".", "canary"):
                        attempt(f"folder {number}", lambda: os.listdir(
                            os.open(way, os.O_RDONLY, dir_fd=number))[:0])
                elif stat.S_ISREG(mode) and number > 2:
                    attempt(f"file {number}", lambda: os.pread(number, 40, 0))
                elif stat.S_ISBLK(mode) or stat.S_ISCHR(mode) and number > 2:
                    reached.append(f"device {number}")
                channels += stat.S_ISSOCK(mode)
            if channels > 1: reached.append(f"{channels} sockets")
            return report()
    """,
}

_METADATA = {
    "sees_that_files_exist": """
        # names, sizes and times of the machine's files can be found out
        def add(a, b):
            for folder in HOST["places"]:
                attempt("size", lambda: os.stat(folder + "/canary").st_size)
                if os.access(folder, os.F_OK): reached.append("exists")
            return report()
    """,
    "watches_files": """
        # what others do to the machine's files can be watched
        def add(a, b):
            watcher = libc.inotify_init1(0)
            for folder in HOST["places"]:
                if libc.inotify_add_watch(watcher, folder.encode(), 0xfff) >= 0:
                    reached.append("watched")
            return report()
    """,
}

_CHANGE_MODE = {
    "changes_permissions": """
        # permissions, times and attributes of the machine's files can be changed
        def add(a, b):
            for folder in HOST["places"]:
                name = folder + "/canary"
                attempt("chmod", os.chmod, name, 0o600)
                attempt("utime", os.utime, name, (1, 1))
                attempt("chown", os.chown, name, os.getuid(), os.getgid())
                attempt("setxattr", os.setxattr, name, "user.x", b"x")
            return report()
    """,
}

_WRITE = {
    "overwrites_files": """
        # files of the machine can be overwritten
        def add(a, b):
            for folder in HOST["places"]:
                name = folder + "/canary"
                for mode in ("w", "a", "r+"):
                    attempt("wrote", lambda: open(name, mode).write("x") and None)
                attempt("cut", os.truncate, name, 1)
            return report()
    """,
    "deletes_files": """
        # files of the machine can be deleted
        import shutil
        def add(a, b):
            for folder in HOST["places"]:
                attempt("deleted", os.unlink, folder + "/canary")
                attempt("deleted all", shutil.rmtree, folder)
            return report()
    """,
    "renames_files": """
        # files of the machine can be moved, or replaced by others
        def add(a, b):
            open("mine", "w").write("x")
            for folder in HOST["places"]:
                name = folder + "/canary"
                attempt("moved in", os.rename, "mine", name)
                attempt("moved away", os.rename, name, name + "2")
                attempt("taken", os.rename, name, "taken")
                attempt("exchanged", lambda: os.replace("candidate.py", name))
            return report()
    """,
    "makes_files": """
        # files, links, folders, pipes and devices can be made in the machine's folders
        import stat
        def add(a, b):
            for folder in HOST["places"]:
                name = folder + "/" + HOST["mark"]
                attempt("file", lambda: open(name + ".f", "w").write("x") and None)
                attempt("folder", os.mkdir, name + ".d")
                attempt("link", os.symlink, "/", name + ".l")
                attempt("pipe", os.mkfifo, name + ".p")
                attempt("device", os.mknod, name + ".n", 0o600 | stat.S_IFCHR, 0x103)
            made = list(reached)
            for folder in HOST["top_folders"]:  # some may be private copies: looked at from outside
                attempt("", lambda: open(folder + "/" + HOST["mark"] + ".f", "w").write("x"))
            return "; ".join(made) or "held"
    """,
    "makes_nameless_files": """
        # a file without a name is made in the machine's folders, and then gets one
        def add(a, b):
            for folder in HOST["places"]:
                try: handle = os.open(folder, os.O_TMPFILE | os.O_WRONLY)
                except OSError: continue
                reached.append("made")
                attempt("named", lambda: os.link(f"/proc/self/fd/{handle}",
                        folder + "/" + HOST["mark"] + ".t", follow_symlinks=True))
            return report()
    """,
    "writes_to_a_pipe": """
        # a named pipe that another process listens to can be written to
        def add(a, b):
            attempt("wrote", lambda: os.write(
                os.open(HOST["pipe"], os.O_WRONLY | os.O_NONBLOCK), HOST["mark"].encode()))
            return report()
    """,
    "poisons_python": """
        # modules of this Python installation can be replaced, for every later program
        def add(a, b):
            folders = {os.path.dirname(os.__file__), sys.prefix, HOST["package"],
                       os.path.dirname(os.__file__) + "/__pycache__",
                       os.path.dirname(os.__file__) + "/site-packages",
                       *HOST["python"]}
            for folder in sorted(folders):
                name = folder + "/" + HOST["mark"] + ".txt"
                if attempt(folder, lambda: open(name, "w").write("x")): os.unlink(name)
            return report()
    """,
    "writes_to_start_files": """
        # files that are run at the next login or by the clock can be written
        def add(a, b):
            for name in (*HOST["start_files"], "/etc/crontab", "/etc/ld.so.preload",
                         "/etc/profile", "/etc/passwd", "/var/spool/cron"):
                attempt(name, lambda: os.close(os.open(name, os.O_WRONLY | os.O_APPEND)))
            return report()
    """,
}

ATTACKS = (
    *reports("escape", _READ, held_by=("namespaces", "landlock", "seatbelt")),
    *reports("escape", _METADATA, held_by=("namespaces",)),
    *reports("escape", _CHANGE_MODE, held_by=("namespaces", "seatbelt")),
    *reports("escape", _WRITE, held_by=("namespaces", "landlock", "seatbelt")),
)
