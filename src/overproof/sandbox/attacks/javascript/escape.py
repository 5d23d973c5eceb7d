"""JavaScript that reaches for files, processes, the environment and the network of the machine.

What it reaches is what `HOST` names: see `overproof.sandbox.traps`.

>>> {attack.kind for attack in ATTACKS}
{'escape'}
"""

from overproof.sandbox.attacks.attack import FAILED, HOLDS, Layer, corpus, reports
from overproof.sandbox.attacks.javascript.prelude import REPORT

_READ = {
    "reads_files": r"""
        // files of the machine can be read: home, temporary folders, shared memory
        function add(a, b) {
          for (const folder of HOST.places) {
            attempt("read", () => fs.readFileSync(`${folder}/canary`, "utf8"));
            attempt("read", () => fs.readFileSync(new URL(`file://${folder}/canary`), "utf8"));
            attempt("listed", () => fs.readdirSync(folder).length);
            attempt("opened", () => fs.opendirSync(folder).readSync().name);
          }
          return report();
        }
    """,
    "loads_files": r"""
        // files of the machine can be loaded as modules, and show in the complaint
        function add(a, b) {
          for (const folder of HOST.places)
            try { require(`${folder}/canary`); reached.push("loaded"); } catch (error) {
              if (error.code !== "MODULE_NOT_FOUND" && error.code !== "EACCES")
                reached.push(`${error.stack}`.slice(0, 100));
            }
          return report();
        }
    """,
    "reads_system_files": r"""
        // files that tell of users and of this machine can be read
        function add(a, b) {
          for (const name of ["/etc/passwd", "/etc/shadow", "/etc/machine-id", "/etc/hostname",
                              "/etc/resolv.conf", "/root", "/home", "/var/log", "/boot"]) {
            attempt(name, () => void fs.readdirSync(name));
            attempt(name, () => void fs.readFileSync(name));
          }
          return report();
        }
    """,
    "reads_through_proc": r"""
        // links of /proc lead out: another process's root, folder or open files
        function add(a, b) {
          const target = `${HOST.places[0]}/canary`;
          for (const pid of ["self", 1, process.ppid, HOST.pid, HOST.self]) {
            for (const way of ["root", `cwd/${"../".repeat(20)}`, "task/1/root"])
              attempt("read", () => fs.readFileSync(`/proc/${pid}/${way}${target}`, "utf8"));
            attempt("read", () => fs.readFileSync(`/proc/${pid}/fd/${HOST.open_file}`, "utf8"));
          }
          return report();
        }
    """,
    "reads_through_links": r"""
        // a link in the working folder leads to a file outside
        function add(a, b) {
          for (const [number, folder] of HOST.places.entries())
            for (const make of [fs.symlinkSync, fs.linkSync, fs.copyFileSync]) {
              const name = `${make.name}${number}`;
              attempt("read", () => {
                make(`${folder}/canary`, name);
                return fs.readFileSync(name, "utf8");
              });
            }
          return report();
        }
    """,
    "reads_in_another_program": r"""
        // a program that is started reads what this one may not
        function add(a, b) {
          for (const folder of HOST.places)
            for (const command of [["cat"], ["sh", "-c", 'cat "$0"'],
                                   [process.execPath, "-p", "fs.readFileSync(process.argv[1])+''"]])
              attempt("read", () => {
                const { stdout } = child.spawnSync(command[0],
                  [...command.slice(1), `${folder}/canary`], { encoding: "utf8", timeout: 3000 });
                if (!stdout) throw 0;
                return stdout;
              });
          return report();
        }
    """,
    "sees_processes": r"""
        // other processes, with their command lines and environments, can be seen
        function add(a, b) {
          for (const pid of [HOST.pid, HOST.self, 1, process.ppid])
            for (const name of ["cmdline", "environ", "maps"])
              attempt(name, () => {
                const text = fs.readFileSync(`/proc/${pid}/${name}`, "latin1");
                if (!text.includes(HOST.variable) && pid !== HOST.pid) throw 0;
                return text.slice(-60);
              });
          return report();
        }
    """,
}

