"""Kill a study at seeded random moments of every stage, run it again, compare with a quiet run.

    make test-faults
    python tests/faults/kills.py --kills 200 --seed 0

Every run is a real `study.run` in a process of its own, forked from one that has the imports done.
A kill is SIGKILL, of the run itself or of one of its sandbox's processes, a random time after a
stage has begun. After each kill all rows on disk must be rows of the quiet run, each there once,
and nothing that the killed run had started may be left alive. A chain of kills goes through the
stages of one folder; then it is run to its end, and rows, weights and scores must be byte-equal.

Left out of the comparison, because they are measured: `seconds` of samples; `cpu_seconds` and
`memory_mib` of verdicts; all times of `timings`; their checksums; target tokens per second.
Work is counted as it begins: batches of prompts, signals, training steps, verdicts, timed answers.
What was begun more than once may not exceed the number of kills: one worker makes them. Verdicts
are counted and shown, not bounded: perturbing executes its gold programs on every start, and a
batch of solutions is executed with its batch.
"""

import argparse
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from running import PATIENCE_SECONDS, REPORT, START, Running
from tiny_study import import_everything, write_inputs

MEASURED = {
    "samples": ("seconds",),
    "outcomes": ("cpu_seconds", "memory_mib"),
    "timings": ("ttft_ms", "e2e_ms", "cpu_seconds"),
}
SPEED = ("_ms", "per_s", "cpu_s", "tokens", "_ratio")
WORKER_SHARE = 0.6
"""Of the kills: those that hit a process of the sandbox."""


@dataclass
class Quiet:
    """The undisturbed run that all others must equal."""

    content: dict[str, Any]
    began: Counter[str]
    spans: dict[str, float]
    """Stages in order, and how long each took."""


@dataclass
class Tally:
    """What the kills came to."""

    kills: Counter[str] = field(default_factory=Counter)
    """By the stage that was really hit."""
    victims: Counter[str] = field(default_factory=Counter)
    repeated: Counter[str] = field(default_factory=Counter)
    by_kind: Counter[str] = field(default_factory=Counter)
    chains: int = 0
    rows: int = 0


def quiet_run(inputs: Path, folder: Path) -> Quiet:
    folder.mkdir()
    running = Running(inputs, folder / "run")
    running.finish()
    spans: dict[str, float] = {}
    entered, last = running.times[0][0], running.times[0][0]
    for when, what, name in running.times[1:]:
        if START not in spans:
            spans[START] = when - entered
        if what == "enter":
            entered = when
        else:
            spans[name] = spans.get(name, 0.0) + when - entered
        last = when
    spans[REPORT] = max(time.monotonic() - last, 0.1)
    return Quiet(content_of(folder / "run"), running.began, spans)


def chain(inputs: Path, folder: Path, quiet: Quiet, plan: list[tuple[str, float, bool]]) -> Tally:
    """Kill one folder's runs as planned: (stage, share of its time, whether a worker)."""
    folder.mkdir()
    out, tally, begun = folder / "run", Tally(chains=1), Counter[str]()
    running = Running(inputs, out)
    for stage, share, worker in plan:
        if running.status is not None:
            begun += running.began
            running = Running(inputs, out)
        if stage != START:
            running.follow(
                partial(has_reached, running, stage, list(quiet.spans)), PATIENCE_SECONDS
            )
        running.follow(lambda: False, share * quiet.spans[stage])
        if running.status is not None:
            assert running.status == 0 or running.hurt, f"a run failed after {running.label}"
            continue
        started = descendants(running.pid)
        target = running.pid
        if worker and started:
            target = random.Random(f"{stage} {share}").choice(sorted(started))
        place = running.label
        os.kill(target, signal.SIGKILL)
        tally.kills[place] += 1
        tally.victims["worker" if target != running.pid else "run"] += 1
        running.hurt = True
        if target == running.pid:
            running.end()
            assert_gone(started)
            check_rows(out, quiet, place)
    if running.status is None:
        running.follow(lambda: False, PATIENCE_SECONDS)
    assert running.status == 0 or running.hurt, f"a run failed after {running.label}"
    begun += running.began
    last = Running(inputs, out)
    last.finish()
    compare(content_of(out), quiet.content)
    surplus = begun - quiet.began
    tally.by_kind += surplus
    tally.rows = sum(map(len, quiet.content["tables"].values()))
    return tally


def has_reached(running: Running, stage: str, stages: list[str]) -> bool:
    label = REPORT if running.label == REPORT else running.stage
    return label in stages and stages.index(label) >= stages.index(stage)


def descendants(pid: int) -> set[int]:
    from overproof.sandbox.kernel import descendants

    return set(descendants(pid))


def assert_gone(pids: set[int]) -> None:
    """Whatever a killed run had started ends by itself."""
    deadline = time.monotonic() + 20
    while alive := {pid for pid in pids if _runs(pid)}:
        assert time.monotonic() < deadline, f"left running: {alive}"
        time.sleep(0.02)


