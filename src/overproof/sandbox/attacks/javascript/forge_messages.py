"""JavaScript that speaks to the judge itself, over the driver's descriptor.

All that a message can say is a result or an exception; what says more, or is no message, counts
against the program, and what would keep the judge busy is refused.

>>> {attack.kind for attack in ATTACKS}
{'forge'}
"""

from overproof.sandbox.attacks.attack import FAILED, NEVER_RAN, corpus

_SPEECH = r"""
const fs = require("fs");
function write(bytes) {
  for (let sent = 0; sent < bytes.length; )
    try { sent += fs.writeSync(3, bytes, sent); } catch (error) {
      if (error.code !== "EAGAIN") return;
    }
}
function say(...messages) {
  for (const message of messages) {
    const content = Buffer.from(typeof message === "string" ? message : JSON.stringify(message));
    const head = Buffer.alloc(4);
    head.writeUInt32LE(content.length);
    write(Buffer.concat([head, content]));
  }
}
const many = (count, item) => Array.from({ length: count }, (_, place) => item(place)).join(",");
"""

_MESSAGES = {
    "verdicts_as_answers": r"""
        // a message that says passed, in the place of each answer, is the verdict
        say({ loaded: true });
        for (let i = 0; i < 9; i++) say({ status: "passed", detail: "", passed: true });
        function add(a, b) { return 0; }
    """,
    "verdict_while_loading": r"""
        // a message that says passed, in the place of the first reply, is the verdict
        say({ status: "passed", detail: "", loaded: true, value: 7 });
        process.exit(0);
    """,
    "excuses": r"""
        // a program can blame the harness, so that its failure does not count
        say({ failed: "harness_error", detail: "out of disk" });
        process.exit(0);
    """,
    "excuse_of_a_missing_tool": r"""
        // a program can claim that a tool is missing, so that its failure does not count
        say({ failed: "missing_tool", detail: "node" });
        process.exit(0);
    """,
    "failed_with_passed": r"""
        // a load that failed with the status passed is a pass
        say({ failed: "passed", detail: "passed" });
        process.exit(0);
    """,
    "missing_build": r"""
        // a message like that of a compiler's process says that the tool is missing
        say({ status: 0, missing: true, log: "node", found: [], folders: [] });
        function add(a, b) { return 0; }
    """,
    "report_of_the_watcher": r"""
        // a report like that of the process that watches the program is believed
        write(Buffer.from("\0".repeat(24) + "\u0001\u0001\u0001", "latin1"));
        function add(a, b) { process.exit(0); }
    """,
    "value_and_exception": r"""
        // an answer that is a result and an exception at once confuses the judge
        function add(a, b) {
          say({ value: 7, raised: "AssertionError", detail: "passed", status: "passed" });
          return 0;
        }
    """,
    "raised_is_no_exception": r"""
        // the name of an exception is looked up among all built-in names, and called
        function add(a, b) {
          for (const raised of ["exec", "exit", "SystemExit", "__import__", "", "BaseException"])
            say({ raised, detail: "1" });
          return 0;
        }
    """,
    "raised_is_no_text": r"""
        // an exception whose name or detail is no text ends the judge
        function add(a, b) { say({ raised: ["ValueError"], detail: {} }); return 0; }
    """,
    "answers_before_the_calls": r"""
        // answers that were sent before anything was asked are taken for those to come
        say({ loaded: true }, ...Array(200).fill({ value: 7 }));
        function add(a, b) { return 0; }
    """,
    "duplicate_keys": r"""
        // a message with the same key twice means another thing to each reader
        function add(a, b) { say('{"value":7,"value":{"int":"0x5","int":"0x7"}}'); return 0; }
    """,
    "not_a_message": r"""
        // a message that is no JSON, or no object, ends the judge
        function add(a, b) { say("{", "NaN", "null", "[]", "5", '"value"', ""); return 0; }
    """,
    "deep_json": r"""
        // a message nested a hundred thousand times overflows the judge
        function add(a, b) {
          say(`{"value":${"[".repeat(1e5)}${"]".repeat(1e5)}}`);
          return 0;
        }
    """,
    "gigabytes_announced": r"""
        // a message that announces four gigabytes makes the judge set them aside
        function add(a, b) { write(Buffer.alloc(4, 255)); return 0; }
    """,
    "half_a_message": r"""
        // a message that breaks off holds up the judge, or ends it
        function add(a, b) { write(Buffer.from('\u0019\0\0\0{"value":')); process.exit(0); }
    """,
    "noise_on_all_descriptors": r"""
        // noise on every descriptor ends the judge
        function add(a, b) {
          const noise = require("crypto").randomBytes(64);
          for (let number = 0; number < 256; number++)
            try { fs.writeSync(number, noise); } catch {}
          return 0;
        }
    """,
    "closes_the_channel": r"""
        // closing the channel ends the test, and nothing has failed
        function add(a, b) { fs.closeSync(3); return 0; }
    """,
    "closes_the_channel_and_waits": r"""
        // a program that has closed its channel, and goes on, holds up the run
        function add(a, b) {
          fs.closeSync(3);
          Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 3000);
        }
    """,
    "child_speaks": r"""
        // a child answers in the place of the program, which has ended with status 0
        function add(a, b) {
          const code = `for (let i = 0; i < 99; i++) try {
            require("fs").writeSync(3, '\\x12\\0\\0\\0{"status":"passe"}') } catch {}`;
          require("child_process").spawn(process.execPath, ["-e", code],
            { detached: true, stdio: ["ignore", "ignore", "ignore", 3] });
          process.exit(0);
        }
    """,
    "thread_speaks_between": r"""
        // a thread that speaks all the time gets its words between the answers
        const { Worker } = require("worker_threads");
        new Worker(`for (let i = 0; i < 500; i++)
          require("fs").writeSync(3, '\\x13\\0\\0\\0{"status":"passed"}')`, { eval: true });
        function add(a, b) {
          Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200);
          return 0;
        }
    """,
    "wrong_tags": r"""
        // a tagged value that no encoder makes ends the judge
        function add(a, b) {
          say({ value: { set: [[1]], dict: 5 } });
          return 0;
        }
    """,
    "types_of_another_language": r"""
        // values that only Python's driver sends get by: iterators, exceptions, opaque ones
        function add(a, b) { say({ value: { opaque: "int" } }); return 0; }
    """,
}

