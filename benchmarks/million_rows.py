"""A run folder of a million rows: what it takes to list, show, verify and report it.

    make bench-rows
    make bench-rows ARGS='--rows 100000'
    python benchmarks/million_rows.py --folder runs/million     keep it, use it again

The folder is that of a study of HumanEval: all operators, five seeds each, four models, as many
samples a prompt as make up the rows. Answers and verdicts are the real ones of
studies/perturbed-qwen-0.5b, exchanged between prompts, words in them exchanged, so that no text
stands there twice. Each command is a process of its own; its peak memory is what the kernel says
at its end. Exit status: 0 if every command stays within 1 GiB and 60 s, else 1.

Not covered: the run itself, which holds its rows in memory.
"""

import argparse
import gzip
import os
import random
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from overproof.perturbation import OPERATORS
from overproof.recipe import dump_recipe, recipe_from
from overproof.records import (
    Certificate,
    Family,
    Outcome,
    Problem,
    Sample,
    Timing,
    Variant,
    content_key,
    decode_row,
    encode_row,
)
from overproof.seals import seal
from overproof.suites import load_suites

STUDY = Path(__file__).parent.parent / "studies" / "perturbed-qwen-0.5b"
MODELS = ("teacher", "undistilled", "distilled", "distilled-robust")
SEEDS = 5
MEMORY_GIB, SECONDS = 1.0, 60.0
COMMANDS = (["ls", "FOLDER"], ["show", "FOLDER"], ["report", "FOLDER"], ["fsck", "FOLDER"])