def _runs(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state not in "ZX"


def rows_of(table: Path, torn: bool = False) -> dict[str, Any]:
    """Return rows by key, without what is measured; with `torn`, half a row may end the file."""
    found: dict[str, Any] = {}
    measured = MEASURED.get(table.stem, ())
    *lines, rest = table.read_bytes().split(b"\n")
    assert torn or not rest, f"half a row in {table}"
    for line in lines:
        row = json.loads(line)
        assert row["key"] not in found, f"{table.name}: {row['key']} is there twice"
        if measured:
            for name in (*measured, "crc32"):
                row.pop(name, None)
            found[row["key"]] = row
        else:
            found[row["key"]] = line
    return found


def check_rows(out: Path, quiet: Quiet, place: str) -> None:
    """Every row that a killed run left is one of the quiet run's, or half of one at the end."""
    for table in out.glob("*.jsonl"):
        wanted = quiet.content["tables"].get(table.stem, {})
        for key, row in rows_of(table, torn=True).items():
            assert wanted.get(key) == row, f"after a kill in {place}: {table.name} has {row!r}"


def content_of(out: Path) -> dict[str, Any]:
    """Return all that must be equal: rows, weights, scores."""
    results = json.loads((out / "results.json").read_text())
    scores = [s for s in results["scores"] if not any(word in s["metric"] for word in SPEED)]
    (arm,) = (path for path in (out / "models").iterdir() if path.is_dir())
    training = json.loads((arm / "training.json").read_text())
    for row in [training, *training["curve"]]:
        row.pop("target_tokens_per_s", None)
    left = sorted(path.name for path in out.iterdir())
    left += sorted(path.name for path in (out / "models").iterdir())
    return {
        "tables": {table.stem: rows_of(table) for table in sorted(out.glob("*.jsonl"))},
        "weights": (arm / "model.safetensors").read_bytes(),
        "training": training,
        "scores": scores,
        "files": left,
    }


def compare(found: dict[str, Any], wanted: dict[str, Any]) -> None:
    assert list(found["tables"]) == list(wanted["tables"])
    for name, rows in wanted["tables"].items():
        other = found["tables"][name]
        assert other.keys() == rows.keys(), f"{name}: lost {rows.keys() - other.keys()}"
        wrong = [key for key in rows if rows[key] != other[key]]
        assert not wrong, f"{name}: {other[wrong[0]]!r}, undisturbed {rows[wrong[0]]!r}"
    for name in ("weights", "training", "scores", "files"):
        assert found[name] == wanted[name], f"{name} differ from those of the undisturbed run"


def plans(kills: int, stages: list[str], seed: int) -> list[list[tuple[str, float, bool]]]:
    """Return chains of kills: one in each stage, in order, at a random share of its time."""
    generator = random.Random(seed)
    made: list[list[tuple[str, float, bool]]] = []
    left = kills
    while left > 0:
        names = sorted(generator.sample(stages, min(left, len(stages))), key=stages.index)
        made.append(
            [(name, generator.random(), generator.random() < WORKER_SHARE) for name in names]
        )
        left -= len(names)
    return made


def kill_all(kills: int, seed: int, folder: Path, say: Callable[[str], None] = print) -> Tally:
    """Kill so many times, in as many chains as it takes; raise AssertionError if anything differs.

    A planned kill that comes too late, the run having ended, is made up for in a further chain.
    """
    import_everything()
    inputs = folder / "inputs"
    inputs.mkdir()
    child = os.fork()
    if child == 0:
        write_inputs(inputs)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    quiet = quiet_run(inputs, folder / "quiet")
    again = quiet_run(inputs, folder / "again")
    compare(again.content, quiet.content)
    for name, seconds in quiet.spans.items():
        say(f"{name:<24}{seconds:>7.2f} s undisturbed")
    say(f"work undisturbed: {dict(quiet.began)}")
    total = Tally()
    while (left := kills - total.kills.total()) > 0:
        for number, plan in enumerate(plans(left, list(quiet.spans), seed + total.chains)):
            started = time.monotonic()
            place = folder / f"chain-{total.chains + number}"
            tally = chain(inputs, place, quiet, plan)
            shutil.rmtree(place)
            hits = ", ".join(f"{name} {count}" for name, count in tally.kills.items())
            repeated = dict(tally.by_kind)
            say(f"{tally.kills.total()} kills in {time.monotonic() - started:.0f} s: {hits}")
            say(f"    begun more than once: {repeated or 'nothing'}")
            for kind, count in tally.by_kind.items():
                allowed = tally.kills.total()
                if kind == "verdict":  # by two workers, and prompts are certified in one go
                    drawn = tally.kills["perturb"] + tally.kills["after perturb"]
                    allowed = 2 * allowed + quiet.began[kind] * drawn
                assert count <= allowed, f"{kind}: {count} begun again"
            total.kills += tally.kills
            total.victims += tally.victims
            total.by_kind += tally.by_kind
            total.rows = tally.rows
        total.chains += number + 1
    return total


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = "1"
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as scratch:
        tally = kill_all(options.kills, options.seed, Path(scratch), lambda x: print(x, flush=True))
    print(f"\n{tally.kills.total()} kills, seed {options.seed}, {tally.chains} folders, ", end="")
    print(f"{time.monotonic() - started:.0f} s; killed: {dict(tally.victims)}")
    for name, count in sorted(tally.kills.items(), key=lambda item: -item[1]):
        print(f"  {name:<28}{count:>4}")
    print(f"begun more than once, over all kills: {dict(tally.by_kind) or 'nothing'}")
    print(f"all {tally.rows} rows, weights and scores are those of the undisturbed run: PASS")
    return 0


if __name__ == "__main__":
    sys.exit(main())
