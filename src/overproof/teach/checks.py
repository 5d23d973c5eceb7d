"""What solutions are checked by: worked examples of a docstring, or calls that the teacher writes.

Calls are asked for where there is no example (`teach.written_calls`). They are taken with literal
arguments only; the pair's own code is run on each in the sandbox, and what it returns is what a
solution must return. A call is kept if it returns plain data of at most 150 characters, and the
same once more in another process.

    checks = find_checks(load, teacher, form, pairs, recipe, folder.table("checks", Checks))

Covered: Python. Not covered: results that are no plain data, changed arguments, and calls for pairs
in other languages. That a program agrees on a few calls is evidence, no proof.
"""

import ast
import dataclasses
import warnings
from collections.abc import Iterable, Sequence

from overproof.engines.generate import Contender
from overproof.engines.prompts import PromptForm
from overproof.engines.protocol import Engine, Request
from overproof.progress import stage
from overproof.recipe import Recipe
from overproof.records import Checks, Outcome, Pair, content_key
from overproof.sandbox import ExampleJob, Job, Pool, parse_examples
from overproof.store import Table
from overproof.teach.teacher import Load, engine_of

CHECKING = 1
"""Raised when checks are found in another way, so that older ones are found anew."""
BATCH = 16
"""Pairs whose calls are asked for together."""
TOKENS_PER_CALL = 32
FEWEST = 2
"""Different results that the teacher's calls must give before they count as a check."""

Example = tuple[str, str]
_SAW = "the test could not use the result: LookupError: "
"""How the sandbox reports the exception by which a test says what it saw."""


def find_checks(
    load: Load,
    teacher: Contender,
    form: PromptForm,
    pairs: Sequence[Pair],
    recipe: Recipe,
    table: Table[Checks],
) -> list[Checks]:
    """Return the checks of each pair, in order; those that the table holds are not made again.

    `load` returns the teacher; it is called only if calls have to be written.
    Raises: EngineError if the teacher cannot run.
    """
    count = recipe.teach.written_calls
    how = (teacher.source.sha256, *engine_of(teacher.source, recipe.models), form.kind, count)

    def key(pair: Pair) -> str:
        by = how if count and not _worked_examples(pair) else ()
        return content_key("checks", CHECKING, pair.key, by)

    def work(part: list[Pair]) -> list[Checks]:
        return _make([key(pair) for pair in part], part, load, form, count, pool)

    some = [pair for pair in pairs if _worked_examples(pair) or (count and is_python(pair))]
    order = sorted(some, key=lambda pair: (len(pair.prompt), pair.key))
    if order:
        with Pool(recipe.limits) as pool, stage("teach: checks", len(order), "pairs") as advance:
            table.fill(order, key, work, batch=BATCH, on_batch=advance)
    none = Checks(key="", pair="", examples=(), written=False, passed=False)
    return [
        table[key(pair)] if key(pair) in table else dataclasses.replace(none, pair=pair.key)
        for pair in pairs
    ]


def _make(
    keys: Sequence[str],
    pairs: Sequence[Pair],
    load: Load,
    form: PromptForm,
    count: int,
    pool: Pool,
) -> list[Checks]:
    """Return the checks of some pairs, with the verdict on their own code."""
    examples = {pair.key: _worked_examples(pair) for pair in pairs}
    lacking = [pair for pair in pairs if count and not examples[pair.key]]
    if lacking:
        examples |= observe(lacking, write_calls(load(), form, lacking, count), pool)
    verdicts = run_examples(
        [(pair.key, _own(pair), pair, examples[pair.key]) for pair in pairs], pool
    )
    written = {pair.key for pair in lacking}
    return [
        Checks(
            key=key,
            pair=pair.key,
            examples=examples[pair.key],
            written=pair.key in written,
            passed=pair.key in verdicts and verdicts[pair.key].passed,
        )
        for key, pair in zip(keys, pairs, strict=True)
    ]


