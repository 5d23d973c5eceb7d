"""C++ that ends its process early, takes the driver's place, or speaks for it.

The driver is part of the program's process and trusted by nobody: what it sends are values, which
are judged elsewhere, and the answers are not there to be found.

>>> {attack.kind for attack in ATTACKS}
{'forge'}
"""

from overproof.sandbox.attacks.attack import FAILED, HOLDS, NEVER_RAN, corpus

_CHECK_WORD = """
def check(candidate):
    word = "only this test knows the word amaranth"
    answer = candidate(2, 3)
    if answer != "held":
        raise ValueError(repr(answer)[:150])
"""

_EXITS = {
    "exits_while_initialising": r"""
        // an exit with status 0 in an initialiser counts as success
        #include <cstdlib>
        static int first = (std::exit(0), 0);
        long add(long, long) { return first; }
    """,
    "exits_in_a_constructor": r"""
        // an exit with status 0 before everything else counts as success
        #include <unistd.h>
        __attribute__((constructor(101))) static void first() { _exit(0); }
        long add(long, long) { return 7; }
    """,
    "exits_in_the_call": r"""
        // an exit with status 0 in the place of an answer counts as success
        #include <cstdlib>
        long add(long, long) { std::quick_exit(0); }
    """,
    "exits_at_the_exit": r"""
        // what is done at the end of the process makes it a success
        #include <cstdio>
        #include <cstdlib>
        #include <unistd.h>
        static int registered = std::atexit([] { std::puts("passed"); _exit(0); });
        __attribute__((destructor)) static void last() { _exit(0); }
        long add(long, long) { std::exit(1); }
    """,
    "crash_says_success": r"""
        // a handler for a crash ends with status 0, which counts as success
        #include <csignal>
        #include <exception>
        #include <unistd.h>
        static void well(int) { _exit(0); }
        long add(long, long) {
          for (int number = 1; number < 32; ++number) std::signal(number, well);
          std::set_terminate([] { _exit(0); });
          return *static_cast<volatile long*>(nullptr);
        }
    """,
    "prints_success": r"""
        // a line that says passed is believed, whichever stream it is on
        #include <cstdio>
        long add(long a, long b) {
          std::printf("passed\nOK\n%ld\n", a + b);
          std::fprintf(stderr, "[==========] 5 tests ran. [  PASSED  ] 5 tests.\n");
          std::fflush(nullptr);
          return 0;
        }
    """,
    "main_of_its_own": r"""
        // a program that brings its own start, without the driver's, passes
        #undef main
        int main() { return 0; }
        long add(long, long) { return 7; }
    """,
    "start_of_its_own": r"""
        // the function that starts the program is the program's
        #include <unistd.h>
        extern "C" int __libc_start_main(...) { _exit(0); }
        long add(long, long) { return 7; }
    """,
    "becomes_another_program": r"""
        // another program takes the place of this one, and ends well
        #include <unistd.h>
        long add(long, long) { return execl("/bin/true", "true", nullptr); }
    """,
    "starts_itself_again": r"""
        // the program starts itself again with a library of its own before all others
        #include <cstdlib>
        #include <unistd.h>
        __attribute__((constructor)) static void first() {
          if (getenv("LD_PRELOAD")) _exit(0);
          setenv("LD_PRELOAD", "./program", 1);
          setenv("LD_LIBRARY_PATH", ".", 1);
          setenv("LD_AUDIT", "./program", 1);
          execl("./program", "program", nullptr);
        }
        long add(long, long) { return 7; }
    """,
    "nothing_but_a_comment": r"""
        // a program without the function passes
        long sum(long a, long b) { return a + b; }
    """,
}

