"""One program of a program and its tests, which are source text in the same language.

    WRAPPED["rust"](*joined(program, tests, "rust"))

What runs the tests in their benchmark (`main`, a test runner, the end of the file) is replaced by a
function that runs them and then returns its argument; see `overproof.suites.inside`. The few
functions of test libraries (luaunit, Test::Unit, Test::Deep, Data::Compare, testify, lodash,
CompareNetObjects) that the known benchmarks call are in `shims/`.

Limits: Test::More is Perl's own; of a test in Go, `testing.T` and what HumanEval-X and McEval call
of testify; C# as far as Mono's compiler knows it.
"""

import re
from collections.abc import Callable
from functools import cache
from pathlib import Path

VERDICT = "overproof_verdict"
"""The function that is called."""

_SUFFIXES = {
    "cpp": "hpp",
    "csharp": "cs",
    "go": "go",
    "javascript": "js",
    "lua": "lua",
    "perl": "pl",
    "php": "php",
    "ruby": "rb",
    "typescript": "ts",
}
_TESTIFY = {"Equal", "NotEqual", "True", "False", "InDelta", "New"}
_TESTIFY_PATH = "github.com/stretchr/testify"
_LUAUNIT = {"assertEquals", "assertNotEquals", "assertTrue", "assertFalse", "assertNil", "LuaUnit"}
_GO_PACKAGES = {
    "fmt": "fmt",
    "json": "encoding/json",
    "math": "math",
    "reflect": "reflect",
    "sort": "sort",
    "strconv": "strconv",
    "strings": "strings",
}
_IMPLICIT = ("System", "System.Collections.Generic", "System.IO", "System.Linq")
"""What a new C# project of .NET imports without saying so."""
_GO_USUAL = (
    *("bytes", "crypto/md5", "errors", "fmt", "math", "math/rand"),
    *("regexp", "sort", "strconv", "strings", "time", "unicode"),
)
_CRATES = {
    "rand": r"\b(?:rand::|Rng\b|thread_rng\b)",
    "regex": r"\b(?:Regex\b|regex::)",
    "md5": r"\bmd5::",
}
"""Those of HumanEval-X and McEval, and what it looks like where they are used."""
_BRACES = {"bash", "cpp", "csharp", "go", "java", "javascript", "perl", "php", "rust", "typescript"}
_TEXTS = re.compile(r"\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])'|//[^\n]*|/\*.*?\*/", re.DOTALL)


def joined(program: str, tests: str, language: str) -> tuple[str, str]:
    """Return program and tests so that their braces fit.

    Tests of MultiPL-E begin with the brace that ends a completion, and end the class around it.
    """
    head = re.match(r"(?:\s|//[^\n]*\n)*\}", tests)
    if head and language in _BRACES:
        tests = tests[head.end() :]
    if language in ("csharp", "java"):
        plain = _TEXTS.sub("", tests)
        for _ in range(plain.count("}") - plain.count("{")):
            program = program[: max(program.rfind("}"), 0)]
    return program, tests


def missing(language: str, program: str, tests: str) -> str:
    """Return what the tests, or a crate that the program uses, need and is not here; or nothing."""
    used: set[str] = set()
    if language == "go":
        used = {f"testify: assert.{name}" for name in _calls("assert", tests) - _TESTIFY}
        used |= {"testify: require"} if re.search(r"\brequire\.\w+\(", tests) else set()
    elif language == "lua":
        used = {f"luaunit: {name}" for name in _calls("lu", tests) - _LUAUNIT}
    elif language == "csharp" and re.search(r"==\s*\(\s*-?[\w\".]+\s*,", tests):
        used = {"C# 7.3: comparing tuples"}
    elif language == "javascript" and "lodash" in tests:
        used = {f"lodash: {name}" for name in _calls("_", tests) - {"isEqual"}}
    elif language == "rust":
        body = without_vain_crates(program)
        used = {f"crate {name}" for name in _CRATES if re.search(rf"(?m)^\s*use {name}\b", body)}
        used |= {f"crate {name}" for name in _CRATES if re.search(rf"\b{name}::", tests)}
    return min(used, default="")


def _calls(name: str, tests: str) -> set[str]:
    return set(re.findall(rf"(?<![\w.]){name}\.(\w+)[(.]", tests))


@cache
def shim(language: str) -> str:
    """Return what stands for the test libraries of a language."""
    path = Path(__file__).with_name("shims") / f"{language}.{_SUFFIXES[language]}"
    return path.read_text(encoding="utf-8")


def _bash(program: str, tests: str) -> str:
    # `set -e` holds in braces, but not in a condition.
    return f"""{program}
{VERDICT}() {{
overproof_nonce=$1
set --
{{
{tests}
}} >&2
if [[ $? = 0 ]]; then printf %s "$overproof_nonce"; fi
}}
"""