def main() -> int:
    """Make the folder, run the commands on it, print what they took."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--folder", type=Path, help="Keep the folder here, or use it.")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.folder or Path(scratch) / "run"
        if not (folder / "recipe.yaml").is_file():
            started = time.perf_counter()
            write_folder(folder, options.rows)
            print(f"written in {time.perf_counter() - started:.0f} s")
        describe(folder)
        met = [measure_command([part.replace("FOLDER", str(folder)) for part in command])
               for command in COMMANDS]  # fmt: skip
        page = folder / "report.html"
        print(f"report.html: {page.stat().st_size / 1e6:.1f} MB")
    return 0 if all(met) else 1


def describe(folder: Path) -> None:
    """Print how many rows there are, and how large they are."""
    total = 0
    for table in sorted(folder.glob("*.jsonl")):
        with table.open("rb") as lines:
            count = sum(1 for _ in lines)
        total += count
        print(f"{table.name:<18}{count:>12,} rows{table.stat().st_size / 1e6:>10.1f} MB")
    print(f"{'together':<18}{total:>12,} rows")


def measure_command(arguments: Sequence[str]) -> bool:
    """Run a command, print its time and peak memory, and return whether both are in bounds."""
    started = time.perf_counter()
    command = [sys.executable, "-m", "overproof", *arguments]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - started
    gib = usage.ru_maxrss / 2**20
    code = os.waitstatus_to_exitcode(status)
    met = code == 0 and gib <= MEMORY_GIB and seconds <= SECONDS
    cpu = usage.ru_utime + usage.ru_stime
    print(
        f"overproof {arguments[0]:<8}{seconds:>7.1f} s{cpu:>7.1f} CPU s{gib:>7.2f} GiB"
        f"   {'met' if met else f'MISSED (exit {code})'}",
        flush=True,
    )
    return met


def write_folder(folder: Path, rows: int) -> None:
    """Write the tables of a study with about so many rows."""
    folder.mkdir(parents=True, exist_ok=True)
    problems = load_suites(("humaneval",))
    variants = list(make_variants(problems))
    num_samples = max(1, round((rows - len(variants)) / (2 * len(variants) * len(MODELS))))
    recipe = recipe_from(
        {
            "name": "million",
            "models": {"teacher": "qwen2.5-coder-1.5b-instruct"},
            "perturb": {"operators": list(operator_names()), "seeds": SEEDS},
            "sampling": {"num_samples": num_samples, "temperature": 0.8},
            "arms": [{"name": name} for name in MODELS[2:]],
        }
    )
    write(folder / "variants.jsonl", variants)
    with (folder / "outcomes.jsonl").open("wb") as outcomes:
        samples = make_samples(problems, variants, num_samples, rows - len(variants), outcomes)
        write(folder / "samples.jsonl", samples)
    write(folder / "timings.jsonl", make_timings(problems))
    (folder / "recipe.yaml").write_text(dump_recipe(recipe))


def write(path: Path, rows: Any) -> None:
    """Write rows as a run does."""
    with path.open("wb") as file:
        file.writelines(seal(encode_row(row)) + b"\n" for row in rows)


def operator_names() -> list[str]:
    """Return all operators but the controls."""
    return [name for name in OPERATORS if name not in ("null", "half_body")]


def make_variants(problems: Sequence[Problem]) -> Iterator[Variant]:
    """Yield the published prompts and all perturbed ones, changed by words."""
    generator = random.Random(1)
    words = sorted({word for row in problems for word in re.findall(r"[a-z]{4,}", row.prompt)})
    places: list[tuple[str, Family, int]] = [("nominal", "nominal", 1)]
    for name in ("null", *operator_names()):
        operator = OPERATORS[name]
        places.append((name, operator.family, SEEDS if operator.random else 1))
    for problem in problems:
        for name, family, seeds in places:
            for seed in range(seeds):
                plain = name in ("nominal", "null")
                prompt = problem.prompt if plain else exchange(problem.prompt, words, generator)
                yield Variant(
                    key=content_key(problem.task_id, name, seed),
                    task_id=problem.task_id,
                    suite="humaneval",
                    operator=name,
                    family=family,
                    seed=seed,
                    prompt=prompt,
                    entry_point=problem.entry_point,
                    certificate=None if name == "nominal" else CERTIFICATE,
                )


CERTIFICATE = Certificate(
    parses=True,
    differs=True,
    gold_passes=True,
    examples_intact=True,
    entry_point_intact=True,
    edit_distance=9,
    naturalness=0.9,
)


def make_samples(
    problems: Sequence[Problem],
    variants: Sequence[Variant],
    num_samples: int,
    rows: int,
    outcomes: Any,
) -> Iterator[Sample]:
    """Yield samples, and write the verdict on each."""
    generator = random.Random(2)
    answers: dict[str, list[Sample]] = {}
    for row in read("samples.jsonl.gz", Sample):
        answers.setdefault(row.task_id, []).append(row)
    verdicts = {row.sample: row for row in read("outcomes.jsonl.gz", Outcome)}
    others = [row for rows in answers.values() for row in rows]
    words = sorted({w for row in others[:200] for w in re.findall(r"[a-z]{4,}", row.completion)})
    made = 0
    for model in MODELS:
        for variant in variants:
            for index in range(num_samples):
                if made + 2 > rows:
                    return
                source = generator.choice(answers.get(variant.task_id, others))
                key = content_key(variant.key, model, index)
                completion = exchange(source.completion, words, generator)
                yield replace(
                    source,
                    key=key,
                    task_id=variant.task_id,
                    variant=variant.key,
                    operator=variant.operator,
                    seed=variant.seed,
                    model=model,
                    sample_index=index,
                    completion=completion,
                    solution=variant.prompt + completion,
                )
                verdict = replace(
                    verdicts[source.key],
                    key=content_key(key, "limits"),
                    task_id=variant.task_id,
                    sample=key,
                )
                outcomes.write(seal(encode_row(verdict)) + b"\n")
                made += 2


def make_timings(problems: Sequence[Problem]) -> Iterator[Timing]:
    """Yield the timings of thirty prompts."""
    generator = random.Random(3)
    for problem in problems[:30]:
        for place, model in enumerate(MODELS):
            first = generator.uniform(30, 60)
            yield Timing(
                key=content_key(problem.task_id, model, "timing"),
                task_id=problem.task_id,
                model=model,
                position=place,
                warmup=False,
                ttft_ms=first,
                e2e_ms=first * generator.uniform(8, 12),
                completion_tokens=32,
                cpu_seconds=0.5,
            )


def read(name: str, kind: type[Any]) -> Iterator[Any]:
    """Yield the rows of the study."""
    with gzip.open(STUDY / name) as lines:
        for line in lines:
            yield decode_row(line, kind)


def exchange(text: str, words: Sequence[str], generator: random.Random) -> str:
    """Return the text with about one word in twelve exchanged for one of the others."""
    return re.sub(
        r"\b[a-z]{3,}\b",
        lambda found: generator.choice(words) if generator.random() < 1 / 12 else found[0],
        text,
    )


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    sys.exit(main())
