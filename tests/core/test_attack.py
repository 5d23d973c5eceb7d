"""The adversary on a real model (SmolLM2-135M): it stops, goes on, and reports what is there."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from overproof.attack import AttackConfig as Config
from overproof.attack import Attacked, check_config, default_operators
from overproof.attack.results import compare
from overproof.cli import main
from overproof.errors import UsageError
from overproof.perturbation import get_operator

MODEL = "smollm2-135m-instruct"


def problem(name: str, params: str, text: str, call: str, result: str, body: str) -> str:
    description = f"{text}\n\n    >>> {name}{call}\n    {result}\n    "
    fields = {
        "task_id": f"easy/{name}",
        "prompt": f'def {name}({params}):\n    """{description}"""\n',
        "entry_point": name,
        "canonical_solution": f"    return {body}\n",
        "test": f"def check(candidate):\n    assert candidate{call} == {result}\n",
    }
    return json.dumps(fields) + "\n"


EASY = (
    problem("multiply", "a, b", "Return the product of a and b.", "(2, 3)", "6", "a * b"),
    problem(
        "maximum", "numbers", "Return the largest of the numbers.", "([1, 5])", "5", "max(numbers)"
    ),
    problem("reverse_text", "text", "Return the text reversed.", "('ab')", "'ba'", "text[::-1]"),
)


def run(folder: Path, *more: str) -> str:
    suite = folder.parent / "easy.jsonl"
    suite.write_text("".join(EASY))
    options = ["--model", MODEL, "--suite", str(suite), "--budget", "3", "--out", str(folder)]
    options += ["--operators", "keyboard_typos,name_opaque,misleading_hint,drop_examples", *more]
    # in int8 some processors leave this model nothing that it solves
    settings = ["models.form=raw", "models.precision=float32", "sampling.max_new_tokens=24"]
    result = CliRunner().invoke(main, ["attack", *options, *settings])
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.mark.models
def test_a_search_that_was_cut_off_ends_like_one_that_was_not(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    first = run(folder)
    assert "robust pass@1 of smollm2-135m-instruct" in first
    results = json.loads((folder / "attack.json").read_text())["results"]
    assert [row["strategy"] for row in results] == ["random", "evolution"]
    for row in results:
        values = [point["value"] for point in row["curve"]]
        assert len(values) == 4 and values == sorted(values, reverse=True)
        assert values[0] == row["solved"] / 3 > 0
        assert values[-1] == pytest.approx((row["solved"] - row["broken"]) / 3)
    found = [json.loads(line) for line in (folder / "found.jsonl").read_text().splitlines()]
    assert all(row["certificate"]["gold_passes"] for row in found)
    queries = (folder / "queries.jsonl").read_text().splitlines(keepends=True)
    assert len(queries) >= 3

    half = len(queries) // 2
    (folder / "queries.jsonl").write_text("".join(queries[:half]) + queries[half][:20])
    assert run(folder) == first
    assert sorted((folder / "queries.jsonl").read_text().splitlines(keepends=True)) == sorted(
        queries
    )


@pytest.mark.models
def test_guided_by_loss_it_scores_candidates_and_transfers(tmp_path: Path) -> None:
    output = run(
        tmp_path / "run", "--strategy", "greedy", "--guide", "loss", "--candidates", "2",
        "--transfer", MODEL,
    )  # fmt: skip
    assert " scored" in output
    assert f"transfer to {MODEL}" in output


def test_the_default_arsenal_is_compared_with_the_published_prompt() -> None:
    names = default_operators()
    assert len(names) > 40
    assert all(get_operator(name).control == "nominal" for name in names)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (Config(operators=("dead_code",)), "starts from half_body"),
        (Config(operators=()), "no operator"),
        (Config(operators=("camel_case",), budget=0), "at least 1"),
        (Config(operators=("camel_case",), max_perplexity_ratio=2.0), "--judge"),
    ],
)
def test_what_makes_no_sense_is_refused(config: Config, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        check_config(config)
    assert message in str(caught.value)


def test_the_curve_and_the_paired_difference_count_tasks() -> None:
    def attacked(strategy: str, broken: dict[str, int]) -> Attacked:
        return Attacked(
            model="m", strategy=strategy, total=10, solved=6, broken_at=broken, budget=4
        )

    weak, strong = attacked("random", {"a": 1}), attacked("evolution", {"a": 2, "b": 1, "c": 4})
    assert [point["value"] for point in strong.curve()] == [0.6, 0.5, 0.4, 0.4, 0.3]
    tasks = list("abcdef")
    assert compare(strong, weak, 1, tasks)["value"] == 0.0
    assert compare(strong, weak, 4, tasks)["value"] == pytest.approx(-0.2)
    assert compare(strong, weak, 4, tasks)["p"] == pytest.approx(0.5)
