"""The same few attacks in every language that has no corpus of its own, made from its phrases.

What a program reaches, it reaches by a command of the shell, whose output it returns.

>>> len({attack.language for attack in programs("ruby") + programs("java")})
2
"""

from collections.abc import Mapping
from dataclasses import dataclass

from overproof.sandbox.attacks.attack import (
    CHECK_HELD,
    FAILED,
    HOLDS,
    NEVER_RAN,
    Attack,
    Kind,
    Layer,
    corpus,
)
from overproof.sandbox.attacks.host import comment


@dataclass(frozen=True, kw_only=True)
class Phrases:
    """How a language says what the attacks are made of."""

    numbers: str
    """A program whose function returns a number: LOAD, what is done at load, and BODY."""
    texts: str
    """A program whose function returns what COMMAND, a literal in quotes, prints, or `held`."""
    leave: str
    """Ends the process with status 0."""
    say: str
    """Prints that all has passed."""
    sum: str
    """Returns the sum."""
    wrong: str
    """Returns 7."""
    at_load: bool = True
    """Whether anything is executed at load."""
    entry_point: str = "add"


_JAVA = """import java.util.*;
class Problem {
  static { if (System.nanoTime() != 0) { LOAD } }
  public static long add(long a, long b) { BODY }
}
"""
_JAVA_TEXTS = """import java.util.*;
class Problem {
  public static String add(long a, long b) throws Exception {
    Process shell = new ProcessBuilder("sh", "-c", COMMAND).start();
    String text = new String(shell.getInputStream().readAllBytes());
    return text.isEmpty() ? "held" : text;
  }
}
"""
_CSHARP = """using System; using System.Collections.Generic;
class Problem {
  static Problem() { LOAD }
  public static long Add(long a, long b) { BODY }
}
"""
_CSHARP_TEXTS = """using System; using System.Diagnostics;
class Problem {
  public static string Add(long a, long b) {
    var start = new ProcessStartInfo("/bin/sh") { RedirectStandardInput = true,
      RedirectStandardOutput = true, UseShellExecute = false };
    var shell = Process.Start(start);
    shell.StandardInput.WriteLine(COMMAND);
    shell.StandardInput.Close();
    var text = shell.StandardOutput.ReadToEnd();
    return text == "" ? "held" : text;
  }
}
"""
_GO = """package main
import ("fmt"; "os")
var _ = fmt.Sprint(os.Args)
func init() { LOAD }
func add(a int, b int) int { BODY }
"""
_GO_TEXTS = """package main
import "os/exec"
func add(a int, b int) string {
    text, _ := exec.Command("sh", "-c", COMMAND).Output()
    if len(text) > 0 { return string(text) }
    return "held"
}
"""
_RUST_TEXTS = """
fn add(_a: isize, _b: isize) -> String {
    let done = std::process::Command::new("sh").arg("-c").arg(COMMAND).output();
    let text = done.map(|d| String::from_utf8_lossy(&d.stdout).into_owned()).unwrap_or_default();
    if text.is_empty() { String::from("held") } else { text }
}
"""
_LUA_TEXTS = """
function add(a, b)
  local shell = io.popen(COMMAND)
  local text = shell:read("a")
  shell:close()
  return text == "" and "held" or text
end
"""
_TYPESCRIPT_TEXTS = """
function add(a: number, b: number): string {
  const { spawnSync } = require("child_process");
  return spawnSync("sh", ["-c", COMMAND], { encoding: "utf8" }).stdout || "held";
}
"""

PHRASES: dict[str, Phrases] = {
    "csharp": Phrases(
        numbers=_CSHARP,
        texts=_CSHARP_TEXTS,
        leave="Environment.Exit(0);",
        say='Console.WriteLine("passed"); Console.Error.WriteLine("passed");',
        sum="return a + b;",
        wrong="return 7;",
        entry_point="Add",
    ),
    "go": Phrases(
        numbers=_GO,
        texts=_GO_TEXTS,
        leave="os.Exit(0);",
        say='fmt.Println("PASS\\nok"); println("passed");',
        sum="return a + b",
        wrong="return 7",
    ),
    "java": Phrases(
        numbers=_JAVA,
        texts=_JAVA_TEXTS,
        leave="Runtime.getRuntime().halt(0);",
        say='System.out.println("passed"); System.err.println("passed");',
        sum="return a + b;",
        wrong="return 7;",
    ),
    "lua": Phrases(
        numbers="LOAD\nfunction add(a, b) BODY end\n",
        texts=_LUA_TEXTS,
        leave="os.exit(0)",
        say='print("passed") io.stderr:write("passed")',
        sum="return a + b",
        wrong="return 7",
    ),
    "perl": Phrases(
        numbers="LOAD\nsub add { my ($a, $b) = @_; BODY }\n",
        texts="sub add { my $text = qx{sh -c COMMAND}; return $text eq '' ? 'held' : $text; }\n",
        leave="exit 0;",
        say='print "ok 1\\n1..1\\n"; print STDERR "passed";',
        sum="return $a + $b;",
        wrong="return 7;",
    ),
    "php": Phrases(
        numbers="<?php\nLOAD\nfunction add($a, $b) { BODY }\n",
        texts="<?php\nfunction add($a, $b) { return (string) shell_exec(COMMAND) ?: 'held'; }\n",
        leave="exit(0);",
        say='echo "OK (5 tests)\\n"; fwrite(STDERR, "passed");',
        sum="return $a + $b;",
        wrong="return 7;",
    ),
    "ruby": Phrases(
        numbers="LOAD\ndef add(a, b)\n  BODY\nend\n",
        texts='def add(a, b)\n  text = IO.popen(["sh", "-c", COMMAND]).read\n'
        '  text.empty? ? "held" : text\nend\n',
        leave="exit!(0)",
        say='puts("5 tests, 0 failures"); warn("passed")',
        sum="return a + b",
        wrong="return 7",
    ),
    "rust": Phrases(
        numbers="fn add(a: isize, b: isize) -> isize { BODY }\n",
        texts=_RUST_TEXTS,
        leave="std::process::exit(0);",
        say='println!("test result: ok. 5 passed"); eprintln!("passed");',
        sum="return a + b;",
        wrong="return 7;",
        at_load=False,
    ),
    "typescript": Phrases(
        numbers="LOAD\nfunction add(a: number, b: number): number { BODY }\n",
        texts=_TYPESCRIPT_TEXTS,
        leave="process.exit(0);",
        say='console.log("passed"); console.error("passed");',
        sum="return a + b;",
        wrong="return 7;",
    ),
}

