r"""The calls of a translated problem as source text that asserts, in the problem's own language.

    print(source_test(load_suite("multicode:rust")[0]))

They are what MultiPL-E's and similar harnesses append to a program. Each ends with an exit status
other than 0 at the first call whose result is another; nothing but the language's own library is
needed. Floats are compared to 1e-6 where the test in Python allows for rounding, else exactly; a
call that the language cannot express is left out, as everywhere in MULTICODE.

In C++, Rust, Bash, Java and C# they begin by closing the function, because completions end before
that brace there (see `stop` in the language's file).

Not covered: Go, whose tests are files of their own with imports at the top.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from overproof.errors import DataError
from overproof.languages import load_language
from overproof.languages.types import Type
from overproof.records import Problem
from overproof.suites.multicode.translate import translate

CLOSE = "0.000001"
_SUFFIXED = ("cpp", "csharp", "java")
"""Languages whose literals say 32 bits, also where a function has 64."""


@dataclass(frozen=True)
class Asked:
    """One call and what it must return, as source text."""

    call: str
    result: str
    close: bool
    """Whether both are numbers that may differ by rounding."""


def source_test(problem: Problem) -> str:
    """Return the tests of a problem of MULTICODE in its language.

    Raises: DataError if it is none of MULTICODE's, or in Python or Go.
    """
    source = problem.source
    if source is None or problem.language not in WRITERS:
        raise DataError(
            f"{problem.task_id}: no tests as source text in {problem.language}",
            hint=f"languages that have them: {', '.join(WRITERS)}",
        )
    language = load_language(problem.language)
    python = replace(
        problem,
        task_id=source.task_id,
        prompt=source.prompt,
        entry_point=source.entry_point,
        canonical_solution=source.canonical_solution,
        language="python",
        source=None,
    )
    task = translate(python, language)
    writing, kinds = language.translation, [each.type for each in task.function.parameters]
    doubles = problem.language in _SUFFIXED and not writing.single_floats(task.function)

    def literal(value: Any, kind: Type) -> str:
        text = writing.literal(value, kind)
        return text.replace("f)", ")") if doubles and type(value) is float else text

    asked = [
        Asked(
            call=writing.call(task.entry_point, list(map(literal, call.args, kinds))),
            result=literal(call.result, task.function.result),
            close=call.close,
        )
        for number, call in enumerate(task.calls)
        if number not in task.excluded
    ]
    return WRITERS[problem.language](asked)


def _bash(asked: Sequence[Asked]) -> str:
    lines = [f"[[ {one.call} = {one.result} ]]" for one in asked]
    return "}\n\nset -e\n" + "\n".join(lines) + "\n"


def _cpp(asked: Sequence[Asked]) -> str:
    lines = [
        f"    if (!(std::fabs({one.call} - {one.result}) < {CLOSE})) return 1;"
        if one.close
        else f"    if (!({one.call} == {one.result})) return 1;"
        for one in asked
    ]
    return "}\nint main() {\n" + "\n".join(lines) + "\n    return 0;\n}\n"


def _csharp(asked: Sequence[Asked]) -> str:
    lines = [
        f"        if (!(Math.Abs({one.call} - {one.result}) < {CLOSE})) Fail();"
        if one.close
        else f"        if (!Same({one.call}, {one.result})) Fail();"
        for one in asked
    ]
    return "    }\n" + _CSHARP + "\n".join(lines) + "\n    }\n}\n"


_CSHARP = """\
    static void Fail() { throw new Exception("Test failed"); }
    static bool Same(object one, object other) {
        var first = one as System.Collections.IDictionary;
        var second = other as System.Collections.IDictionary;
        if (first != null && second != null) {
            if (first.Count != second.Count) return false;
            foreach (var key in first.Keys)
                if (!second.Contains(key) || !Same(first[key], second[key])) return false;
            return true;
        }
        var a = one as System.Collections.IList;
        var b = other as System.Collections.IList;
        if (a == null || b == null) return object.Equals(one, other);
        if (a.Count != b.Count) return false;
        for (int i = 0; i < a.Count; i++) if (!Same(a[i], b[i])) return false;
        return true;
    }
    public static void Main(string[] args) {
"""


def _java(asked: Sequence[Asked]) -> str:
    lines = [
        f"        if (!(Math.abs({one.call} - {one.result}) < {CLOSE})) fail();"
        if one.close
        else f"        if (!java.util.Objects.equals({one.call}, {one.result})) fail();"
        for one in asked
    ]
    fail = '    static void fail() { throw new AssertionError("Test failed"); }\n'
    main = "    public static void main(String[] args) {\n"
    return "    }\n" + fail + main + "\n".join(lines) + "\n    }\n}\n"


def _javascript(asked: Sequence[Asked]) -> str:
    lines = [
        f"assert(Math.abs({one.call} - {one.result}) < {CLOSE});"
        if one.close
        else f"assert.deepEqual({one.call}, {one.result});"
        for one in asked
    ]
    return "const assert = require('node:assert');\n\n" + "\n".join(lines) + "\n"


def _typescript(asked: Sequence[Asked]) -> str:
    return "declare var require: any;\n" + _javascript(asked)


def _lua(asked: Sequence[Asked]) -> str:
    lines = [
        f"assert(math.abs({one.call} - {one.result}) < {CLOSE})"
        if one.close
        else f"assert(same({one.call}, {one.result}))"
        for one in asked
    ]
    return _LUA + "\n".join(lines) + "\n"


_LUA = """\
local function same(a, b)
  if type(a) ~= "table" or type(b) ~= "table" then return a == b end
  for key, value in pairs(a) do if not same(value, b[key]) then return false end end
  for key in pairs(b) do if a[key] == nil then return false end end
  return true
end

"""


def _perl(asked: Sequence[Asked]) -> str:
    lines = [
        f'die "Test failed" unless abs({one.call} - {one.result}) < {CLOSE};'
        if one.close
        else f'die "Test failed" unless same({one.call}, {one.result});'
        for one in asked
    ]
    return _PERL + "\n".join(lines) + "\n"


_PERL = """\
sub same {
    my ($one, $other) = @_;
    return !defined $one && !defined $other unless defined $one && defined $other;
    return $one eq $other unless ref $one || ref $other;
    return 0 unless ref $one eq ref $other;
    if (ref $one eq "HASH") {
        return 0 unless keys %$one == keys %$other;
        exists $other->{$_} && same($one->{$_}, $other->{$_}) || return 0 for keys %$one;
        return 1;
    }
    return 0 unless @$one == @$other;
    same($one->[$_], $other->[$_]) || return 0 for 0 .. $#$one;
    return 1;
}

"""


def _php(asked: Sequence[Asked]) -> str:
    lines = [
        f"if (!(abs({one.call} - {one.result}) < {CLOSE})) {_PHP_FAIL}"
        if one.close
        else f"if ({one.call} !== {one.result}) {_PHP_FAIL}"
        for one in asked
    ]
    return "\n".join(lines) + "\n"


_PHP_FAIL = '{ throw new Exception("Test failed"); }'


def _ruby(asked: Sequence[Asked]) -> str:
    lines = [
        f'raise "Test failed" unless ({one.call} - {one.result}).abs < {CLOSE}'
        if one.close
        else f'raise "Test failed" unless {one.call} == {one.result}'
        for one in asked
    ]
    return "\n".join(lines) + "\n"


def _rust(asked: Sequence[Asked]) -> str:
    lines = [
        f"    assert!(({one.call} - {one.result}).abs() < {CLOSE});"
        if one.close
        else f"    assert_eq!({one.call}, {one.result});"
        for one in asked
    ]
    return "}\n\nfn main() {\n" + "\n".join(lines) + "\n}\n"


WRITERS: dict[str, Callable[[Sequence[Asked]], str]] = {
    "bash": _bash,
    "cpp": _cpp,
    "csharp": _csharp,
    "java": _java,
    "javascript": _javascript,
    "lua": _lua,
    "perl": _perl,
    "php": _php,
    "ruby": _ruby,
    "rust": _rust,
    "typescript": _typescript,
}
"""Asked calls -> tests as text."""
