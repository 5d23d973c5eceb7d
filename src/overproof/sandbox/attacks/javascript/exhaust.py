"""JavaScript that uses more time, memory, processes, files or output than it may, or that crashes.

>>> sorted({attack.kind for attack in ATTACKS})
['crash', 'exhaust']
"""

from overproof.records import Status
from overproof.sandbox.attacks.attack import HOLDS, corpus, reports
from overproof.sandbox.attacks.javascript.prelude import REPORT

_CHECK_BOUNDED = """
def check(candidate):
    assert candidate(2, 3) == "held", "it got more than it may"
"""
_CUT: tuple[Status, ...] = (
    *("passed", "error", "timeout", "out_of_memory", "output_limit", "crashed"),
)
"""Whatever stopped it; `wrong_answer` is the report of a program that got too much."""

_SPINS = {
    "busy_at_load": r"""
        // a program that never finishes loading holds up the run
        for (;;);
    """,
    "busy_in_a_call": r"""
        // a call that never ends holds up the run
        function add(a, b) { for (;;); }
    """,
    "pattern_that_explodes": r"""
        // a regular expression that tries everything cannot be ended
        function add(a, b) { return /^(a+)+$/.test("a".repeat(60) + "b"); }
    """,
    "busy_in_a_child": r"""
        // what children compute is not counted
        function add(a, b) {
          require("child_process").spawnSync("sh", ["-c", "while :; do :; done"]);
        }
    """,
    "busy_in_threads": r"""
        // what threads compute is not counted
        const { Worker } = require("worker_threads");
        for (let i = 0; i < 2; i++) new Worker("for (;;);", { eval: true });
        function add(a, b) {
          Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20000);
        }
    """,
    "recursion_without_end": r"""
        // a recursion without end, caught again and again, goes on for ever
        function add(a, b) { for (;;) try { add(a, b); } catch {} }
    """,
    "big_numbers": r"""
        // one operation that takes hours cannot be ended
        function add(a, b) { return (3n ** 100000000n) % 7n; }
    """,
}
_SLEEPS = {
    "asleep": r"""
        // a program that sleeps uses no time, and is never ended
        function add(a, b) {
          Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20000);
          return a + b;
        }
    """,
    "waits_for_input": r"""
        // a program that waits for input is never ended
        function add(a, b) {
          require("child_process").spawnSync("cat", { stdio: ["pipe", "ignore", "ignore"],
            input: "", timeout: 0 });
          require("child_process").spawnSync("sleep", ["20"]);
          return a + b;
        }
    """,
}
_BOUNDED = {
    "memory_in_buffers": r"""
        // memory outside of the runtime's heap is not limited
        function add(a, b) {
          const limit = HOST.memory_mib, all = [];
          while (all.length * 16 < 4 * limit) all.push(Buffer.alloc(16 << 20, 1));
          return "too much";
        }
    """,
    "memory_in_the_heap": r"""
        // memory in the runtime's heap is not limited
        function add(a, b) {
          const all = [];
          for (let i = 0; i < HOST.memory_mib * 64; i++) all.push(new Array(8192).fill(i));
          return "too much";
        }
    """,
    "memory_of_children": r"""
        // many processes together get more memory than they may
        function add(a, b) {
          const code = `const x = Buffer.alloc(${HOST.memory_mib >> 1} << 20, 1);
            Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 3000);`;
          for (let i = 0; i < 6; i++)
            child.spawn(process.execPath, ["-e", code], { stdio: "ignore" }).on("error", () => {});
          sleep(3000);
          return "too much";
        }
    """,
    "many_processes": r"""
        // more processes can be started than it may
        function add(a, b) {
          let started = 0;
          for (let i = 0; i < 4 * HOST.processes; i++) {
            const one = child.spawn("sleep", ["5"], { stdio: "ignore" });
            one.on("error", () => {});
            if (one.pid === undefined) break;
            started++;
          }
          sleep(300);
          return started <= 1.5 * HOST.processes ? "held" : "too much";
        }
    """,
    "big_file": r"""
        // a file becomes larger than it may
        process.on("SIGXFSZ", () => {});
        function add(a, b) {
          const block = Buffer.alloc(1 << 20, 1);
          let got = 0;
          try {
            const file = fs.openSync("big", "w");
            while (got < 4 * HOST.file_mib) got += fs.writeSync(file, block) >> 20;
          } catch {}
          return got <= 1.5 * HOST.file_mib ? "held" : "too much";
        }
    """,
    "many_open_files": r"""
        // more files can be open than it may
        function add(a, b) {
          let open = 0;
          try { for (; open < 4 * HOST.open_files; open++) fs.openSync("/dev/null"); } catch {}
          return open <= HOST.open_files ? "held" : "too much";
        }
    """,
    "many_small_files": r"""
        // thousands of files, and folders nested deep, hold up the next program
        function add(a, b) {
          try { for (let i = 0; i < 3000; i++) fs.writeFileSync(`file${i}`, ""); } catch {}
          try { for (;;) { fs.mkdirSync("deeper"); process.chdir("deeper"); } } catch {}
          return "held";
        }
    """,
}
_ANSWERS = {
    "answer_of_64_mib": r"""
        // an answer of 64 MiB is taken in
        function add(a, b) { return "x".repeat(64 << 20); }
    """,
    "answer_of_shared_parts": r"""
        // a small answer that is huge when it is written out fills the memory
        function add(a, b) {
          let nest = Array(10).fill(7);
          for (let i = 0; i < 12; i++) nest = Array(10).fill(nest);
          return nest;
        }
    """,
}
_OUTPUT = {
    "prints_64_mib": r"""
        // what is printed fills the memory, or holds up the program
        function add(a, b) {
          const line = "x".repeat(1 << 20);
          for (let i = 0; i < 64; i++) for (const stream of [1, 2])
            try { fs.writeSync(stream, line); } catch {}
          return "held";
        }
    """,
}
_FLOODS = {
    "output_without_end": r"""
        // output without end fills the memory of the judge
        for (;;) require("fs").writeSync(1, "x".repeat(4096));
    """,
}
_CRASHES = {
    "aborts": r"""
        // a crash of the process is not told from an exception
        function add(a, b) { process.abort(); }
    """,
    "aborts_at_load": r"""
        // a crash while loading is not told from an exception
        process.abort();
    """,
    "kills_itself": r"""
        // a program that kills itself is not told from one that was killed by the limits
        function add(a, b) { process.kill(process.pid, "SIGKILL"); for (;;); }
    """,
    "loads_what_is_no_library": r"""
        // a library that is none ends more than the program
        function add(a, b) { process.dlopen({ exports: {} }, "/usr/bin/env"); }
    """,
    "breaks_the_runtime": r"""
        // the runtime's own functions, called with nonsense, end more than the program
        function add(a, b) {
          for (const name of ["fs", "buffer", "v8", "contextify", "util"])
            try { Object.values(process.binding(name)).forEach((f) => f(0, -1, {}, 1e9)); } catch {}
          throw new Error("held");
        }
    """,
}

ATTACKS = (
    *corpus("exhaust", _SPINS, language="javascript", budget="small"),
    *corpus("exhaust", _SLEEPS, language="javascript", budget="asleep"),
    *corpus(
        "exhaust",
        _BOUNDED,
        language="javascript",
        prelude=REPORT,
        expect=_CUT,
        test=_CHECK_BOUNDED,
        reference=HOLDS,
        budget="small",
    ),
    *corpus("exhaust", _ANSWERS, language="javascript", budget="small"),
    *reports("exhaust", _OUTPUT, language="javascript", prelude=REPORT),
    *corpus(
        "exhaust",
        _FLOODS,
        language="javascript",
        expect=("output_limit", "timeout"),
        cases=(("", "x"),),
        budget="small",
    ),
    *corpus("crash", _CRASHES, language="javascript", budget="small"),
)
