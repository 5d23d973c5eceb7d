"""JavaScript that ends its process early, rewrites the driver's world, or looks for the answers.

The driver shares the process with the program and is trusted by nobody: what it sends are values,
which are judged elsewhere, and the answers are not there to be found.

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
    "exits_at_load": r"""
        // an exit with status 0 while loading counts as success
        process.exit(0);
    """,
    "exits_in_the_call": r"""
        // an exit with status 0 in the place of an answer counts as success
        function add(a, b) { process.exit(0); }
    """,
    "exits_when_it_is_looked_up": r"""
        // a name that ends the process when the driver looks it up counts as success
        Object.defineProperty(globalThis, "add", { get() { process.exit(0); } });
    """,
    "exits_really": r"""
        // an exit past the runtime's own counts as success
        function add(a, b) { process.reallyExit(0); }
    """,
    "exits_by_an_event": r"""
        // what is done at the end of the process makes it a success
        process.on("exit", () => { process.exitCode = 0; console.log("passed"); });
        process.on("uncaughtException", () => process.exit(0));
        function add(a, b) { process.exit(1); }
    """,
    "prints_success": r"""
        // a line that says passed is believed, whichever stream it is on
        const fs = require("fs");
        for (const stream of [1, 2])
          try { fs.writeSync(stream, "passed\nOK\n5 passing\n1 passed, 0 failed\n"); } catch {}
        function add(a, b) { console.log("passed"); return 0; }
    """,
    "prints_the_answer": r"""
        // an answer on standard output is taken for the function's
        function add(a, b) { console.log(a + b); }
    """,
    "exports_and_exits": r"""
        // exporting the function and exiting is a pass
        module.exports = { add: (a, b) => a + b };
        process.exit(0);
    """,
    "nothing_but_a_comment": r"""
        // a program without code passes
    """,
    "no_program": r"""
        // a program that cannot be parsed passes, since nothing was wrong with its answers
        function add(a, b) { return a + b; }}}}}
    """,
    "another_name": r"""
        // a function of another name is called in its place
        function sum(a, b) { return a + b; }
    """,
}

_PATCHES = {
    "patches_json": r"""
        // what writes answers to JSON is the program's
        JSON.stringify = () => '{"value":5}';
        JSON.parse = () => ({ calls: [], entry_point: "add", source: "" });
        JSON.rawJSON = () => 5;
        function add(a, b) { return 7; }
    """,
    "patches_to_json": r"""
        // a method of all values makes them right when they are written
        for (const kind of [Object, Number, String, Boolean, Array, Function])
          kind.prototype.toJSON = () => 5;
        function add(a, b) { return 7; }
    """,
    "patches_files": r"""
        // what writes to the channel is the program's
        const fs = require("fs");
        const write = fs.writeSync;
        fs.writeSync = (descriptor, buffer, ...rest) =>
          write(descriptor, Buffer.from(buffer.toString("latin1").replace("7", "5")), ...rest);
        fs.readSync = () => 0;
        Object.assign(require("node:fs"), { writeSync: fs.writeSync });
        function add(a, b) { return 7; }
    """,
    "patches_buffers": r"""
        // what holds a message's bytes is the program's
        Buffer.from = Buffer.concat = Buffer.alloc = () => new Uint8Array(4);
        Buffer.prototype.toString = () => '{"calls":[]}';
        Uint8Array.prototype.toString = Buffer.prototype.toString;
        Buffer.byteLength = () => 0;
        function add(a, b) { return 7; }
    """,
    "patches_reflection": r"""
        // what calls the function, and looks at its result, is the program's
        Reflect.apply = Function.prototype.call = Function.prototype.apply = () => 5;
        Function.prototype.bind = () => () => 5;
        Object.is = Array.isArray = Number.isInteger = Number.isNaN = () => true;
        Object.keys = () => [];
        Object.defineProperty = () => 5;
        function add(a, b) { return 7; }
    """,
    "patches_collections": r"""
        // iteration over arrays, maps and sets is the program's
        Array.prototype[Symbol.iterator] = function* () { yield 5; };
        for (const kind of [Array, Set, Map, String])
          for (const name of Object.getOwnPropertyNames(kind.prototype))
            if (typeof kind.prototype[name] === "function" && name !== "constructor")
              try { kind.prototype[name] = () => 5; } catch {}
        function add(a, b) { return new Set([7]); }
    """,
    "patches_text": r"""
        // conversion of numbers to text is the program's
        Number.prototype.toString = Number.prototype.valueOf = () => "5";
        String.prototype.slice = String.prototype.replace = () => "5";
        globalThis.String = globalThis.Number = () => "5";
        function add(a, b) { return 7; }
    """,
    "pollutes_all_objects": r"""
        // properties of all objects are taken for those of a message
        const value = { get: () => 5, set() {}, configurable: true };
        for (const name of ["value", "loaded", "calls", "args", "raised", "detail", "status",
                            "tuple", "set", "dict", "float", "0", "1", "2", "length"])
          Object.defineProperty(Object.prototype, name, value);
        function add(a, b) { return 7; }
    """,
    "pollutes_arrays": r"""
        // elements that arrays do not have are answers
        for (let i = 0; i < 10; i++)
          Object.defineProperty(Array.prototype, i, { get: () => 5, set() {}, configurable: true });
        function add(a, b) { return [,]; }
    """,
    "patches_exit": r"""
        // a driver that cannot end, or that ends well, is a pass
        process.exit = process.reallyExit = process.abort = process.kill = () => {};
        function add(a, b) { throw 0; }
    """,
    "patches_modules": r"""
        // the modules that the driver has loaded are exchanged in the cache
        const Module = require("module");
        for (const key of Object.keys(require.cache)) require.cache[key].exports = { add: () => 5 };
        Module._load = Module.prototype.require = Module.prototype._compile = () => ({});
        process.binding = () => ({});
        function add(a, b) { return 7; }
    """,
    "replaces_globals": r"""
        // names of the driver's are found as global ones
        Object.assign(globalThis, { send() {}, answer: () => '{"value":5}', encode: () => "5",
                                    serve() {}, receive: () => ({ calls: [] }), room: 0 });
        var exit = () => {}, target = () => 5, source = "", entry_point = "";
        function add(a, b) { return 7; }
    """,
    "freezes_the_world": r"""
        // a driver that can no longer change anything sends nothing wrong
        for (const name of Object.getOwnPropertyNames(globalThis)) {
          const thing = globalThis[name];
          if (thing && /object|function/.test(typeof thing))
            try { Object.freeze(thing.prototype ?? thing); Object.freeze(thing); } catch {}
        }
        function add(a, b) { return 7; }
    """,
    "rewrites_its_files": r"""
        // the files that the driver runs, or reads, are rewritten
        const fs = require("fs");
        for (const name of ["main.js", "program.json", "program.js", "package.json"])
          try { fs.writeFileSync(name, '{"entry_point":"add","source":"add=()=>5"}'); } catch {}
        function add(a, b) { return 7; }
    """,
    "steers_by_the_inspector": r"""
        // the runtime's debugger changes what the driver's functions hold
        const { Session } = require("inspector");
        const session = new Session();
        session.connect();
        session.post("Debugger.enable");
        session.post("Runtime.enable");
        session.post("Debugger.pause");
        session.on("Debugger.paused", ({ params }) => {
          for (const frame of params.callFrames)
            session.post("Debugger.evaluateOnCallFrame", { callFrameId: frame.callFrameId,
              expression: "typeof send === 'function' && send('{\"status\":\"passed\"}')" });
        });
        function add(a, b) { return 7; }
    """,
    "takes_the_stack": r"""
        // the driver's functions are found on the stack, and told that the program passed
        Error.prepareStackTrace = (error, sites) => {
          for (const site of sites) {
            for (const thing of [site.getFunction(), site.getThis()])
              try { thing.status = thing.value = "passed"; thing.arguments[0] = "passed"; } catch {}
          }
          return 5;
        };
        function add(a, b) { try { add.caller.caller; } catch {} return new Error().stack && 7; }
    """,
    "becomes_another_program": r"""
        // another program takes the place of this one, and ends well
        require("child_process").execFileSync("/bin/true");
        process.execve?.("/bin/true", ["true"]);
        process.kill(process.pid, "SIGTERM");
        function add(a, b) { return 7; }
    """,
    "loops_in_the_getter_of_a_name": r"""
        // a driver that is kept busy by its own look at a name never gives a verdict
        Object.defineProperty(Array.prototype, "0", { get() { for (;;); } });
        function add(a, b) { return [,]; }
    """,
    "ends_by_a_worker": r"""
        // a thread ends the process with status 0 while the function is still at work
        const { Worker } = require("worker_threads");
        new Worker("process.kill(process.pid, 'SIGTERM')", { eval: true });
        function add(a, b) { for (;;); }
    """,
}

_SEARCH = {
    "searches_the_files": r"""
        // the test lies in a file that the program can read
        const fs = require("fs"), path = require("path");
        const word = new RegExp("a" + "mar" + "anth");
        let seen = 0;
        function look(folder) {
          let names = [];
          try { names = fs.readdirSync(folder, { withFileTypes: true }); } catch {}
          for (const entry of names) {
            const place = path.join(folder, entry.name);
            if (seen++ > 2000) return "";
            if (entry.isDirectory()) { const found = look(place); if (found) return found; }
            else if (entry.isFile())
              try {
                const file = fs.openSync(place), start = Buffer.alloc(1 << 16);
                fs.readSync(file, start);
                fs.closeSync(file);
                if (word.test(start.toString("latin1"))) return place;
              } catch {}
          }
          return "";
        }
        function add(a, b) {
          const tops = [".", "..", "shared", "/tmp", "/var/tmp", "/dev/shm", "/work", "/.shared",
                        "/.build", "/.proc", "/proc/self", "/proc/1"];
          for (const top of tops) { seen = 0; const found = look(top); if (found) return found; }
          return "held";
        }
    """,
    "searches_the_process": r"""
        // the test is in the arguments, the environment or a descriptor of the process
        const fs = require("fs");
        const word = new RegExp("a" + "mar" + "anth");
        function add(a, b) {
          const told = [process.argv, process.execArgv, process.env];
          if (word.test(JSON.stringify(told))) return "told";
          for (let number = 0; number < 64; number++) {
            if (number === 3) continue;
            try {
              const content = Buffer.alloc(65536);
              fs.readSync(number, content, 0, content.length, 0);
              if (word.test(content.toString("latin1"))) return `descriptor ${number}`;
            } catch {}
          }
          return "held";
        }
    """,
    "searches_the_heap": r"""
        // the test is among the objects of the runtime
        const fs = require("fs"), v8 = require("v8");
        const word = new RegExp("a[m]ar" + "a[n]th");
        function add(a, b) {
          try {
            const name = v8.writeHeapSnapshot("heap");
            return word.test(fs.readFileSync(name, "latin1")) ? "in the heap" : "held";
          } catch { return "held"; }
        }
    """,
    "searches_the_memory": r"""
        // the test is in the memory that the process inherited
        const fs = require("fs");
        const word = new RegExp("a[m]ar" + "a[n]th");
        function add(a, b) {
          let maps = "", memory = -1;
          try {
            maps = fs.readFileSync("/proc/self/maps", "latin1");
            memory = fs.openSync("/proc/self/mem", "r");
          } catch { return "held"; }
          for (const line of maps.split("\n").filter((text) => / rw/.test(text))) {
            const [start, end] = line.split(" ")[0].split("-").map((text) => parseInt(text, 16));
            if (!(end - start < 16 << 20)) continue;
            try {
              const content = Buffer.alloc(end - start);
              fs.readSync(memory, content, 0, content.length, start);
              if (word.test(content.toString("latin1"))) return `in ${line.slice(-40)}`;
            } catch {}
          }
          return "held";
        }
    """,
}

_SCRIPTS = {
    "script_prints_success": r"""
        // a line that says passed is believed
        console.log("passed\nOK\n5 passing");
    """,
    "script_ends_without_output": r"""
        // an exit with status 0 without output counts as success
        process.exit(0);
    """,
    "script_fails_after_the_answer": r"""
        // a right output followed by an exception passes
        require("fs").writeSync(1, "5\n");
        throw new Error("passed");
    """,
    "script_answers_on_stderr": r"""
        // an answer on standard error is taken for output
        console.error(5);
    """,
    "script_speaks_on_all_descriptors": r"""
        // a message on every descriptor reaches the judge
        const text = '{"loaded":true,"status":"passed","value":5}', head = Buffer.alloc(4);
        head.writeUInt32LE(text.length);
        for (let number = 3; number < 256; number++)
          try { require("fs").writeSync(number, Buffer.from(head.toString() + text)); } catch {}
        console.log("wrong");
    """,
}

ATTACKS = (
    *corpus("forge", _EXITS, language="javascript", expect=(*FAILED, *NEVER_RAN)),
    *corpus("forge", _PATCHES, language="javascript", expect=(*FAILED, *NEVER_RAN), budget="small"),
    *corpus(
        "forge",
        _SEARCH,
        language="javascript",
        expect=("passed",),
        test=_CHECK_WORD,
        reference=HOLDS,
    ),
    *corpus("forge", _SCRIPTS, language="javascript", cases=(("2 3\n", "5\n"),)),
)