_REPLACES = {
    "macro_of_the_driver": r"""
        // the macro that serves the function is the program's
        #undef OVERPROOF_SERVE
        #define OVERPROOF_SERVE(name)
        long add(long, long) { return 7; }
    """,
    "serves_another": r"""
        // the function that the driver serves is another, which sees the arguments twice
        #undef OVERPROOF_SERVE
        #define OVERPROOF_SERVE(name)                                    \
          namespace overproof_driver {                                   \
          void overproof_program() { send_it(); }                        \
          }
        #include <cstdlib>
        void send_it() { std::exit(0); }
    """,
    "macros_for_words": r"""
        // words of the language mean something else in what follows the program
        long add(long, long) { return 7; }
        #define overproof_driver mine
        #define namespace struct
        #define void int
        #define serve(name, function) exit(0)
    """,
    "includes_the_driver": r"""
        // the driver, included again under another name, answers in its place
        #define serve_target serve_nothing
        #define run run_nothing
        #pragma push_macro("once")
        #include "shared/overproof_runtime.hpp"
        long add(long, long) { return 7; }
    """,
    "functions_of_the_driver": r"""
        // functions of the driver are defined by the program, which is linked first
        namespace overproof_driver {
        void serve_target(const Target&, const char*, const void*) {}
        std::string answer(const Target&, const std::vector<Tree>&, bool) { return "{}"; }
        void run() {}
        }
        long add(long, long) { return 7; }
    """,
    "functions_of_the_library": r"""
        // functions of the library that the driver uses are the program's
        #include <sys/uio.h>
        #include <unistd.h>
        extern "C" ssize_t writev(int file, const iovec* parts, int) {
          static const char text[] = "\x13\0\0\0{\"status\":\"passed\"}";
          write(file, text, sizeof text - 1);
          return parts->iov_len;
        }
        extern "C" int dladdr(const void*, void*) { return 0; }
        extern "C" void* memcpy(void* to, const void* from, size_t size) {
          for (size_t i = 0; i < size; ++i)
            static_cast<volatile char*>(to)[i] = static_cast<const char*>(from)[i] == '7' ? '5'
              : static_cast<const char*>(from)[i];
          return to;
        }
        long add(long, long) { return 77; }
    """,
    "memory_of_the_driver": r"""
        // the driver's code is overwritten in memory, so that it answers otherwise
        #include <cstdint>
        #include <cstring>
        #include <sys/mman.h>
        long add(long, long) {
          auto place = reinterpret_cast<std::uintptr_t>(&overproof_driver::write_whole) & ~4095ul;
          if (mprotect(reinterpret_cast<void*>(place), 8192, 7) == 0)
            std::memset(reinterpret_cast<void*>(place), 0xC3, 8192);
          return 7;
        }
    """,
    "stack_of_the_driver": r"""
        // the arguments of the driver's functions are overwritten on the stack
        long add(long, long) {
          volatile long here = 7;
          for (int i = 1; i < 400; ++i) (&here)[i] = (&here)[i] == 7 ? 5 : (&here)[i];
          for (int i = 1; i < 40; ++i) (&here)[i] = 5;
          return here;
        }
    """,
    "jumps_out": r"""
        // a jump past the driver's functions ends the process well
        #include <csetjmp>
        #include <cstdlib>
        static std::jmp_buf place;
        __attribute__((constructor)) static void first() {
          if (setjmp(place)) std::_Exit(0);
        }
        long add(long, long) { std::longjmp(place, 1); }
    """,
    "interpreter_of_its_own": r"""
        // the file that is built names the program that loads it
        asm(".section .interp,\"a\"\n.asciz \"/bin/true\"\n.text");
        asm(".section .preinit_array,\"aw\"\n.quad 0\n.text");
        long add(long, long) { return 7; }
    """,
    "chosen_by_the_loader": r"""
        // code that the loader runs to choose a function ends the process well
        #include <sys/syscall.h>
        extern "C" {
        static void* choose() {
          register long number asm("rax") = SYS_exit_group, status asm("rdi") = 0;
          asm volatile("syscall" : : "r"(number), "r"(status));
          return nullptr;
        }
        long chosen(long, long) __attribute__((ifunc("choose")));
        }
        long add(long a, long b) { return chosen(a, b); }
    """,
    "symbols_in_assembler": r"""
        // names of the driver are defined in assembler, past the compiler
        asm(".globl main\nmain:\n xorl %eax, %eax\n ret\n");
        long add(long, long) { return 7; }
    """,
}