def write_calls(
    teacher: Engine, form: PromptForm, pairs: Sequence[Pair], count: int
) -> list[list[str]]:
    """Return up to `count` different calls of each pair's function that the teacher wrote."""
    asked = [form.calls(pair.prompt, pair.name, count) for pair in pairs]
    requests = [
        Request(
            prompt=wrapped.text,
            stop=wrapped.stop,
            max_new_tokens=TOKENS_PER_CALL * count,
            chat=wrapped.chat,
        )
        for wrapped in asked
    ]
    found = []
    for pair, wrapped, answer in zip(pairs, asked, teacher.generate(requests), strict=True):
        begun = f"{pair.name}("
        text = begun + answer.text if wrapped.text.endswith(begun) else answer.text
        found.append(read_calls(text, pair.name)[:count])
    return found


def read_calls(text: str, entry_point: str) -> list[str]:
    r"""Return the different calls with literal arguments, one a line, whatever stands around them.

    >>> read_calls("f(1)\n>>> f(2)  # two\nassert f([3]) == 3\nf(x)\nf( 1 )\nf(4", "f")
    ['f(1)', 'f(2)', 'f([3])']
    """
    written = dict.fromkeys(
        ast.unparse(node)
        for line in text.split("\n")
        for node in ast.walk(_parsed(line.strip().removeprefix(">>>").strip()))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == entry_point
    )
    # what may be called is for the sandbox to say: as if each were a worked example
    docstring = "\n".join(f">>> {call}\n0\n" for call in written)
    examples = parse_examples(f"def {entry_point}():\n    {docstring!r}\n", entry_point)
    return [call for call, _ in examples]


def observe(
    pairs: Sequence[Pair], calls: Sequence[Sequence[str]], pool: Pool
) -> dict[str, tuple[Example, ...]]:
    """Return, by pair, the calls to which its own code gives a result that can be compared.

    None of them where all results are the same, or where they are others in one process.
    """
    jobs = {
        f"{pair.key} {number}": (pair, call)
        for pair, written in zip(pairs, calls, strict=True)
        for number, call in enumerate(written)
    }
    seen = {
        outcome.key: outcome.detail.removeprefix(_SAW)
        for outcome in pool.run([_look(key, pair, call) for key, (pair, call) in jobs.items()])
        if outcome.status == "error" and outcome.detail.startswith(_SAW)
    }
    again = run_examples(
        [(key, _own(jobs[key][0]), jobs[key][0], ((jobs[key][1], seen[key]),)) for key in seen],
        pool,
    )
    found: dict[str, list[Example]] = {pair.key: [] for pair in pairs}
    for key, (pair, call) in jobs.items():
        if key in again and again[key].passed:
            found[pair.key].append((call, seen[key]))
    kept = {key: tuple(examples) for key, examples in found.items() if _tell(examples)}
    whole = run_examples(
        [(pair.key, _own(pair), pair, kept.get(pair.key, ())) for pair in pairs], pool
    )
    return {
        pair.key: kept[pair.key] if pair.key in whole and whole[pair.key].passed else ()
        for pair in pairs
    }


def run_examples(
    programs: Iterable[tuple[str, str, Pair, tuple[Example, ...]]], pool: Pool
) -> dict[str, Outcome]:
    """Return, by key, the verdict on each (key, program, pair, examples) that has any to run."""
    jobs = [
        ExampleJob(
            key=key,
            task_id=pair.name,
            program=program,
            entry_point=pair.name,
            examples=examples,
            language=pair.language,
        )
        for key, program, pair, examples in programs
        if program and examples
    ]
    return {outcome.key: outcome for outcome in pool.run(jobs)} if jobs else {}


def is_python(pair: Pair) -> bool:
    """Return whether calls of a pair's function can be written down and compared here."""
    return pair.language == "python"


def _worked_examples(pair: Pair) -> tuple[Example, ...]:
    return parse_examples(pair.prompt, pair.name) if is_python(pair) else ()


def _own(pair: Pair) -> str:
    return pair.prompt + pair.body


def _look(key: str, pair: Pair, call: str) -> Job:
    """Return a job whose only end is to say what a call returns: the test raises it."""
    return Job(
        key=key,
        task_id=pair.name,
        program=_own(pair),
        entry_point=pair.name,
        test=f"def check({pair.name}):\n    raise LookupError(repr({call}))\n",
    )


def _tell(examples: Sequence[Example]) -> bool:
    """Return whether these examples tell a right program from one that returns a constant."""
    return len({want for _, want in examples}) >= FEWEST


def _parsed(line: str) -> ast.AST:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return ast.parse(line)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return ast.Module(body=[], type_ignores=[])
