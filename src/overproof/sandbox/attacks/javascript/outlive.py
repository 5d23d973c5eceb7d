"""JavaScript whose processes go on after the verdict, or that leaves something behind.

>>> {attack.kind for attack in ATTACKS}
{'outlive'}
"""

from overproof.sandbox.attacks.attack import FAILED, HOLDS, corpus, reports
from overproof.sandbox.attacks.javascript.prelude import REPORT

_STAY = r"""
const COMMAND = ["-c", `sleep 30; : ${HOST.mark}`];
function start(command, args) {
  const one = child.spawn(command, args, { detached: true, stdio: "ignore" });
  one.on("error", () => {});
  one.unref();
}
"""
_STAYS = {
    "child_stays": r"""
        // a detached child goes on after the verdict
        function add(a, b) { start("sh", COMMAND); sleep(50); return "held"; }
    """,
    "daemon_stays": r"""
        // a process that has left its parent, group and session goes on after the verdict
        function add(a, b) {
          const deaf = `trap "" HUP TERM INT; sleep 30; : ${HOST.mark}`;
          start("sh", ["-c", `setsid nohup sh -c '${deaf}' &`]);
          sleep(100);
          return "held";
        }
    """,
    "process_with_a_name_stays": r"""
        // the process itself takes another name and is not ended
        function add(a, b) {
          process.title = HOST.tag;
          process.on("SIGTERM", () => {});
          return "held";
        }
    """,
    "exit_starts_another": r"""
        // the end of the program starts a process
        for (const event of ["exit", "SIGTERM", "SIGHUP", "SIGINT"])
          process.on(event, () => start("sh", COMMAND));
        function add(a, b) { return "held"; }
    """,
    "thread_stays": r"""
        // a thread, a timer and a server that are not done keep the process
        new (require("worker_threads").Worker)("setInterval(() => {}, 1000)", { eval: true });
        setInterval(() => {}, 1000);
        function add(a, b) { process.title = HOST.tag; return "held"; }
    """,
}
_ENDS_AND_STAYS = {
    "stays_after_an_exit": r"""
        // children go on when the program itself has exited
        function add(a, b) {
          for (let i = 0; i < 4; i++) start("sh", COMMAND);
          process.exit(0);
        }
    """,
    "stays_after_a_limit": r"""
        // children go on when the program itself was ended by a limit
        function add(a, b) {
          for (let i = 0; i < 4; i++) start("sh", COMMAND);
          for (;;);
        }
    """,
}
_PRINTS_AND_STAYS = {
    "output_is_held_open": r"""
        // a child that keeps the output open holds up the run until it ends
        fs.writeSync(1, "5\n");
        child.spawn("sh", COMMAND, { detached: true, stdio: "inherit" }).unref();
        process.exit(0);
    """,
}

_FINDER = r"""
function add(a, b) {
  for (const top of [".", "..", "/tmp", "/var/tmp", "/dev/shm", os.homedir(), os.tmpdir(),
                     ...HOST.places])
    attempt("found in " + top, () => {
      const names = fs.readdirSync(top).filter((name) => name.includes(HOST.mark));
      if (names.length === 0) throw 0;
      return names;
    });
  const own = ["main.js", "program.json"];
  reached.push(...fs.readdirSync(".").filter((name) => !own.includes(name)));
  if (globalThis[HOST.mark] || process.env[HOST.mark] || process.umask() !== 0o77)
    reached.push("settings");
  return report();
}
"""
_LEAVES = {
    "leaves_files": r"""
        // files, links and settings that one program leaves are there for the next
        function add(a, b) {
          globalThis[HOST.mark] = process.env[HOST.mark] = "left";
          process.umask(0);
          for (const top of [".", "..", "/tmp", "/var/tmp", "/dev/shm", os.homedir(), os.tmpdir(),
                             ...HOST.top_folders]) {
            try { fs.writeFileSync(`${top}/${HOST.mark}`, "x"); } catch {}
            try { fs.mkdirSync(`${top}/${HOST.mark}d/in`, { recursive: true, mode: 0 }); } catch {}
            try { fs.symlinkSync("/", `${top}/${HOST.mark}l`); } catch {}
          }
          return "held";
        }
    """,
}

ATTACKS = (
    *reports("outlive", _STAYS, language="javascript", prelude=REPORT + _STAY),
    *corpus(
        "outlive", _ENDS_AND_STAYS, language="javascript", prelude=REPORT + _STAY, budget="small"
    ),
    *corpus(
        "outlive",
        _PRINTS_AND_STAYS,
        language="javascript",
        prelude=REPORT + _STAY,
        expect=("passed",),
        cases=(("2 3\n", "5\n"),),
    ),
    *corpus(
        "outlive",
        _LEAVES,
        language="javascript",
        prelude=REPORT,
        expect=("passed", *FAILED),
        reference=HOLDS,
        held_by=("namespaces",),
        next_program=REPORT + _FINDER,
    ),
)
