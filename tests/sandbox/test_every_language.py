"""One small function in every language: called, judged, limited, and as a whole program."""

import importlib.util
from collections.abc import Iterator
from pathlib import Path

import pytest

from overproof.languages import load_language
from overproof.records import Outcome
from overproof.sandbox import AnyJob, Job, Limits, StdioJob, run_jobs
from overproof.sandbox.confine import probe
from overproof.sandbox.toolchains import toolchain

TEST = """
def check(candidate):
    assert candidate(2, 3) == (5, "5")
    assert candidate(-1, 1) == (0, "0")
"""
PROMPT = "def add(a, b):\n    '''Return the sum, and the sum as text.'''\n"
REFERENCE = "    return a + b, str(a + b)\n"
ENTRY_POINTS = {"csharp": "Add"}
JAVA = "import java.util.*;\nclass Problem { %s }\n"
CSHARP = "using System; using System.Collections.Generic;\nclass Problem { %s }\n"
# {} is what is added to the sum
RIGHT = {
    "bash": 'add() {{ local sum=$(($1 + $2 + {})); echo "$sum $sum"; }}',
    "cpp": "#include <string>\n#include <tuple>\nstd::tuple<long, std::string> "
    "add(long a, long b) {{ long sum = a + b + {}; return {{sum, std::to_string(sum)}}; }}",
    "csharp": CSHARP.replace("{", "{{").replace("}", "}}")
    % "public static Tuple<long, string> Add(long a, long b) {{ long sum = a + b + {}; return"
    " Tuple.Create(sum, sum.ToString()); }}",
    "go": 'package main\nimport "fmt"\nfunc add(a int, b int) []interface{{}} {{ '
    "sum := a + b + {}\nreturn []interface{{}}{{sum, fmt.Sprint(sum)}} }}",
    "java": JAVA.replace("{", "{{").replace("}", "}}")
    % "public static List<Object> add(long a, long b) {{ long sum = a + b + {}; return"
    " Arrays.asList(sum, Long.toString(sum)); }}",
    "javascript": "const add = (a, b) => [a + b + {0}, String(a + b + {0})];",
    "lua": "local function add(a, b) return {{a + b + {0}, tostring(a + b + {0})}} end",
    "perl": 'sub add {{ my ($a, $b) = @_; my $sum = $a + $b + {}; return [$sum, "$sum"]; }}',
    "php": "<?php\nfunction add($a, $b) {{ $sum = $a + $b + {}; return [$sum, strval($sum)]; }}",
    "ruby": "def add(a, b)\n  sum = a + b + {}\n  [sum, sum.to_s]\nend",
    "rust": "fn add(a: isize, b: isize) -> (isize, String) {{ let sum = a + b + {};"
    " (sum, sum.to_string()) }}",
    "typescript": "function add(a: number, b: number): [number, string] {{"
    " return [a + b + {0}, String(a + b + {0})]; }}",
}
LOOPS = {
    "bash": "add() { while :; do :; done; }",
    "cpp": "long add(long a, long b) { for (volatile int i = 0;; i = i + 1) {} }",
    "csharp": CSHARP % "public static long Add(long a, long b) { while (true) { a++; } }",
    "go": "package main\nfunc add(a int, b int) int { for { a++ } }",
    "java": JAVA % "public static long add(long a, long b) { while (true) { a++; } }",
    "javascript": "function add(a, b) { for (;;) { a++; } }",
    "lua": "local function add(a, b) while true do a = a + 1 end end",
    "perl": "sub add { while (1) {} }",
    "php": "<?php\nfunction add($a, $b) { while (true) { $a++; } }",
    "ruby": "def add(a, b)\n  loop { a += 1 }\nend",
    "rust": "fn add(mut a: isize, b: isize) -> isize { loop { a = a.wrapping_add(b); } }",
    "typescript": "function add(a: number, b: number): number { for (;;) { a++; } }",
}
GROWS = {
    "bash": 'add() { local x=xxxxxxxxxxxxxxxx; while :; do x="$x$x"; done; }',
    "cpp": "#include <vector>\nlong add(long a, long b) { std::vector<char> x;"
    " for (;;) x.resize(x.size() + (1 << 20), 'x'); }",
    "csharp": CSHARP % "public static long Add(long a, long b) { var all = new List<byte[]>();"
    " while (true) { var x = new byte[1 << 20]; for (int i = 0; i < x.Length; i += 512) x[i] = 1;"
    " all.Add(x); } }",
    "go": "package main\nvar all [][]byte\nfunc add(a int, b int) int { for { "
    "x := make([]byte, 1<<20)\nfor i := range x { x[i] = 1 }\nall = append(all, x) } }",
    "java": JAVA % "public static long add(long a, long b) { List<long[]> all = new ArrayList<>();"
    " while (true) all.add(new long[1 << 17]); }",
    "javascript": "function add(a, b) { const all = [];"
    " for (;;) all.push(Buffer.alloc(1 << 20, 1)); }",
    "lua": "local function add(a, b) local all = {}\n"
    "while true do all[#all + 1] = string.rep('x', 1 << 20) .. #all end end",
    "perl": "sub add { my @all; while (1) { push @all, 'x' x (1 << 20); } }",
    "php": "<?php\nfunction add($a, $b) { $all = []; while (true)"
    " { $all[] = str_repeat('x', 1 << 20); } }",
    "ruby": "def add(a, b)\n  all = []\n  loop { all << 'x' * (1 << 20) }\nend",
    "rust": "fn add(a: isize, b: isize) -> isize { let mut x: Vec<u8> = Vec::new();"
    " loop { let n = x.len() + (1 << 20); x.resize(n, 1); } }",
    "typescript": "declare const Buffer: any;\nfunction add(a: number, b: number): number {"
    " const all: any[] = []; for (;;) all.push(Buffer.alloc(1 << 20, 1)); }",
}
WHOLE = {
    "bash": "read a b; echo $((a + b))",
    "cpp": "#include <iostream>\nint main() { long a, b; std::cin >> a >> b; std::cout << a + b; }",
    "csharp": "using System; using System.Linq;\nclass Program { static void Main() {"
    " Console.WriteLine(Console.ReadLine().Split(' ').Select(long.Parse).Sum()); } }",
    "go": 'package main\nimport "fmt"\nfunc main() { var a, b int; fmt.Scan(&a, &b);'
    " fmt.Println(a + b) }",
    "java": "import java.util.*;\npublic class Main { public static void main(String[] args) {"
    " Scanner in = new Scanner(System.in); System.out.println(in.nextLong() + in.nextLong()); } }",
    "javascript": "const [a, b] = require('fs').readFileSync(0, 'utf8').split(' ').map(Number);"
    "\nconsole.log(a + b);",
    "lua": "print(io.read('n') + io.read('n'))",
    "perl": "my ($a, $b) = split ' ', <STDIN>; print $a + $b, qq(\\n);",
    "php": "<?php\nfscanf(STDIN, '%d %d', $a, $b); echo $a + $b, PHP_EOL;",
    "ruby": "puts gets.split.sum(&:to_i)",
    "rust": "use std::io::*;\nfn main() { let mut text = String::new();"
    " stdin().read_to_string(&mut text).unwrap();"
    ' println!("{}", text.split_whitespace().map(|n| n.parse::<i64>().unwrap()).sum::<i64>()); }',
    "typescript": "declare const require: any;\nconst [a, b] = require('fs')"
    ".readFileSync(0, 'utf8').split(' ').map(Number);\nconsole.log(a + b);",
}
LANGUAGES = sorted(RIGHT)


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OVERPROOF_HOME", str(folder))
        yield folder


