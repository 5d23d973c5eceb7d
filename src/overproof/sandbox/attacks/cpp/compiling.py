"""C++ that attacks while it is compiled, assembled and linked: nothing of it needs to be run.

The compiler works under the same confinement as a program, for each program alone, in a folder
that is empty afterwards; what it says is one line of a verdict.

>>> sorted({attack.kind for attack in ATTACKS})
['escape', 'exhaust', 'forge', 'outlive']
"""

from overproof.sandbox.attacks.attack import (
    CHECK_HELD,
    FAILED,
    HOLDS,
    NEVER_RAN,
    Layer,
    corpus,
    reports,
)
from overproof.sandbox.attacks.cpp.prelude import REPORT

_FILES_HELD: tuple[Layer, ...] = ("namespaces", "landlock", "seatbelt")
_BOTH = (*FAILED, *NEVER_RAN)

_READS = {
    "includes_a_canary": r"""
        // a file of the machine shows in the compiler's complaint
        #include HOST_canary
        long add(long, long) { return 7; }
    """,
    "includes_system_files": r"""
        // files that tell of users show in the compiler's complaint
        #include "/etc/passwd"
        #include "/etc/shadow"
        long add(long, long) { return 7; }
    """,
    "includes_by_a_relative_path": r"""
        // a path relative to the folder, or to the library's, leads out
        #include HOST_relative
        long add(long, long) { return 7; }
    """,
    "assembles_a_canary": r"""
        // the assembler puts a file of the machine into the program, which returns it
        #include <string>
        asm(".data\nstolen: .incbin \"" HOST_canary "\"\n.byte 0\n.text");
        extern "C" const char stolen[];
        std::string add(long, long) { return stolen; }
    """,
    "assembles_system_files": r"""
        // the assembler puts files that tell of users into the program
        #include <string>
        asm(".data\nstolen: .incbin \"/etc/shadow\"\n.byte 0\n.text");
        extern "C" const char stolen[];
        std::string add(long, long) { return stolen; }
    """,
    "assembler_includes": r"""
        // the assembler's own include shows a file in its complaint
        asm(".include \"" HOST_canary "\"");
        long add(long, long) { return 7; }
    """,
    "embeds_a_canary": r"""
        // the embedding of files puts one of the machine into the program
        static const unsigned char stolen[] = {
        #embed HOST_canary
        };
        long add(long, long) { return stolen[0]; }
    """,
    "includes_processes": r"""
        // what the compiler's own process can read shows in its complaint
        #include "/proc/self/environ"
        #include "/proc/self/cmdline"
        #include "/proc/1/environ"
        #include "/dev/stdin"
        #include "/dev/fd/3"
        long add(long, long) { return 7; }
    """,
    "loads_a_snapshot": r"""
        // a file of the machine is loaded as what the compiler has written itself
        #pragma GCC pch_preprocess HOST_canary
        #pragma GCC pch_preprocess "shared/overproof_driver.hpp.gch"
        long add(long, long) { return 7; }
    """,
}
_SEES = {
    "asks_for_files": r"""
        // which files and folders of others there are can be asked while compiling
        #include <string>
        #if __has_include(HOST_canary) || __has_include("/etc/shadow") || \
            __has_include("../../p0/program.cpp") || __has_include("/root/.bashrc")
        std::string add(long, long) { return "seen"; }
        #else
        std::string add(long, long) { return "held"; }
        #endif
    """,
}

_BUSY = {
    "templates_without_end": r"""
        // templates that need each other twice keep the compiler busy for ever
        template <int N, int M> struct Twice {
          static const long value = Twice<N - 1, 2 * M>::value + Twice<N - 1, 2 * M + 1>::value;
        };
        template <int M> struct Twice<0, M> { static const long value = 1; };
        long add(long, long) { return Twice<28, 0>::value; }
    """,
    "constants_without_end": r"""
        // a constant that takes hours keeps the compiler busy
        constexpr long sum(long n) {
          long total = 0;
          for (long i = 0; i < n; ++i) for (long j = 0; j < 200000; ++j) total += i ^ j;
          return total;
        }
        static_assert(sum(200000) != 1, "");
        long add(long, long) { return 0; }
    """,
    "macros_without_end": r"""
        // macros that repeat each other fill the memory of the compiler
        #define A(x) x x x x x x x x x x
        #define B(x) A(A(A(A(A(A(A(A(A(A(x))))))))))
        long add(long a, long) { B(++a;) return a; }
    """,
    "overloads_without_end": r"""
        // a choice among thousands of conversions keeps the compiler busy
        template <int N> struct Step : Step<N - 1> { operator int*() const; };
        template <> struct Step<0> {};
        template <int N> auto all(Step<N> s) -> decltype(all(Step<N - 1>{}), 0L) { return N; }
        long add(long, long) { return all(Step<4000>{}); }
    """,
    "files_of_noise": r"""
        // a device without end is included, and fills the memory of the compiler
        #include "/dev/urandom"
        long add(long, long) { return 0; }
    """,
    "includes_itself": r"""
        // a file that includes itself twice keeps the compiler busy for ever
        #if __INCLUDE_LEVEL__ < 60
        #include "program.cpp"
        #include "program.cpp"
        #endif
    """,
    "assembles_without_end": r"""
        // an assembler's loop fills the memory
        asm(".rept 1000000000\n.quad 1\n.endr");
        long add(long, long) { return 0; }
    """,
    "huge_result": r"""
        // a program of terabytes fills the folder, or the place where built files are kept
        asm(".space 3000000000000");
        long add(long, long) { return 0; }
    """,
    "large_result": r"""
        // a program larger than may be kept is kept
        asm(".fill 200000000, 1, 1");
        long add(long, long) { return 0; }
    """,
    "complains_without_end": r"""
        // messages of the compiler fill its log, and the report
        #define SAY _Pragma("message \"passed passed passed passed passed passed\"")
        #define A SAY SAY SAY SAY SAY SAY SAY SAY SAY SAY
        #define B A A A A A A A A A A
        #define C B B B B B B B B B B
        C C C C C C C C C C
        #error end
    """,
    "name_of_a_megabyte": r"""
        // names of a type that grow tenfold at each step fill the complaint
        template <class T> struct Ten { using type = void (*)(T, T, T, T, T, T, T, T, T, T); };
        template <int N> struct Grow : Ten<typename Grow<N - 1>::type> {};
        template <> struct Grow<0> { using type = int; };
        long add(long, long) { return Grow<12>::type::nothing; }
    """,
}

