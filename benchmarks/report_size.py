"""The report of a large run: how large its file is, how long it opens, how long a filter takes.

    make bench-report
    python benchmarks/report_size.py --samples 50000 --check wall

The rows are made from the real answers of studies/perturbed-qwen-0.5b: copies of them as further
tasks and models, with about one word in twelve exchanged, so that no text is there twice. A copy
lies megabytes from the next one, out of gzip's reach, so they pack no better than other answers.
Times are those of a headless Chromium on this machine, the best and the median of several: on the
wall, and of the page's own thread, which a busy machine lengthens less. With --check it exits 1
past 25 MB, 2 s to open, or 100 ms to filter, by the best time of that kind.
"""

import argparse
import gzip
import random
import re
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from overproof.measure.scores import measure
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
)
from overproof.report.html import write_report
from overproof.suites import load_suites

STUDY = Path(__file__).parent.parent / "studies" / "perturbed-qwen-0.5b"
MODELS = ("teacher", "undistilled", "distilled")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
LIMITS = {"size, MB": 25.0, "opening, ms": 2000.0, "filter, ms": 100.0}
FAMILIES: dict[str, Family] = {
    "docstring_to_comments": "layout",
    "indent_with_tabs": "layout",
    "rename_variables": "code",
    "name_misleading": "names",
    "misleading_hint": "prompt",
    "all_structural": "combined",
    "nominal": "nominal",
    "half_body": "code",
    "null": "null",
}
"""Of the study's operators; the others are of the family text."""
FILTERS = {
    "model": ("filter-model", "1"),
    "broken by the change": ("filter-status", "1"),
    "operator": ("filter-operator", "3"),
    "text, rare": ("filter-text", "sorted(set("),
    "text, frequent": ("filter-text", "return"),
    "text, nowhere": ("filter-text", "no such text"),
}
FILTER = """async ([id, value]) => {
  const [field, list] = [document.getElementById(id), document.getElementById("list")];
  const start = performance.now();
  await new Promise((done) => {
    const seen = new MutationObserver(() => { seen.disconnect(); done(); });
    seen.observe(list, { childList: true });
    field.value = value;
    field.dispatchEvent(new Event(id === "filter-text" ? "input" : "change"));
  });
  list.getBoundingClientRect();
  const taken = performance.now() - start;
  document.getElementById("reset").click();
  return taken;
}"""


@dataclass
class Rows:
    """A run, as `write_report` takes it."""

    problems: list[Problem]
    variants: list[Variant]
    samples: list[Sample]
    outcomes: list[Outcome]
    timings: list[Timing]


def main() -> None:
    """Write the report, open it, filter it, and print what that took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=50_000)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--out", type=Path, help="Keep the report in this folder.")
    parser.add_argument("--check", choices=("wall", "thread"), help="Which time to hold to.")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.out or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        rows = make_rows(options.samples)
        started = time.perf_counter()
        path = write(rows, folder)
        taken = time.perf_counter() - started
        megabytes = path.stat().st_size / 1e6
        characters = sum(len(row.completion) for row in rows.samples) / 1e6
        print(f"{len(rows.samples):,} samples, {len(rows.variants):,} prompts, ", end="")
        print(f"{characters:.1f} M characters of answers; written in {taken:.1f} s")
        opening, filters = browse(path, options.repeats)
    print(f"size of the file: {megabytes:.1f} MB (limit {LIMITS['size, MB']:.0f})")
    print(f"{'':<34}{'best':>9}{'median':>9}{'thread':>9}{'limit':>9}")
    missed = megabytes > LIMITS["size, MB"]
    table = {"opening, ms": opening}
    table |= {f"filter, ms: {name}": times for name, times in filters.items()}
    for name, times in table.items():
        walls, threads = zip(*times, strict=True)
        limit = LIMITS[name.partition(":")[0]]
        missed |= min(threads if options.check == "thread" else walls) > limit
        print(f"{name:<34}{min(walls):>9.1f}{statistics.median(walls):>9.1f}", end="")
        print(f"{min(threads):>9.1f}{limit:>9.0f}")
    if options.check and missed:
        sys.exit("past a limit")


def make_rows(count: int) -> Rows:
    """Return a run of three models with so many samples in all."""
    generator = random.Random(3)
    samples = list(_read("samples.jsonl.gz", Sample))
    details = {row.sample: row for row in _read("outcomes.jsonl.gz", Outcome)}
    problems = {problem.task_id: problem for problem in load_suites(("humaneval",))}
    words = sorted({word for row in samples for word in re.findall(r"[a-z]{4,}", row.completion)})
    by_task: dict[str, list[Sample]] = {}
    for row in samples:
        by_task.setdefault(row.task_id, []).append(row)
    made = Rows([], [], [], [], [])
    while True:
        turn = len(made.problems)
        for task_id, own in by_task.items():
            problem = replace(problems[task_id], task_id=f"{task_id}-{turn}")
            made.problems.append(problem)
            for place, row in enumerate(own):
                variant = _variant(row, problem, words, generator)
                made.variants.append(variant)
                for number, model in enumerate(MODELS):
                    if len(made.samples) == count:
                        return made
                    # Another answer to the same task, as another model might give.
                    source = own[(place + 7 * number) % len(own)]
                    key = content_key(variant.key, model)
                    text = _exchange(source.completion, words, generator)
                    sample = replace(
                        row, key=key, task_id=problem.task_id, variant=variant.key, model=model
                    )
                    made.samples.append(replace(sample, completion=text))
                    judged = replace(details[source.key], key=key, task_id=problem.task_id)
                    made.outcomes.append(replace(judged, sample=""))


def write(rows: Rows, folder: Path) -> Path:
    """Score the rows and write the report of them."""
    scores = measure(
        rows.problems, rows.variants, rows.samples, rows.outcomes, rows.timings, models=MODELS
    )
    manifest = {
        "command": "python benchmarks/report_size.py",
        "models": [
            {"name": name, "engine": "ctranslate2", "precision": "int8", "size_bytes": 4e8}
            for name in MODELS
        ],
    }
    return write_report(
        folder,
        f"{len(rows.samples):,} samples",
        "",
        manifest,
        rows.problems,
        rows.variants,
        rows.samples,
        rows.outcomes,
        scores,
        rows.timings,
        {},
    )


Times = list[tuple[float, float]]
"""Milliseconds on the wall, and of the page's thread."""