@pytest.fixture(params=LANGUAGES)
def name(request: pytest.FixtureRequest) -> str:
    name = str(request.param)
    if importlib.util.find_spec(f"overproof.languages.{name}") is None:
        pytest.skip(f"{name} is not written yet")
    language = load_language(name)
    if toolchain(language) is None:
        pytest.skip(f"no {language.toolchain.tool}: {language.toolchain.install}")
    if language.sees_itself and not probe().tier.startswith("A"):
        pytest.skip(f"{language.toolchain.tool} needs namespaces")
    return name


def called(key: str, name: str, program: str) -> Job:
    return Job(
        key=key,
        task_id="t",
        program=program,
        entry_point=ENTRY_POINTS.get(name, "add"),
        prompt=PROMPT,
        reference=REFERENCE,
        test=TEST,
        language=name,
    )


def run(*jobs: AnyJob) -> dict[str, Outcome]:
    limits = Limits(cpu_seconds=1, memory_mib=512)
    return {outcome.key: outcome for outcome in run_jobs(jobs, limits)}


def test_every_status_is_reached(name: str) -> None:
    programs = {
        "passed": RIGHT[name].format(0),
        "wrong_answer": RIGHT[name].format(1),
        "timeout": LOOPS[name],
        "no_code": RIGHT[name].format(0).replace("add", "sum_of").replace("Add", "SumOf"),
    }
    outcomes = run(*(called(key, name, program) for key, program in programs.items()))
    found = {key: outcome.status for key, outcome in outcomes.items()}
    assert found == {key: key for key in programs}, outcomes


def test_memory_is_limited(name: str) -> None:
    outcome = run(called("k", name, GROWS[name]))["k"]
    # some runtimes notice that there is no more, and raise or end; none gets what it wants
    assert outcome.status in ("out_of_memory", "error", "crashed", "timeout"), outcome
    assert outcome.memory_mib < 1024


def test_many_programs_at_once_have_the_verdicts_of_one_at_a_time(name: str) -> None:
    if load_language(name).batch is None:
        pytest.skip("no batches")
    programs = [RIGHT[name].format(number % 3) for number in range(12)]
    programs[3] += "\n}}} no program ((("
    programs[7] = "((("
    jobs = [
        called(str(number), name, f"{program}\n// {number}")
        for number, program in enumerate(programs)
    ]
    together = run(*jobs)
    for number, outcome in together.items():
        expected = "passed" if int(number) % 3 == 0 else "wrong_answer"
        if number in ("3", "7"):
            expected = "compile_error"
        assert outcome.status == expected, outcome


def test_all_run_where_there_are_no_namespaces() -> None:
    here = [name for name in LANGUAGES if toolchain(load_language(name)) is not None]
    names = [name for name in here if not load_language(name).sees_itself]
    jobs = [called(name, name, RIGHT[name].format(0)) for name in names]
    outcomes = {one.key: one for one in run_jobs(jobs, Limits(isolation="landlock"))}
    assert {name: outcomes[name].status for name in names} == dict.fromkeys(names, "passed")
    assert not any("namespaces" in one.tier for one in outcomes.values())


def test_whole_programs_read_and_print(name: str) -> None:
    cases = (("1 2\n", "3"), ("40 2\n", "42\n"))
    job = StdioJob(key="k", task_id="t", program=WHOLE[name], cases=cases, language=name)
    outcome = run(job)["k"]
    assert outcome.passed, outcome
    assert outcome.toolchain
