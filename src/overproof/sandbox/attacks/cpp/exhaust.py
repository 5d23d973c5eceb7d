"""C++ that uses more time, memory, processes, files or output than it may, or that crashes.

>>> sorted({attack.kind for attack in ATTACKS})
['crash', 'exhaust']
"""

from overproof.records import Status
from overproof.sandbox.attacks.attack import HOLDS, NEVER_RAN, corpus, reports
from overproof.sandbox.attacks.cpp.prelude import REPORT

_CHECK_BOUNDED = """
def check(candidate):
    assert candidate(2, 3) == "held", "it got more than it may"
"""
_CUT: tuple[Status, ...] = (
    *("passed", "error", "timeout", "out_of_memory", "output_limit", "crashed"),
)
"""Whatever stopped it; `wrong_answer` is the report of a program that got too much."""

_SPINS = {
    "busy_while_initialising": r"""
        // a program that never finishes loading holds up the run
        static const int first = [] { for (volatile int i = 0;; i = i + 1) {} return 0; }();
        long add(long, long) { return first; }
    """,
    "busy_without_signals": r"""
        // a loop that blocks and ignores all signals cannot be ended
        #include <csignal>
        long add(long, long) {
          sigset_t all;
          sigfillset(&all);
          sigprocmask(SIG_BLOCK, &all, nullptr);
          for (int number = 1; number < 65; ++number) std::signal(number, SIG_IGN);
          for (volatile int i = 0;; i = i + 1) {}
        }
    """,
    "busy_in_children": r"""
        // what children compute, in many short lives, is not counted
        #include <csignal>
        #include <unistd.h>
        long add(long, long) {
          std::signal(SIGCHLD, SIG_IGN);
          for (;;)
            if (fork() == 0) { for (volatile int i = 0; i < 10000000; i = i + 1) {} _exit(0); }
        }
    """,
    "crashes_without_end": r"""
        // a crash that is caught, and happens again, goes on for ever
        #include <csignal>
        long add(long, long) {
          std::signal(SIGSEGV, [](int) {});
          return *reinterpret_cast<volatile long*>(8);
        }
    """,
}
_SLEEPS = {
    "asleep": r"""
        // a program that sleeps uses no time, and is never ended
        #include <unistd.h>
        long add(long a, long b) { sleep(20); return a + b; }
    """,
}
_BOUNDED = {
    "memory_at_once": r"""
        // more memory than it may is there for one process
        std::string add(long, long) {
          for (long got = 0; got < 4L * HOST_memory_mib; got += 16)
            if (!use(std::malloc(16 << 20), 16 << 20)) return "held";
          return "too much";
        }
    """,
    "memory_of_children": r"""
        // many processes together get more memory than they may
        std::string add(long, long) {
          for (int i = 0; i < 8; ++i)
            if (fork() == 0) {
              const size_t size = size_t{HOST_memory_mib} << 19;
              use(std::malloc(size), size);
              sleep(2);
              _exit(0);
            }
          sleep(2);
          return "too much";
        }
    """,
    "memory_that_is_shared": r"""
        // memory that processes share, and map nowhere for long, is not counted
        std::string add(long, long) {
          long got = 0;
          for (; got < 4L * HOST_memory_mib; got += 32) {
            void* block = mmap(nullptr, 32 << 20, PROT_READ | PROT_WRITE,
                               MAP_SHARED | MAP_ANONYMOUS, -1, 0);
            if (block == MAP_FAILED) return "held";
            use(block, 32 << 20);
          }
          usleep(200000);
          return "too much";
        }
    """,
    "many_processes": r"""
        // more processes can be started than it may
        std::string add(long, long) {
          int started = 0;
          for (; started < 4 * HOST_processes; ++started) {
            const int child = fork();
            if (child == 0) { sleep(3); _exit(0); }
            if (child < 0) break;
          }
          usleep(300000);
          return started <= HOST_processes + HOST_processes / 2 ? "held" : "too much";
        }
    """,
    "big_file": r"""
        // a file becomes larger than it may, by every way to write
        std::string add(long, long) {
          std::signal(SIGXFSZ, SIG_IGN);
          const int file = open("big", O_RDWR | O_CREAT, 0600), zero = open("/dev/zero", O_RDONLY);
          const int self = open("program", O_RDONLY);
          static char block[1 << 20];
          for (int i = 0; i < 4 * HOST_file_mib; ++i) {
            if (write(file, block, sizeof block) < 0) sendfile(file, self, nullptr, 1 << 16);
            copy_file_range(self, nullptr, file, nullptr, 1 << 16, 0);
          }
          ftruncate(file, 1L << 40);
          fallocate(file, 0, 0, 1L << 30);
          struct stat state;
          fstat(file, &state);
          close(zero);
          return state.st_size <= 3L * HOST_file_mib << 19 ? "held" : "too much";
        }
    """,
    "many_open_files": r"""
        // more files can be open than it may
        std::string add(long, long) {
          int number = 0;
          while (number < 4 * HOST_open_files && open("/dev/null", O_RDONLY) >= 0) ++number;
          return number <= HOST_open_files ? "held" : "too much";
        }
    """,
}
_BOMBS = {
    "fork_bomb": r"""
        // a program that forks without end, and ignores signals, takes the machine
        std::string add(long, long) {
          for (int number = 1; number < 65; ++number) std::signal(number, SIG_IGN);
          const time_t end = time(nullptr) + 5;
          while (time(nullptr) < end) if (fork() == 0) setsid();
          _exit(0);
        }
    """,
}
_LIMITS = {
    "raises_its_limits": r"""
        // a program can raise its own limits
        #include <sys/resource.h>
        std::string add(long, long) {
          for (const auto kind : {RLIMIT_AS, RLIMIT_CPU, RLIMIT_FSIZE, RLIMIT_NOFILE, RLIMIT_NPROC,
                                  RLIMIT_CORE}) {
            rlimit limit;
            getrlimit(kind, &limit);
            if (limit.rlim_max == RLIM_INFINITY) note("no end " + std::to_string(kind));
            limit.rlim_cur = limit.rlim_max = RLIM_INFINITY;
            attempt("raised", setrlimit(kind, &limit));
          }
          return report();
        }
    """,
}
_ANSWERS = {
    "answer_of_64_mib": r"""
        // an answer of 64 MiB is taken in
        #include <string>
        std::string add(long, long) { return std::string(64 << 20, 'x'); }
    """,
    "recursion_without_end": r"""
        // a recursion without end takes more than its stack
        long add(long a, long b) {
          volatile char room[1024];
          room[0] = a;
          return room[0] + add(a, b);
        }
    """,
}
_FLOODS = {
    "output_without_end": r"""
        // output without end fills the memory of the judge
        #include <unistd.h>
        int main() { static char text[4096]; for (;;) write(1, text, sizeof text); }
    """,
}
_CRASHES = {
    "reads_address_zero": r"""
        // a crash of the process is not told from an exception
        long add(long, long) { return *reinterpret_cast<volatile long*>(0); }
    """,
    "overruns_its_stack": r"""
        // an overrun of an array ends more than the program
        long add(long a, long b) {
          volatile long here[2] = {a, b};
          for (int i = 0; i < 100000; ++i) here[i] = 7;
          return here[0];
        }
    """,
    "divides_by_zero": r"""
        // a division by zero is not told from an exception
        long add(long a, long) { volatile long zero = 0; return a / zero; }
    """,
    "frees_twice": r"""
        // memory that is freed twice ends more than the program
        #include <cstdlib>
        long add(long, long) {
          void* volatile block = std::malloc(9);
          std::free(block);
          std::free(block);
          return 0;
        }
    """,
    "terminates": r"""
        // an exception in a function that may not throw ends more than the program
        long add(long, long) noexcept { throw 5; }
    """,
    "illegal_instruction": r"""
        // an instruction that there is not ends more than the program
        long add(long, long) { __builtin_trap(); }
    """,
}
_WORKS_ON = '#include <string>\nstd::string add(long, long) { return "held"; }\n'
_MORE = (
    """
#include <cstdlib>
#include <ctime>
#include <sys/mman.h>
#include <sys/sendfile.h>
static bool use(void* block, size_t size) {
  for (size_t i = 0; block && i < size; i += 4096) static_cast<volatile char*>(block)[i] = 1;
  return block;
}
"""
    + REPORT
)

ATTACKS = (
    *corpus("exhaust", _SPINS, language="cpp", budget="small"),
    *corpus("exhaust", _SLEEPS, language="cpp", budget="asleep"),
    *corpus(
        "exhaust",
        _BOUNDED,
        language="cpp",
        prelude=_MORE,
        expect=_CUT,
        test=_CHECK_BOUNDED,
        reference=HOLDS,
        budget="small",
    ),
    *corpus(
        "exhaust",
        _BOMBS,
        language="cpp",
        prelude=_MORE,
        expect=_CUT,
        test=_CHECK_BOUNDED,
        reference=HOLDS,
        held_by=("namespaces",),
        budget="small",
        danger="processes",
        next_program=_WORKS_ON,
    ),
    *reports("exhaust", _LIMITS, language="cpp", prelude=REPORT),
    *corpus("exhaust", _ANSWERS, language="cpp", budget="small"),
    *corpus(
        "exhaust",
        _FLOODS,
        language="cpp",
        expect=("output_limit", "timeout"),
        cases=(("", "x"),),
        budget="small",
    ),
    *corpus("crash", _CRASHES, language="cpp", expect=("crashed", "error", *NEVER_RAN)),
)
