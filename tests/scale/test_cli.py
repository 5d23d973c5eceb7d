"""The commands of `overproof scale`, and --workers."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from runs import finish, rows, start
from scripted import Scripted

from overproof.cli import main
from overproof.recipe import load_recipe


def call(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def test_a_run_by_hand_through_storage(coder: Scripted, tmp_path: Path) -> None:
    """Each rank in a folder of its own, as on machines that share nothing but a store."""
    run = start(tmp_path / "lead", f"{coder.url}#coder")
    store = f"file://{tmp_path}/store"
    assert call("scale", "lead", run, "--until", "variants", "--store", store).exit_code == 0
    for stage in ("variants", "samples", "outcomes"):
        for rank in range(2):
            place = ("--rank", rank, "--of", 2, "--store", store)
            done = call("scale", "rank", tmp_path / f"node{rank}", stage, *place)
            assert done.exit_code == 0, done.output
    asked = len(coder.seen)
    done = call("scale", "lead", run, "--store", store)
    assert done.exit_code == 0, done.output
    assert "report.html" in done.output
    assert len(coder.seen) == asked
    reference = start(tmp_path / "one", f"{coder.url}#coder")
    finish(reference, 1)
    assert rows(run, "samples") == rows(reference, "samples")
    status = call("scale", "status", run).output
    assert "samples" in status and "by 2 ranks (2 done, 0 at work" in status
    assert "report.html" in " ".join(p.name for p in (tmp_path / "store").iterdir())


def test_a_rank_that_comes_too_early_says_what_is_missing(coder: Scripted, tmp_path: Path) -> None:
    run = start(tmp_path / "run", f"{coder.url}#coder")
    assert call("scale", "lead", run, "--until", "variants").exit_code == 0
    done = call("scale", "rank", run, "samples", "--rank", 0, "--of", 2)
    assert done.exit_code == 1
    assert "error: the stage variants is not finished" in done.output
    assert "hint: run its ranks first" in done.output


def test_wrong_numbers_are_refused(tmp_path: Path) -> None:
    for arguments, said in (
        (("scale", "rank", tmp_path, "samples", "--rank", 3, "--of", 2), "ranks are 0 to 1"),
        (("run", "demo", "--workers", 0, "--out", tmp_path / "run"), "allowed are 1 to 512"),
        (("scale", "submit", "--out", tmp_path / "run"), "what is to be run?"),
        (("scale", "status", tmp_path), "no plan of a shared run"),
        (("scale", "submit", "demo", "--sbatch", "account", "--out", tmp_path / "r"), "KEY=VALUE"),
    ):
        done = call(*arguments)
        assert done.exit_code in (2, 5), done.output
        assert said in done.output


@pytest.mark.parametrize("name", ["vllm", "sglang", "llama-server"])
def test_serve_is_an_engine(name: str, tmp_path: Path) -> None:
    done = call("run", "demo", "--serve", name, "--dry-run")
    assert done.exit_code == 0, done.output
    path = tmp_path / "recipe.yaml"
    path.write_text(done.output)
    assert load_recipe(str(path)).models.engine == name


def test_a_model_on_a_server_is_not_served_again(coder: Scripted, tmp_path: Path) -> None:
    model = f"{coder.url}#coder"
    done = call("eval", "--model", model, "--serve", "vllm", "--out", tmp_path / "run")
    assert done.exit_code == 2
    assert "the engine vllm cannot run" in done.output


def test_cost_is_in_the_manifest(coder: Scripted, tmp_path: Path) -> None:
    import json

    prices = ("models.server.prompt_price=2", "models.server.completion_price=10")
    run = start(tmp_path / "run", f"{coder.url}#coder", changes=prices)
    finish(run, 1)
    (model,) = json.loads((run / "manifest.json").read_text())["models"]
    count = len(coder.seen)
    assert model["usage"] == {
        "prompt_tokens": 5 * count,
        "completion_tokens": 2 * count,
        "cost": pytest.approx(count * (5 * 2 + 2 * 10) / 1e6),
    }
    assert json.loads((run / "results.json").read_text())["manifest"]["models"][0] == model