def _cpp(program: str, tests: str) -> str:
    tests = re.sub(
        r"(?m)^\s*#\s*(?:undef\s+NDEBUG|include\s*<(?:assert\.h|cassert)>).*$", "", tests
    )
    tests = re.sub(r"\bint\s+main\s*\(", "int overproof_tests(", tests)
    last = tests.rfind("}")
    return f"""{program}
{shim("cpp")}
{tests[:last]}
return 0; }}
static int overproof_run(int (*tests)()) {{ return tests(); }}
static int overproof_run(int (*tests)(int, char**)) {{
  char name[] = "tests", *words[] = {{name, nullptr}};
  return tests(1, words);
}}
std::string {VERDICT}(std::string nonce) {{
  return overproof_run(overproof_tests) ? std::string() : nonce;
}}
"""


def _csharp(program: str, tests: str) -> str:
    tests = tests.replace("Debug.Assert(", "OverproofTests.Check.That(")
    main = re.compile(r"(?:public\s+)?static\s+void\s+Main\s*\(\s*(\S*)")

    def renamed(match: re.Match[str]) -> str:
        words = "" if match[1].startswith(")") else "new string[0]"
        return (
            f"public static string {VERDICT}(string nonce) "
            f"{{ overproof_tests({words}); return nonce; }}\n"
            f"public static void overproof_tests({match[1]}"
        )

    usings = " ".join(f"using {name};" for name in _IMPLICIT)
    return f"{usings} {program}\n{main.sub(renamed, tests)}\n{shim('csharp')}"


def _go(program: str, tests: str) -> str:
    head, tests = _go_head(tests)
    names = re.findall(r"(?m)^func\s+(Test\w*)\s*\(\w+ \*testing\.T\)", tests)
    tests = tests.replace("testing.T", "overproof_T")
    tests = re.sub(r"\bassert\.New\(t\)", "overproof_assert{t}", tests)
    tests = re.sub(r"\bassert\.(\w+)\(t,\s*", r"overproof_assert{t}.\1(", tests)
    tests = re.sub(r"(?m)^func\s+main\s*\(", "func overproof_tests(", tests)
    imports = {"reflect"}
    for name in _GO_PACKAGES:
        found = re.sub(rf"(?<![\w.\"]){name}\.(?=[A-Z])", f"overproof_{name}.", tests)
        imports |= {name} if found != tests else set()
        tests = found
    lines = "; ".join(
        [
            *(f'overproof_{name} "{_GO_PACKAGES[name]}"' for name in sorted(imports)),
            *(f'"{path}"' for path in dict.fromkeys([*head, *_go_used(program)])),
        ]
    )
    program = re.sub(rf'(?m)^\s*(?:import\s+)?"{_TESTIFY_PATH}/\w+"\s*$', "", program)
    package = re.match(r"(?:\s|//[^\n]*\n|/\*.*?\*/)*package\s+\w+", program, re.DOTALL)
    rest = program[package.end() :] if package else f"\n{program}"
    runs = "\n".join(f'\tt.Run("{name}", {name})' for name in names) or "\toverproof_tests()"
    return f"""package main; import ({lines}){rest}
{shim("go")}
{tests}
func {VERDICT}(nonce string) string {{
	t := &overproof_T{{}}
{runs}
	if t.Failed() {{
		panic("assertion failed")
	}}
	return nonce
}}
"""


def _go_used(program: str) -> list[str]:
    """Return the packages that a program seems to use, as HumanEvalPack's evaluation imports them.

    What is imported twice is none the worse for it: the language's file sees to that.
    """
    return [
        path
        for path in _GO_USUAL
        if re.search(rf"(?<![\w.]){path.rpartition('/')[2]}\.[A-Z]", program)
    ]


def _go_head(tests: str) -> tuple[list[str], str]:
    """Return the paths that tests import at their beginning, and the tests without that."""
    found = re.match(
        r"""(?:\s+|//[^\n]*\n|package\s+\w+|import\s*\((?:\s*(?:\w+\s+)?"[^"\n]+"\s*;?)*\s*\)"""
        r"""|import\s+"[^"\n]+")*""",
        tests,
    )
    head = found[0] if found else ""
    paths = re.findall(r'"([^"\n]+)"', head)
    paths = [path for path in dict.fromkeys(paths) if not path.startswith(_TESTIFY_PATH)]
    return paths, tests[len(head) :]


def _java(program: str, tests: str) -> str:
    main = re.compile(r"(?:public\s+)?static\s+void\s+main\s*\(")
    renamed = (
        f"public static String {VERDICT}(String nonce) throws Throwable "
        "{ overproof_tests(new String[0]); return nonce; }\n"
        "public static void overproof_tests("
    )
    return f"{program}\n{main.sub(renamed, tests)}\n"