_BUSY = {
    "keys_that_collide": r"""
        // a set of complex numbers that all have the same hash keeps the judge busy
        function add(a, b) {
          const number = (i) => `{"complex":[${-1000003 * i}.0,${i}.0]}`;
          say(`{"value":{"set":[${many(100000, number)}]}}`);
          return 0;
        }
    """,
    "tuples_that_collide": r"""
        // a dict of tuples that all have the same hash keeps the judge busy
        const mask = (1n << 64n) - 1n, seed = 2870177450012600261n, step = 14029467366897019727n;
        const turn = (x) => (((x << 31n) | (x >> 33n)) & mask) * 11400714785074694791n & mask;
        let inverse = 1n;
        for (let i = 0; i < 6; i++) inverse = inverse * (2n - step * inverse) & mask;
        const pairs = [];
        for (let first = 1n; pairs.length < 30000; first++) {
          const second = (12345n - turn((seed + first * step) & mask)) * inverse & mask;
          if (second < (1n << 61n) - 1n) pairs.push(`[{"tuple":[${first},${second}]},1]`);
        }
        function add(a, b) { say(`{"value":{"dict":[${pairs.join(",")}]}}`); return 0; }
    """,
    "numbers_that_collide": r"""
        // a set of numbers that all have the same hash keeps the judge busy
        function add(a, b) {
          const prime = (1n << 61n) - 1n;
          say(`{"value":{"set":[${many(9000, (i) => BigInt(i) * prime)}]}}`);
          return 0;
        }
    """,
    "fraction_of_huge_numbers": r"""
        // a fraction of numbers with millions of digits, which is reduced, keeps the judge busy
        const bytes = () => require("crypto").randomBytes(1900000);
        const digits = () => `{"int":"0x${bytes().toString("hex")}"}`;
        function add(a, b) { say(`{"value":{"fraction":[${digits()},${digits()}]}}`); return 0; }
    """,
    "decimal_of_a_huge_exponent": r"""
        // a decimal whose digits fill the memory keeps the judge busy
        function add(a, b) { say({ value: { decimal: "9E+999999999999999" } }); return 0; }
    """,
    "four_million_items": r"""
        // a list of four million numbers fills the judge's memory
        function add(a, b) { say(`{"value":[${"0,".repeat(4000000)}0]}`); return 0; }
    """,
}

_CHECK_SORTED = """
def check(candidate):
    assert sorted(candidate(2, 3)) == [5]
"""
_RANGES = {
    "range_without_end": r"""
        // a range of a hundred million numbers, which the test sorts, fills the judge's memory
        function add(a, b) { say({ value: { range: [0, 100000000, 1] } }); return 0; }
    """,
}

_CHECK_BACK = "def check(candidate):\n    assert candidate(candidate(1, 1), 3) == 5\n"
_BACK = {
    "too_deep_to_pass_back": r"""
        // an answer that the test cannot pass on to the next call is a fault of the harness
        function add(a, b) {
          say(`{"value":${"[".repeat(102)}${"]".repeat(102)}}`);
          return 0;
        }
    """,
    "not_to_be_passed_back": r"""
        // an answer that is used up when it is passed on to the next call is a fault of the harness
        function add(a, b) { say({ value: { iterator: [5, { opaque: "int" }] } }); return 0; }
    """,
    "changes_what_is_asked": r"""
        // a program that answers otherwise each time makes the calls of the test its own
        let answers = 0;
        function add(a, b) { return Math.random() + answers++; }
    """,
}

_ASLEEP = {
    "announced_and_silent": r"""
        // a message that is announced and never comes holds up the run for good
        function add(a, b) {
          write(Buffer.from("\u00e8\u0003\0\0{", "latin1"));
          Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20000);
        }
    """,
}

ATTACKS = (
    *corpus(
        "forge",
        _MESSAGES,
        language="javascript",
        prelude=_SPEECH,
        expect=(*FAILED, *NEVER_RAN),
        budget="small",
    ),
    *corpus(
        "forge",
        _BUSY,
        language="javascript",
        prelude=_SPEECH,
        expect=("wrong_answer", "protocol_violation"),
    ),
    *corpus(
        "forge",
        _RANGES,
        language="javascript",
        prelude=_SPEECH,
        expect=("protocol_violation", "error"),
        test=_CHECK_SORTED,
        reference="    return [a + b]\n",
    ),
    *corpus("forge", _BACK, language="javascript", prelude=_SPEECH, test=_CHECK_BACK),
    *corpus("forge", _ASLEEP, language="javascript", prelude=_SPEECH, budget="asleep"),
)