def browse(path: Path, repeats: int) -> tuple[Times, dict[str, Times]]:
    """Return what opening takes, with everything there, and what every filter takes."""
    from playwright.sync_api import sync_playwright

    executable = shutil.which("chromium") or sys.exit("chromium is not installed")
    opening: Times = []
    filters: dict[str, Times] = {name: [] for name in FILTERS}
    with sync_playwright() as playwright:
        for _ in range(repeats):
            browser = playwright.chromium.launch(executable_path=executable, args=FLAGS)
            page = browser.new_page()
            session = page.context.new_cdp_session(page)
            session.send("Performance.enable", {"timeDomain": "threadTicks"})
            page.goto(path.as_uri(), wait_until="commit")
            page.wait_for_selector("body[data-browser=ready]", timeout=60_000, state="attached")
            wall = page.evaluate("performance.getEntriesByName('ready')[0].startTime")
            opening.append((wall, thread_ms(session)))
            page.wait_for_selector("body[data-search=ready]", timeout=60_000, state="attached")
            for name, arguments in FILTERS.items():
                before = thread_ms(session)
                wall = page.evaluate(FILTER, list(arguments))
                filters[name].append((wall, thread_ms(session) - before))
            browser.close()
    return opening, filters


def thread_ms(session: Any) -> float:
    """Return the time that the page's thread has worked so far."""
    metrics = session.send("Performance.getMetrics")["metrics"]
    return 1000 * next(float(m["value"]) for m in metrics if m["name"] == "TaskDuration")


def _read(name: str, kind: type[Any]) -> Iterator[Any]:
    with gzip.open(STUDY / name) as lines:
        for line in lines:
            yield decode_row(line, kind)


def _variant(
    row: Sample, problem: Problem, words: Sequence[str], generator: random.Random
) -> Variant:
    """Return the prompt that a sample answers, changed like all texts unless it is nominal."""
    prompt = problem.prompt
    if row.operator not in ("nominal", "null"):
        prompt = _exchange(prompt, words, generator)
    return Variant(
        key=content_key(problem.task_id, row.operator, row.seed),
        task_id=problem.task_id,
        suite="humaneval",
        operator=row.operator,
        family=FAMILIES.get(row.operator, "text"),
        seed=row.seed,
        prompt=prompt,
        entry_point=problem.entry_point,
        certificate=Certificate(
            parses=True,
            differs=True,
            gold_passes=True,
            examples_intact=True,
            entry_point_intact=True,
            edit_distance=9,
            naturalness=0.9,
        ),
    )


def _exchange(text: str, words: Sequence[str], generator: random.Random) -> str:
    """Return the text with about one word in twelve exchanged for one of the others."""
    return re.sub(
        r"\b[a-z]{3,}\b",
        lambda found: generator.choice(words) if generator.random() < 1 / 12 else found[0],
        text,
    )


if __name__ == "__main__":
    main()