_WRITE = {
    "writes_to_files": r"""
        // files of the machine can be overwritten, cut, deleted and moved
        function add(a, b) {
          for (const folder of HOST.places) {
            const name = `${folder}/canary`;
            attempt("wrote", () => fs.writeFileSync(name, "x"));
            attempt("appended", () => fs.appendFileSync(name, "x"));
            attempt("cut", () => fs.truncateSync(name));
            attempt("moved", () => fs.renameSync(name, `${name}2`));
            attempt("deleted", () => fs.rmSync(folder, { recursive: true }));
            attempt("file", () => fs.writeFileSync(`${folder}/${HOST.mark}`, "x"));
            attempt("folder", () => fs.mkdirSync(`${folder}/${HOST.mark}d`));
            attempt("link", () => fs.symlinkSync("/", `${folder}/${HOST.mark}l`));
          }
          attempt("pipe", () => fs.writeSync(
            fs.openSync(HOST.pipe, fs.constants.O_WRONLY | fs.constants.O_NONBLOCK), HOST.mark));
          return report();
        }
    """,
    "writes_to_start_files": r"""
        // files that are run at the next login, by the clock or by every program can be written
        function add(a, b) {
          for (const name of [...HOST.start_files, "/etc/crontab", "/etc/ld.so.preload",
                              "/etc/profile", "/etc/passwd", "/usr/bin/node", process.execPath])
            attempt(name, () => fs.closeSync(fs.openSync(name, "r+")));
          for (const folder of [HOST.package, ...HOST.python, "/usr/lib/node_modules", "/usr/lib"])
            attempt(folder, () => {
              fs.writeFileSync(`${folder}/${HOST.mark}`, "x");
              fs.unlinkSync(`${folder}/${HOST.mark}`);
            });
          return report();
        }
    """,
}

_METADATA = {
    "changes_permissions": r"""
        // permissions and times of the machine's files can be changed
        function add(a, b) {
          for (const folder of HOST.places) {
            attempt("chmod", () => fs.chmodSync(`${folder}/canary`, 0o600));
            attempt("times", () => fs.utimesSync(`${folder}/canary`, 1, 1));
          }
          return report();
        }
    """,
}

_ENVIRONMENT = {
    "inherits_the_environment": r"""
        // tokens and keys in the environment of the run are there for the program
        function add(a, b) {
          if (HOST.variable in process.env) reached.push(process.env[HOST.variable]);
          attempt("in a program", () => {
            const { stdout } = child.spawnSync("env", { encoding: "utf8" });
            if (!stdout.includes(HOST.variable)) throw 0;
          });
          attempt("report", () => {
            const found = process.report.getReport().environmentVariables ?? {};
            if (!(HOST.variable in found)) throw 0;
          });
          return report();
        }
    """,
}

_SIGNALS = {
    "signals_processes": r"""
        // signals reach other processes: they can be ended
        function add(a, b) {
          for (const pid of [HOST.pid, HOST.self]) {
            attempt("kill", () => void process.kill(pid, "SIGURG"));
            if (pid > 1) attempt("group", () => void process.kill(-pid, "SIGURG"));
            child.spawnSync("sh", ["-c", `kill -URG ${pid} && exit 7`]).status === 7 &&
              reached.push("kill in a program");
          }
          return report();
        }
    """,
}

_KILLERS = {
    "kills_its_parent": r"""
        // the process that watches the program can be ended or stopped
        function add(a, b) {
          for (const name of ["SIGSTOP", "SIGTERM", "SIGKILL"])
            for (const pid of [process.ppid, 1]) try { process.kill(pid, name); } catch {}
          return "held";
        }
    """,
    "kills_everything": r"""
        // one signal to all ends every process of this user
        function add(a, b) {
          try { process.kill(-1, "SIGKILL"); } catch {}
          return "held";
        }
    """,
}

