"""A whole evaluation in shards: the same as in one process, whatever happens on the way."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from runs import by_key, finish, results, rows, slow_answer, start
from scripted import Scripted

from overproof import study
from overproof.errors import DataError, EngineError, OverproofError, StorageError, UsageError
from overproof.locks import hold
from overproof.recipe import load_recipe
from overproof.scale.crew import Crew
from overproof.scale.deal import Place
from overproof.scale.lead import lead
from overproof.scale.processes import error_of
from overproof.scale.stages import run_rank
from overproof.scale.status import status_lines
from overproof.scale.tables import UnfinishedError, shard_folder


def test_one_shard_and_four_say_the_same(coder: Scripted, tmp_path: Path) -> None:
    models = [f"{coder.url}#coder", f"{coder.url}#other"]
    for world in (1, 4):
        finish(start(tmp_path / str(world), *models), world)
    one, four = tmp_path / "1", tmp_path / "4"
    assert rows(one, "samples") == rows(four, "samples")
    assert rows(one, "variants") == rows(four, "variants")
    assert by_key(rows(one, "outcomes")) == by_key(rows(four, "outcomes"))
    assert results(one) == results(four)
    assert {row["status"] for row in rows(one, "outcomes")} >= {"wrong_answer"}
    plain = tmp_path / "plain"  # no shards at all
    study.evaluate(models, load_recipe(str(one / "recipe.yaml")), plain, "overproof eval")
    assert not (plain / "shards").exists()
    assert rows(plain, "samples") == rows(one, "samples")
    assert results(plain) == results(one)


def test_a_rerun_asks_nothing_again(coder: Scripted, tmp_path: Path) -> None:
    run = start(tmp_path / "run", f"{coder.url}#coder")
    finish(run, 2)
    asked, before = len(coder.seen), (run / "samples.jsonl").read_bytes()
    finish(run, 3)
    assert len(coder.seen) == asked
    assert (run / "samples.jsonl").read_bytes() == before
    assert any("by 5 ranks (5 done, 0 at work" in line for line in status_lines(run))


def test_what_a_lost_rank_left_out_the_lead_makes(coder: Scripted, tmp_path: Path) -> None:
    run = start(tmp_path / "run", f"{coder.url}#coder")
    lead(run, until="variants")
    run_rank(run, "variants", Place(0, 2))
    with pytest.raises(UnfinishedError, match="the stage variants is not finished"):
        run_rank(run, "samples", Place(0, 2))
    assert lead(run, until="samples") is None
    run_rank(run, "samples", Place(1, 2))
    asked = len(coder.seen)
    assert lead(run, until="outcomes") is None
    assert len(coder.seen) > asked
    assert lead(run) is not None
    assert len(by_key(rows(run, "samples"))) == len(coder.seen)


def test_the_same_rank_twice_at_once_is_refused(coder: Scripted, tmp_path: Path) -> None:
    run = start(tmp_path / "run", f"{coder.url}#coder")
    lead(run, until="variants")
    own = shard_folder(run, "variants", Place(0, 2))
    own.mkdir(parents=True)
    with hold(own), pytest.raises(StorageError, match="in use by"):
        run_rank(run, "variants", Place(0, 2))


def test_a_folder_without_a_plan_says_who_writes_it(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="no plan") as caught:
        run_rank(tmp_path, "samples", Place(0, 2))
    assert "overproof scale lead" in caught.value.hint


def test_wrong_stages_and_numbers_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no shared stage"):
        run_rank(tmp_path, "report", Place(0, 1))
    with pytest.raises(UsageError, match="no shared stage"):
        Crew(until="report")
    with pytest.raises(UsageError, match="allowed are 1 to 512"):
        Crew(0)


def test_other_weights_on_another_machine_are_refused(coder: Scripted, tmp_path: Path) -> None:
    from overproof.catalog import ModelSource
    from overproof.engines.generate import Contender
    from overproof.scale.plan import Plan, read_plan

    plan = Plan(mode="eval", command="")
    gone = ModelSource(name="coder", kind="folder", path=tmp_path / "gone", sha256="ab")
    plan.tell(tmp_path, [Contender(name="coder", source=gone)], {"coder": f"{coder.url}#coder"})
    with pytest.raises(DataError, match="other bytes here"):
        read_plan(tmp_path).contenders(tmp_path)


def test_a_rates_limit_is_shared_among_ranks() -> None:
    from overproof.scale.stages import at_place

    recipe = load_recipe(
        "demo", ["models.server.requests_per_minute=100", "models.server.in_flight=6"]
    )
    server = at_place(recipe, Place(1, 4)).models.server
    assert (server.requests_per_minute, server.in_flight, server.tokens_per_minute) == (25, 1, 0)


def test_the_error_of_a_rank_is_the_error_of_the_run(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("samples: 3/9\nerror: no server answers there\nhint: start it\n")
    error = error_of(log, EngineError.exit_code)
    assert isinstance(error, EngineError)
    assert (error.message, error.hint) == ("no server answers there", "start it")
    log.write_text("Traceback\nMemoryError\n")
    assert "MemoryError" in error_of(log, 1).message
    assert type(error_of(tmp_path / "none", 9)) is OverproofError


# Processes


def command(run: Path, url: str, workers: int) -> list[str]:
    return [
        *(sys.executable, "-m", "overproof", "eval", "--model", f"{url}#coder", "--limit", "3"),
        *("--operators", "camel_case,keyboard_typos", "--out", str(run)),
        *("--workers", str(workers), "models.form=raw", "sampling.batch_size=2"),
    ]


def test_two_workers_one_of_them_killed(coder: Scripted, tmp_path: Path) -> None:
    coder.answers = [slow_answer]
    run = tmp_path / "run"
    process = subprocess.Popen(
        command(run, coder.url, 2), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    victim = shard_folder(run, "samples", Place(1, 2))
    until = time.monotonic() + 200
    while not (victim / "rows.jsonl").exists() and time.monotonic() < until:
        time.sleep(0.02)
    from overproof.locks import holder_of

    holder = holder_of(victim)
    assert holder is not None
    os.kill(holder.pid, signal.SIGKILL)
    _, said = process.communicate(timeout=300)
    assert process.returncode == 0, said
    assert "rank 1 of 2 was ended by SIGKILL: started again" in said
    found = by_key(rows(run, "samples"))
    assert len(found) <= len(coder.seen) <= len(found) + 2  # the batch under way, once more


def test_killed_with_its_workers_and_run_again_without(coder: Scripted, tmp_path: Path) -> None:
    coder.answers = [slow_answer]
    run = tmp_path / "run"
    process = subprocess.Popen(command(run, coder.url, 2), stderr=subprocess.DEVNULL)
    until = time.monotonic() + 200
    while len(coder.seen) < 6 and time.monotonic() < until:
        time.sleep(0.02)
    process.kill()
    process.wait()
    time.sleep(1.0)  # for the kernel to end the ranks
    asked = len(coder.seen)
    time.sleep(1.5)
    assert len(coder.seen) == asked  # nobody goes on behind our back
    subprocess.run(command(run, coder.url, 1), check=True, capture_output=True)
    found = by_key(rows(run, "samples"))
    assert len(found) <= len(coder.seen) <= len(found) + 4


def test_an_error_of_one_worker_is_one_clear_line(coder: Scripted, tmp_path: Path) -> None:
    coder.answers = [(401, {"error": {"message": "Incorrect key"}})]
    done = subprocess.run(
        command(tmp_path / "run", coder.url, 2), capture_output=True, text=True, timeout=300
    )
    assert done.returncode == EngineError.exit_code
    assert "error: " in done.stderr and "401, Incorrect key" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "run" / "samples.jsonl").exists()


def test_ranks_see_gpus_of_their_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from overproof.scale.processes import gpus_of

    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert gpus_of(Place(0, 2), tmp_path / "none") == {}
    for number in range(4):
        (tmp_path / f"0000:0{number}:00.0").mkdir()
    seen = [gpus_of(Place(rank, 2), tmp_path)["CUDA_VISIBLE_DEVICES"] for rank in range(2)]
    assert seen == ["0,2", "1,3"]
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "GPU-a,GPU-b")
    assert gpus_of(Place(1, 4), tmp_path) == {"CUDA_VISIBLE_DEVICES": "GPU-b"}
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")  # none wanted
    assert gpus_of(Place(0, 2), tmp_path) == {}