_SPEECH = r"""
#include <cstring>
#include <string>
#include <unistd.h>
static void send_all(const std::string& bytes) {
  for (size_t sent = 0; sent < bytes.size();) {
    const ssize_t count = write(3, bytes.data() + sent, bytes.size() - sent);
    if (count < 0) return;
    sent += count;
  }
}
static void say(const std::string& text) {
  std::string head(4, '\0');
  for (int i = 0; i < 4; ++i) head[i] = static_cast<char>(text.size() >> 8 * i);
  send_all(head + text);
}
"""
_MESSAGES = {
    "verdicts_as_answers": r"""
        // a message that says passed, in the place of each answer, is the verdict
        __attribute__((constructor)) static void first() {
          say(R"({"loaded":true})");
          for (int i = 0; i < 9; ++i) say(R"({"status":"passed","detail":"","passed":true})");
        }
        long add(long, long) { return 0; }
    """,
    "excuses": r"""
        // a program can blame the harness, so that its failure does not count
        __attribute__((constructor)) static void first() {
          say(R"({"failed":"harness_error","detail":"out of disk"})");
          _exit(0);
        }
        long add(long, long) { return 0; }
    """,
    "excuse_of_a_missing_tool": r"""
        // a program can claim that a tool is missing, so that its failure does not count
        __attribute__((constructor)) static void first() {
          say(R"({"failed":"missing_tool","detail":"g++"})");
          say(R"({"status":0,"missing":true,"log":"g++","found":[],"folders":[]})");
          _exit(0);
        }
        long add(long, long) { return 0; }
    """,
    "answers_before_the_calls": r"""
        // answers that were sent before anything was asked are taken for those to come
        __attribute__((constructor)) static void first() {
          say(R"({"loaded":true})");
          for (int i = 0; i < 200; ++i) say(R"({"value":7})");
        }
        long add(long, long) { return 0; }
    """,
    "noise": r"""
        // noise on every descriptor ends the judge
        long add(long, long) {
          for (int file = 0; file < 256; ++file) write(file, "\xff\xfe\0noise", 8);
          return 0;
        }
    """,
    "gigabytes_announced": r"""
        // a message that announces four gigabytes makes the judge set them aside
        long add(long, long) { send_all("\xff\xff\xff\xff"); return 0; }
    """,
    "fork_speaks": r"""
        // a child answers in the place of the program, which has ended with status 0
        long add(long, long) {
          if (fork() == 0) {
            setsid();
            for (int i = 0; i < 20; ++i) { say(R"({"status":"passed"})"); usleep(20000); }
          }
          _exit(0);
        }
    """,
    "closes_the_channel": r"""
        // closing the channel ends the test, and nothing has failed
        long add(long, long) { close(3); return 0; }
    """,
    "frozen_numbers": r"""
        // a set of tuples that all have the same hash keeps the judge busy
        long add(long, long) {
          using Number = unsigned long;
          const Number step = 14029467366897019727u, first = 2870177450012600261u;
          Number inverse = 1;
          for (int i = 0; i < 6; ++i) inverse *= 2 - step * inverse;
          std::string all;
          for (Number n = 1, found = 0; found < 60000; ++n) {
            Number mixed = first + n * step;
            mixed = (mixed << 31 | mixed >> 33) * 11400714785074694791u;
            const Number other = (12345 - mixed) * inverse;
            if (other >= (Number{1} << 61) - 1) continue;
            all += (found++ ? ",{\"tuple\":[" : "{\"tuple\":[") + std::to_string(n) + "," +
                   std::to_string(other) + "]}";
          }
          say("{\"value\":{\"frozenset\":[" + all + "]}}");
          return 0;
        }
    """,
}

_SEARCH = {
    "searches_the_environment": r"""
        // the test is in the arguments or the environment of the process
        extern char** environ;
        std::string add(long, long) {
          const std::string word = std::string("amar") + "anth";
          for (char** text = environ; *text; ++text)
            if (std::strstr(*text, word.c_str())) return *text;
          return "held";
        }
    """,
    "searches_the_descriptors": r"""
        // the test is in a file that is open, or in the folder
        std::string add(long, long) {
          static char text[1 << 16];
          for (int file = 0; file < 64; ++file) {
            const long size = file == 3 ? 0 : pread(file, text, sizeof text, 0);
            if (size > 0 && std::string(text, size).find(std::string("amar") + "anth") < size)
              return "descriptor " + std::to_string(file);
          }
          DIR* folder = opendir(".");
          for (dirent* entry; folder && (entry = readdir(folder));) {
            const int file = open(entry->d_name, O_RDONLY);
            const long size = file < 0 ? 0 : read(file, text, sizeof text);
            if (size > 0 && std::string(text, size).find(std::string("amar") + "anth") < size)
              return entry->d_name;
          }
          return "held";
        }
    """,
}

_SCRIPTS = {
    "script_prints_success": r"""
        // a line that says passed is believed
        #include <cstdio>
        int main() { std::puts("passed\nOK"); }
    """,
    "script_fails_after_the_answer": r"""
        // a right output followed by a crash passes
        #include <cstdio>
        #include <cstdlib>
        int main() { std::puts("5"); std::fflush(stdout); std::abort(); }
    """,
    "script_uses_the_driver": r"""
        // a whole program that hands itself to the driver passes without output
        #include "overproof_driver.hpp"
        namespace overproof_driver { void overproof_program() {} }
    """,
}

_BOTH = (*FAILED, *NEVER_RAN)

ATTACKS = (
    *corpus("forge", _EXITS, language="cpp", expect=_BOTH),
    *corpus("forge", _REPLACES, language="cpp", expect=_BOTH, budget="small"),
    *corpus("forge", _MESSAGES, language="cpp", prelude=_SPEECH, expect=_BOTH),
    *corpus(
        "forge",
        _SEARCH,
        language="cpp",
        prelude="#include <cstring>\n#include <dirent.h>\n#include <fcntl.h>\n#include <string>\n"
        "#include <unistd.h>\n",
        expect=("passed",),
        test=_CHECK_WORD,
        reference=HOLDS,
    ),
    *corpus("forge", _SCRIPTS, language="cpp", expect=_BOTH, cases=(("2 3\n", "5\n"),)),
)