def _javascript(program: str, tests: str) -> str:
    tests = re.sub(r"""require\(["']lodash["']\)""", "overproof_lodash", tests)
    return f"""{program}
{shim("javascript")}
{tests}
var overproof_ended = true;
function {VERDICT}(nonce) {{ return overproof_ended === true ? nonce : ""; }}
"""


def _lua(program: str, tests: str) -> str:
    tests = re.sub(r"""require\s*\(?["']luaunit["']\)?""", "overproof_luaunit", tests)
    tests = re.sub(r"\bos\.exit\s*\(", "overproof_exit(", tests)
    return f"""{program}
{shim("lua")}
{tests}
local overproof_ended = true
function {VERDICT}(nonce) return overproof_ended and nonce or "" end
"""


def _perl(program: str, tests: str) -> str:
    for module, name in (("Test::Deep", "eq_deeply"), ("Data::Compare", "Compare")):
        used = re.sub(rf"\buse\s+{module}\s*;", "", tests)
        tests = re.sub(rf"(?<![\w$@%&>]){name}\s*\(", "overproof_same(", used)
    tests = re.sub(r"\bexit\s*\(?\s*[1-9]\d*\s*\)?", 'die "assertion failed"', tests)
    return f"""{program}
{shim("perl")}
{tests}
package main;
$main::overproof_ended = 1;
sub {VERDICT} {{
    die "assertion failed" if defined &Test::More::ok && !Test::More->builder->is_passing;
    return $main::overproof_ended ? $_[0] : "";
}}
"""


def _php(program: str, tests: str) -> str:
    tests = re.sub(r"^\s*<\?php|\?>\s*$", "", tests)
    tests = re.sub(r"(?<![\w>$:])assert\s*\(", "overproof_assert(", tests)
    tests = re.sub(r"\bexit\s*\(\s*[1-9]\d*\s*\)", 'throw new \\\\Exception("Test failed")', tests)
    program = re.sub(r"\?>\s*$", "", program)
    return f"""{program}
{shim("php")}
{tests}
$GLOBALS["overproof_ended"] = true;
function {VERDICT}($nonce) {{
    return ($GLOBALS["overproof_ended"] ?? false) === true ? $nonce : "";
}}
"""


def _ruby(program: str, tests: str) -> str:
    tests = re.sub(r"""(?m)^\s*require\s*\(?["']test/unit["']\)?""", "", tests)
    return f"""{program}
{shim("ruby")}
{tests}
Test::Unit::TestCase.overproof_run
$overproof_ended = true
def {VERDICT}(nonce)
  $overproof_ended ? nonce : ""
end
"""


def _rust(program: str, tests: str) -> str:
    tests = re.sub(r"(#\[test\]\s*)(?://[^\n]*\n\s*)+", r"\1", tests)
    names = re.findall(r"#\[test\]\s*(?:pub\s+)?fn\s+(\w+)", tests)
    module = re.search(r"#\[cfg\(test\)\]\s*mod\s+(\w+)", tests)
    tests = re.sub(r"#\[cfg\(test\)\]", "", tests)
    tests = re.sub(r"#\[test\]\s*(?:pub\s+)?fn\b", "pub fn", tests)
    if not names:
        tests = re.sub(r"(?m)^\s*(?:pub\s+)?fn\s+main\s*\(", "fn overproof_tests(", tests)
    where = f"{module[1]}::" if module else ""
    runs = " ".join(f"{where}{name}();" for name in names) or "overproof_tests();"
    return f"""{without_vain_crates(program)}
{tests}
pub fn {VERDICT}(nonce: String) -> String {{ {runs} nonce }}
"""


def without_vain_crates(program: str) -> str:
    """Return the program without the crates that it names but never uses."""
    for name, used in _CRATES.items():
        line = re.compile(rf"(?m)^[ \t]*use {name}(?:::[\w:{{}}, ]+)?;[ \t]*$")
        rest = line.sub("", program)
        program = program if re.search(used, _TEXTS.sub("", rest)) else rest
    return program


def _typescript(program: str, tests: str) -> str:
    tests = re.sub(
        r"""(?m)^\s*import\s+\*\s+as\s+(\w+)\s+from\s+(["'][\w:]+["']);?""",
        r"const \1: any = require(\2);",
        tests,
    )
    return f"""{program}
{shim("typescript")}
{tests}
var overproof_ended: boolean = true;
function {VERDICT}(nonce: string): string {{ return overproof_ended === true ? nonce : ""; }}
"""


WRAPPED: dict[str, Callable[[str, str], str]] = {
    "bash": _bash,
    "cpp": _cpp,
    "csharp": _csharp,
    "go": _go,
    "java": _java,
    "javascript": _javascript,
    "lua": _lua,
    "perl": _perl,
    "php": _php,
    "ruby": _ruby,
    "rust": _rust,
    "typescript": _typescript,
}
"""What makes one program of a program and its tests."""
