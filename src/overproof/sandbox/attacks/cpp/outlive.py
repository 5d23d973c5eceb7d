"""C++ whose processes go on after the verdict, or that leaves something for the next program.

>>> {attack.kind for attack in ATTACKS}
{'outlive'}
"""

from overproof.sandbox.attacks.attack import FAILED, HOLDS, corpus, reports
from overproof.sandbox.attacks.cpp.prelude import REPORT

_STAY = (
    "#include <sys/prctl.h>\n"
    + REPORT
    + r"""
[[noreturn]] static void stay() {
  prctl(PR_SET_NAME, HOST_tag, 0, 0, 0);
  for (int i = 0; i < 600; ++i) usleep(50000);
  _exit(0);
}
"""
)
_STAYS = {
    "daemon_stays": r"""
        // a process that has left its parent, group and session goes on after the verdict
        std::string add(long, long) {
          if (fork() == 0) {
            setsid();
            if (fork() == 0) { for (int file = 0; file < 64; ++file) close(file); stay(); }
            _exit(0);
          }
          wait(nullptr);
          return "held";
        }
    """,
    "deaf_process_stays": r"""
        // a process that ignores and blocks all signals, and another parent's child, go on
        std::string add(long, long) {
          const bool sibling = syscall(SYS_clone, 0x8000 | SIGCHLD, 0, 0, 0, 0) == 0;
          if (sibling || fork() == 0) {
            sigset_t all;
            sigfillset(&all);
            sigprocmask(SIG_BLOCK, &all, nullptr);
            for (int number = 1; number < 65; ++number) signal(number, SIG_IGN);
            prctl(PR_SET_PDEATHSIG, 0, 0, 0, 0);
            setsid();
            stay();
          }
          return "held";
        }
    """,
    "program_stays": r"""
        // a program that was started goes on after the verdict
        std::string add(long, long) {
          if (fork() == 0) {
            setsid();
            execl("/bin/sh", "sh", "-c", "sleep 30; : " HOST_mark, nullptr);
            _exit(0);
          }
          usleep(50000);
          return "held";
        }
    """,
    "stopped_process_stays": r"""
        // a process that has stopped is not waited for, and stays
        std::string add(long, long) {
          if (fork() == 0) {
            prctl(PR_SET_NAME, HOST_tag, 0, 0, 0);
            kill(getpid(), SIGSTOP);
            stay();
          }
          usleep(50000);
          return "held";
        }
    """,
    "initialiser_starts_another": r"""
        // a process that was started before the function was there goes on
        __attribute__((constructor)) static void first() {
          if (fork() == 0) { setsid(); close(3); stay(); }
        }
        std::string add(long, long) { return "held"; }
    """,
}
_ENDS_AND_STAYS = {
    "stays_after_an_exit": r"""
        // children go on when the program itself has exited
        std::string add(long, long) {
          for (int i = 0; i < 4; ++i) if (fork() == 0) { setsid(); stay(); }
          _exit(0);
        }
    """,
    "stays_after_a_limit": r"""
        // children go on when the program itself was ended by a limit
        std::string add(long, long) {
          for (int i = 0; i < 4; ++i) if (fork() == 0) { setsid(); stay(); }
          for (volatile int i = 0;; i = i + 1) {}
        }
    """,
}
_CROWDS = {
    "crowd_runs_away": r"""
        // processes that start each other anew are never all caught
        std::string add(long, long) {
          for (int i = 0; i < 8; ++i)
            if (fork() == 0) {
              setsid();
              prctl(PR_SET_NAME, HOST_tag, 0, 0, 0);
              for (int lives = 0; lives < 200000; ++lives) if (fork() > 0) _exit(0);
              _exit(0);
            }
          usleep(50000);
          return "held";
        }
    """,
}
_FINDER = (
    "#include <dirent.h>\n"
    + REPORT
    + r"""
std::string add(long, long) {
  for (EACH(top, {".", "..", "/tmp", "/var/tmp", "/dev/shm", "/.build"}))
    if (DIR* folder = opendir(top))
      while (const dirent* entry = readdir(folder))
        if (std::strstr(entry->d_name, HOST_mark)) note(std::string(top) + "/" + entry->d_name);
  DIR* folder = opendir(".");
  while (const dirent* entry = readdir(folder)) {
    const std::string name = entry->d_name;
    if (name != "." && name != ".." && name != "program" && name != "shared") note(name);
  }
  if (umask(077) != 077 || getenv("left")) note("settings");
  return report();
}
"""
)
_LEAVES = {
    "leaves_files": r"""
        // files, links and settings that one program leaves are there for the next
        #include <cstdlib>
        std::string add(long, long) {
          umask(0);
          setenv("left", "5", 1);
          for (EACH(top, {".", "..", "/tmp", "/var/tmp", "/dev/shm", "/run/lock", "/.build"})) {
            const std::string mine = std::string(top) + "/" + HOST_mark;
            close(creat(mine.c_str(), 0));
            mkdir((mine + "d").c_str(), 0);
            symlink("/", (mine + "l").c_str());
          }
          for (EACH(top, HOST_top_folders))
            close(creat((std::string(top) + "/" + HOST_mark).c_str(), 0));
          return "held";
        }
    """,
}

ATTACKS = (
    *reports("outlive", _STAYS, language="cpp", prelude=_STAY),
    *corpus("outlive", _ENDS_AND_STAYS, language="cpp", prelude=_STAY, budget="small"),
    *corpus(
        "outlive",
        _CROWDS,
        language="cpp",
        prelude=_STAY,
        expect=("passed", *FAILED),
        reference=HOLDS,
    ),
    *corpus(
        "outlive",
        _LEAVES,
        language="cpp",
        prelude=REPORT,
        expect=("passed", *FAILED),
        reference=HOLDS,
        held_by=("namespaces",),
        next_program="#include <cstdlib>\n" + _FINDER,
    ),
)