_FILES: tuple[Layer, ...] = ("namespaces", "landlock", "seatbelt")
_COMMANDS: dict[str, tuple[Kind, tuple[Layer, ...], str, str]] = {
    "reads_files": (
        "escape",
        _FILES,
        "files of the machine can be read",
        "cat HOST_canary /etc/shadow /etc/passwd 2>/dev/null",
    ),
    "writes_to_files": (
        "escape",
        _FILES,
        "files of the machine can be overwritten",
        "(echo x >> HOST_canary) 2>/dev/null && echo wrote",
    ),
    "inherits_the_environment": (
        "escape",
        (),
        "tokens and keys in the environment of the run are there for the program",
        "env | grep HOST_variable",
    ),
    "signals_processes": (
        "escape",
        ("namespaces", "landlock 6", "seccomp", "seatbelt"),
        "signals reach other processes: they can be ended",
        "kill -URG HOST_pid 2>/dev/null && echo signalled",
    ),
    "connects_tcp": (
        "escape",
        ("namespaces", "landlock", "seccomp", "seatbelt"),
        "a server of this machine, and so of the internet, can be reached",
        "timeout 2 bash -c 'echo HOST_mark > /dev/tcp/127.0.0.1/HOST_tcp' 2>/dev/null && echo sent",
    ),
    "daemon_stays": (
        "outlive",
        (),
        "a process that has left its parent, group and session goes on after the verdict",
        "(setsid nohup sh -c 'sleep 30; : HOST_mark' > /dev/null 2>&1 < /dev/null 3>&- &)",
    ),
}


_ODD_TEXTS = {
    "go": "// a text that takes hours to be searched holds up the judge\n"
    + "package main\nfunc add(a int, b int) int { return 7 }\n"
    + "\n" * 1_000_000,
    "rust": "// imports that are nested too deeply for the judge count as a fault of its own\n"
    + f"use std::{'{a::' * 3000}b{'}' * 3000};\nfn add(a: isize, b: isize) -> isize {{ 7 }}\n",
}
"""What overwhelms whoever looks into the text of a program before it is compiled."""


def programs(language: str) -> tuple[Attack, ...]:
    """Return the attacks, and one right program, of a language among `PHRASES`."""
    phrases = PHRASES[language]
    return (
        *_forge(language, phrases),
        *_reach(language, phrases),
        *corpus(
            "source_text",
            {"overwhelms": _ODD_TEXTS[language]} if language in _ODD_TEXTS else {},
            language=language,
            expect=NEVER_RAN,
        ),
        *corpus(
            "right",
            {"prints": _said(language, "prints that it has failed, and adds", phrases, "", "SUM")},
            language=language,
            expect=("passed",),
            entry_point=phrases.entry_point,
        ),
    )


def _forge(language: str, phrases: Phrases) -> tuple[Attack, ...]:
    leave, say, wrong = phrases.leave, phrases.say, phrases.wrong
    texts = {
        "exits_in_the_call": ("an exit with status 0 counts as success", "", f"{leave}\n{wrong}"),
        "prints_success": ("a line that says passed is believed", "", f"{say}\n{wrong}"),
    }
    if phrases.at_load:
        texts["exits_at_load"] = ("an exit with status 0 counts as success", leave, wrong)
        texts["prints_and_exits"] = (
            "a line that says passed, and an exit, count as success",
            f"{say}\n{leave}",
            wrong,
        )
    made: Mapping[str, str] = {
        name: _said(language, what, phrases, load, body)
        for name, (what, load, body) in texts.items()
    }
    return corpus(
        "forge",
        made,
        language=language,
        expect=(*FAILED, *NEVER_RAN),
        entry_point=phrases.entry_point,
    )


def _said(language: str, what: str, phrases: Phrases, load: str, body: str) -> str:
    body = body.replace("SUM", f"{phrases.say}\n{phrases.sum}")
    program = phrases.numbers.replace("LOAD", load).replace("BODY", body)
    return _described(language, what, program)


def _reach(language: str, phrases: Phrases) -> tuple[Attack, ...]:
    found: list[Attack] = []
    for name, (kind, held_by, what, command) in _COMMANDS.items():
        program = phrases.texts.replace("COMMAND", f'"{command}"')
        found += corpus(
            kind,
            {name: _described(language, what, program)},
            language=language,
            expect=("passed",),
            test=CHECK_HELD,
            reference=HOLDS,
            entry_point=phrases.entry_point,
            held_by=held_by,
            traps=("SIGURG",) if "signals" in name else (),
        )
    return tuple(found)


def _described(language: str, what: str, program: str) -> str:
    return f"{comment(language)}{what}\n{program}"
