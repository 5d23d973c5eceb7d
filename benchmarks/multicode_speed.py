"""What a program costs in each language: many together, and one at a time, in one run.

    python benchmarks/multicode_speed.py [--problems 164] [--alone 8] [--pack FOLDER]

Together: all programs through the sandbox with two workers, compiled where the language is, from
an empty cache of builds (what all programs share is made before and timed apart). Alone: a build
and a run at a time. The programs are our prompts with a body that raises, so that every language
can take part without anybody's solutions; with HumanEvalPack's files in FOLDER, its solutions.

Not covered: what a long body costs a compiler, without --pack.
"""

import argparse
import json
import os
import tempfile
import time
from pathlib import Path

from multicode_proof import CRATE_USES, FILES, entry_point_of, program_of
from overproof.languages import NAMES, load_language
from overproof.sandbox import AnyJob, Limits, Pool
from overproof.sandbox.execute import job_for
from overproof.sandbox.toolchains import toolchain
from overproof.suites import load_suite

BODIES = {
    "bash": "    return 1\n}\n",
    "cpp": "    throw 1;\n}\n",
    "csharp": "        throw new System.Exception();\n    }\n}\n",
    "go": '    panic("none")\n}\n',
    "java": "        throw new RuntimeException();\n    }\n}\n",
    "javascript": "    throw 1;\n}\n",
    "lua": '    error("none")\nend\n',
    "perl": "    die;\n}\n",
    "php": "    throw new Exception();\n}\n",
    "python": "    raise ValueError\n",
    "ruby": "    raise 'none'\nend\n",
    "rust": "    todo!()\n}\n",
    "typescript": "    throw 1;\n}\n",
}


def main() -> None:
    """Print a line per language."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--language", choices=NAMES, action="append")
    parser.add_argument("--problems", type=int, default=164)
    parser.add_argument("--alone", type=int, default=8)
    parser.add_argument("--pack", type=Path)
    options = parser.parse_args()
    heads = f"{'programs':>9}{'together, ms':>14}{'alone, ms':>11}{'first, s':>10}  statuses"
    print(f"{'language':<12}{heads}")
    for name in options.language or NAMES:
        if name != "python" and toolchain(load_language(name)) is None:
            print(f"{name:<12}  missing: {load_language(name).toolchain.install}")
            continue
        jobs = programs(name, options.problems, options.pack)
        before = os.environ.get("OVERPROOF_HOME")
        with tempfile.TemporaryDirectory() as home:
            os.environ["OVERPROOF_HOME"] = home
            measure(name, jobs, options.alone)
        os.environ.pop("OVERPROOF_HOME")
        if before is not None:
            os.environ["OVERPROOF_HOME"] = before


def measure(name: str, jobs: list[AnyJob], alone: int) -> None:
    """Time one language."""
    first = seconds(jobs[:1], 1)
    single = [seconds([job], 1) for job in jobs[1 : alone + 1]]
    rest = jobs[alone + 1 :]
    with Pool(Limits(), 2) as pool:
        pool.start()
        started = time.perf_counter()
        statuses = [outcome.status for outcome in pool.run(rest)]
        together = (time.perf_counter() - started) / max(1, len(rest))
    middle = sorted(single)[len(single) // 2] if single else 0.0
    told = ", ".join(f"{statuses.count(s)} {s}" for s in sorted(set(statuses)))
    times = f"{1000 * together:>14.0f}{1000 * middle:>11.0f}{first:>10.1f}"
    print(f"{name:<12}{len(rest):>9}{times}  {told}")


def seconds(jobs: list[AnyJob], workers: int) -> float:
    """Return what these take in a pool that has started."""
    with Pool(Limits(), workers) as pool:
        pool.start()
        started = time.perf_counter()
        list(pool.run(jobs))
        return time.perf_counter() - started


def programs(name: str, count: int, pack: Path | None) -> list[AnyJob]:
    """Return a job per problem."""
    suite = load_suite(f"multicode:{name}", count)
    by_number = {row.task_id.split("/")[1]: row for row in suite}
    if pack is None or name not in FILES:
        return [job_for(row, row.task_id, row.prompt + BODIES[name]) for row in suite]
    jobs = []
    for line in (pack / f"{FILES[name]}.jsonl").read_text().splitlines():
        row = json.loads(line)
        number = row["task_id"].split("/")[1]
        program = program_of(row, row["canonical_solution"], name)
        if number in by_number and not (name == "rust" and CRATE_USES.search(program)):
            jobs.append(job_for(by_number[number], number, program, entry_point_of(row, program)))
    return jobs


if __name__ == "__main__":
    main()