# Sockets are served by an event loop, which waits for the function: another process's is used.
_ELSEWHERE = r"""
function elsewhere(code) {
  const start = `const HOST = ${JSON.stringify(HOST)}, net = require("net");
    const say = (text) => require("fs").writeSync(1, text + " ");`;
  const { stdout } = child.spawnSync(process.execPath, ["-e", start + code],
    { encoding: "utf8", timeout: 4000 });
  if (stdout) reached.push(stdout.slice(0, 100));
}
"""
_NETWORK = {
    "connects_tcp": r"""
        // a server of this machine, and so of the internet, can be reached
        function add(a, b) {
          elsewhere(`
            for (const [host, port] of [["127.0.0.1", HOST.tcp], ["localhost", HOST.tcp],
                                        ["::1", HOST.tcp6]])
              net.connect(port, host, function () {
                say("connected"); this.end(HOST.mark); }).on("error", () => {});
            setTimeout(process.exit, 1500, 0).unref();
            fetch("http://127.0.0.1:" + HOST.tcp + "/" + HOST.mark).then(() => 0, () => 0);
          `);
          child.spawnSync("bash", ["-c", `echo ${HOST.mark} > /dev/tcp/127.0.0.1/${HOST.tcp}`]);
          return report();
        }
    """,
    "sends_udp": r"""
        // packets, and so questions for names, get out
        function add(a, b) {
          elsewhere(`
            const { createSocket } = require("dgram");
            for (const [kind, host, port] of [["udp4", "127.0.0.1", HOST.udp],
                                              ["udp6", "::1", HOST.udp6]])
              createSocket(kind).on("error", () => {}).send(HOST.mark, port, host,
                function (error) { if (!error) say("sent"); this.close(); });
            setTimeout(process.exit, 1500, 0).unref();
          `);
          return report();
        }
    """,
}
_PATHS = {
    "connects_by_path": r"""
        // services that listen in a folder, like Docker's or an agent's, can be reached
        function add(a, b) {
          elsewhere(`
            for (const path of HOST.sockets)
              net.connect(path, function () {
                say("connected"); this.end(HOST.mark); }).on("error", () => {});
            setTimeout(process.exit, 1500, 0).unref();
          `);
          return report();
        }
    """,
}
_ABSTRACT = {
    "connects_by_abstract_name": r"""
        // services with an abstract name, like a desktop's bus, can be reached
        function add(a, b) {
          elsewhere(`
            net.connect("\\0" + HOST.abstract, function () {
              say("connected"); this.end(HOST.mark); }).on("error", () => {});
            setTimeout(process.exit, 1500, 0).unref();
          `);
          return report();
        }
    """,
}
_WORKS_ON = 'function add(a, b) { return "held"; }\n'

_FILES_HELD: tuple[Layer, ...] = ("namespaces", "landlock", "seatbelt")

ATTACKS = (
    *reports("escape", _READ, language="javascript", prelude=REPORT, held_by=_FILES_HELD),
    *reports("escape", _WRITE, language="javascript", prelude=REPORT, held_by=_FILES_HELD),
    *reports(
        "escape",
        _METADATA,
        language="javascript",
        prelude=REPORT,
        held_by=("namespaces", "seatbelt"),
    ),
    *reports("escape", _ENVIRONMENT, language="javascript", prelude=REPORT),
    *reports(
        "escape",
        _SIGNALS,
        language="javascript",
        prelude=REPORT,
        held_by=("namespaces", "landlock 6", "seccomp", "seatbelt"),
        traps=("SIGURG",),
    ),
    *corpus(
        "escape",
        _KILLERS,
        language="javascript",
        prelude=REPORT,
        expect=("passed", *FAILED),
        reference=HOLDS,
        held_by=("namespaces", "landlock 6", "seccomp"),
        budget="small",
        danger="signals",
        next_program=_WORKS_ON,
    ),
    *reports(
        "escape",
        _NETWORK,
        language="javascript",
        prelude=REPORT + _ELSEWHERE,
        held_by=("namespaces", "landlock", "seccomp", "seatbelt"),
    ),
    *reports(
        "escape",
        _PATHS,
        language="javascript",
        prelude=REPORT + _ELSEWHERE,
        held_by=("namespaces", "seatbelt"),
    ),
    *reports(
        "escape",
        _ABSTRACT,
        language="javascript",
        prelude=REPORT + _ELSEWHERE,
        held_by=("namespaces", "landlock 6", "seatbelt"),
    ),
)