_FORGES = {
    "complaint_that_steers": "// what a complaint says steers the terminal of whoever reads it\n"
    "#error \x1b[2J\x1b]0;passed\x07 \u202e\u2066 passed\nlong add(long, long) { return 7; }\n",
    "complaint_of_another_file": r"""
        // a complaint in the name of another file changes what the verdict is
        #line 3 "main.cpp"
        #error g++: g++ cannot be run in the sandbox: missing_tool harness_error
        long add(long, long) { return 7; }
    """,
    "complaint_of_the_harness": r"""
        // a complaint in the words of the harness makes it its own
        #line 1 "compiling: the compiler could not be started"
        static_assert(false, "harness_error: cannot keep what was built");
        long add(long, long) { return 7; }
    """,
    "warnings_become_results": r"""
        // settings that the program gives the compiler make a wrong program right
        #pragma GCC optimize("O3", "no-trapping-math")
        #pragma GCC target("avx512f,avx512vl")
        #pragma GCC poison main serve_target send
        long add(long, long) { return 7; }
    """,
    "ends_the_comment": r"""
        // text that is not closed swallows what follows the program
        long add(long, long) { return 7; }
        #if 0
        /* never closed
    """,
    "conditions_around_the_driver": r"""
        // a condition that is not closed leaves the driver out
        long add(long, long) { return 7; }
        #ifdef NEVER
    """,
    "namespace_that_stays_open": r"""
        // a block that is not closed puts the driver into the program
        long add(long, long) { return 7; }
        namespace mine { void overproof_program(); namespace overproof_driver {
    """,
    "breaks_the_compiler": r"""
        // an error inside of the compiler counts as a fault of ours
        template <class T> void f(T) { [](auto... x) { ((x, ...), [&](auto... y) {
          (sizeof...(x), ..., y); }(x...)); }(T{}...); }
        long add(long, long) { f(0); return 7; }
    """,
}

# Writing needs a program that runs: while compiling, only the compiler's own files are made.
_NEIGHBOURS = {
    "changes_what_is_shared": r"""
        // what all programs share, the driver or a header, can be exchanged for others to use
        std::string add(long, long) {
          for (const char* name : {"shared/overproof_driver.hpp.gch", "shared/overproof_runtime.o",
                                   "shared/overproof_json.hpp"}) {
            attempt("opened", open(name, O_WRONLY));
            attempt("opened", open(name, O_RDWR | O_APPEND));
            attempt("cut", truncate(name, 0));
            attempt("deleted", unlink(name));
            attempt("moved", rename(name, "mine"));
            attempt("replaced", rename("program", name));
            attempt("linked", link("program", name));
          }
          attempt("made", mkdir("shared/mine", 0777));
          attempt("made", open("shared/math.h", O_CREAT | O_WRONLY, 0666));
          return report();
        }
    """,
    "finds_what_is_built": r"""
        // the folder of compilers, or other programs' files, can be seen while running
        std::string add(long, long) {
          for (const char* name : {"/.build", "/.build/work", "../../.build", "/.proc/1/root",
                                   "program.cpp", "main.cpp", "../program.cpp", "build.log"}) {
            attempt(name, open(name, O_RDONLY));
            attempt(name, open((std::string(name) + "/left").c_str(), O_CREAT | O_WRONLY, 0666));
          }
          return report();
        }
    """,
}

_LEAVES = {
    "leaves_files_while_compiling": r"""
        // files that a compiler makes on the side are there for the next program
        #pragma GCC push_options
        asm(".section .left,\"a\"\n.asciz \"overproof left this\"\n.text");
        #pragma message "left"
        long add(long, long) { return 7; }
    """,
}
_FINDER = r"""
#include <string>
#if __has_include("program.o") || __has_include("left") || __has_include("result-0") || \
    __has_include("program")
std::string add(long, long) { return "found"; }
#else
std::string add(long, long) { return "held"; }
#endif
"""

ATTACKS = (
    *corpus(
        "escape",
        _READS,
        language="cpp",
        expect=_BOTH,
        test=CHECK_HELD,
        reference=HOLDS,
        held_by=_FILES_HELD,
    ),
    *corpus(
        "escape",
        _SEES,
        language="cpp",
        expect=("passed", "compile_error"),
        test=CHECK_HELD,
        reference=HOLDS,
        held_by=_FILES_HELD,
    ),
    *reports("escape", _NEIGHBOURS, language="cpp", prelude=REPORT),
    *corpus("exhaust", _BUSY, language="cpp", expect=_BOTH, budget="building"),
    *corpus("forge", _FORGES, language="cpp", expect=_BOTH, budget="small"),
    *corpus(
        "outlive",
        _LEAVES,
        language="cpp",
        expect=_BOTH,
        reference=HOLDS,
        next_program=_FINDER,
    ),
)
