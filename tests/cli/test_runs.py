"""compare, ls and show as they are typed: exit codes, tables, JSON, and the guide's commands."""

import io
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result

from overproof.cli import main
from overproof.folders.rows import read_table
from overproof.records import Sample, Status

Write = Callable[..., Path]
GUIDE = Path(__file__).parents[2] / "docs" / "guides" / "gate.md"
OPERATORS = {"nominal": 1, "keyboard_typos": 2, "camel_case": 1}
MODEL = "smollm2-135m-instruct"


def invoke(*words: object) -> Result:
    return CliRunner().invoke(main, [str(word) for word in words])


def first(share: float) -> Callable[..., Status]:
    """Return a rule that passes the first tasks of a hundred."""

    def rule(model: str, operator: str, task: int, seed: int, index: int) -> Status:
        return "passed" if task % 100 < 100 * share else "wrong_answer"

    return rule


@pytest.fixture
def runs(tmp_path: Path, write_run: Write) -> Path:
    """Four runs of a hundred tasks, one of six, and one of two models with times."""
    for name, share in {"base": 0.5, "better": 0.6, "worse": 0.3}.items():
        write_run(tmp_path / name, first(share), tasks=range(100), operators=OPERATORS)
    write_run(tmp_path / "few", first(0.5), tasks=(1, 20, 40, 60, 80, 90), operators=OPERATORS)
    times = {"old": 10.0, "new": 10.2}
    write_run(tmp_path / "both", first(0.5), tasks=range(100), models=("old", "new"), tpot_ms=times)
    return tmp_path


@pytest.mark.parametrize(
    ("candidate", "options", "code"),
    [
        ("base", (), 0),
        ("better", (), 0),
        ("worse", (), 1),
        ("few", (), 7),
        ("few", ("--undecided", "fail"), 1),
        ("few", ("--undecided", "pass"), 0),
        ("few", ("--gate-by", "estimate"), 0),
        ("worse", ("--gate-by", "estimate"), 1),
        ("worse", ("--undecided", "pass"), 1),
        ("better", ("--gate", "pass@1 >= 0.09"), 7),
        ("better", ("--gate", "pass@1 <= 0"), 1),
        ("better", ("--gate", "robust_pass@1[camel_case] >= 0.02"), 0),
    ],
)
def test_exit_codes(runs: Path, candidate: str, options: tuple[str, ...], code: int) -> None:
    gate = ("--gate", "pass@1 >= -0.03", *options)
    for form in ((), ("--json",), ("--markdown",)):
        result = invoke("compare", runs / "base", runs / candidate, *gate, *form)
        assert result.exit_code == code, result.output


def test_without_gates_a_comparison_is_no_failure(runs: Path) -> None:
    result = invoke("compare", runs / "base", runs / "worse")
    assert result.exit_code == 0
    assert re.search(
        r"pass@1 +50\.0 +30\.0 +−20\.0 \[−\d\d\.\d, −1\d\.\d\] +20 +0 .*lower", result.output
    )


@pytest.mark.parametrize(
    ("words", "code", "message", "hint"),
    [
        (("base", "nowhere"), 2, "no run folder or file", "overproof ls"),
        (("base",), 2, "got 0 --model and 1 paths", "compare A B"),
        (("both", "--model", "old"), 2, "got 1 --model and 1 paths", "--model ONE"),
        (("both", "base"), 2, "several of them: old, new", "--model"),
        (("both:odl", "base"), 2, "unknown model 'odl'", "old"),
        (("base", "worse", "--gate", "pas@1 >= 0"), 2, "unknown metric 'pas' (column 1)", "pass"),
        (("base", "worse", "--gate", "pass@1 >= -2"), 2, "(column 11)", "two points"),
        (("base", "worse", "--gate", "pass@10 >= 0"), 2, "pass@10 is not among", "10 samples"),
        (("base", "worse", "--k", "5"), 2, "pass@5 is not among", "5 samples"),
        (("base", "worse", "--gate", "tpot_ms_ratio <= 2"), 2, "not among", "one run only"),
        (("base", "worse", "--gate", "pass@1[rust] >= 0"), 2, "unknown scope 'rust'", "camel_case"),
        (("base", "worse", "--json", "--markdown"), 2, "both --json and --markdown", "choose"),
        (("base", "damaged"), 3, "samples.jsonl:1", ""),
    ],
)
def test_a_mistake_is_clear_and_has_its_code(
    runs: Path, words: tuple[str, ...], code: int, message: str, hint: str
) -> None:
    (runs / "damaged").mkdir()
    (runs / "damaged" / "samples.jsonl").write_text("{}\n")
    paths = [str(runs / w) if (runs / w.partition(":")[0]).exists() else w for w in words]
    result = invoke("compare", *paths)
    assert result.exit_code == code, result.output
    assert result.stdout == ""
    assert len([line for line in result.stderr.splitlines() if line.startswith("error: ")]) == 1
    assert message in result.stderr
    assert hint in result.stderr


def test_tables_fit_80_columns_and_say_what_is_subtracted(runs: Path) -> None:
    words = ("--by", "operator", "--by", "language", "--gate", "pass@1 >= -0.03")
    result = invoke("compare", runs / "base", runs / "few", *words)
    lines = result.output.splitlines()
    assert "differences are B − A" in result.output
    assert "robust_pass@1 by operator" in lines
    at = next(number for number, line in enumerate(lines) if line.startswith("metric"))
    table = [line for line in lines[at:] if not line.startswith(("note:", "  "))]
    assert max(len(line.rstrip()) for line in table) <= 80
    assert "note: tasks: 6 in both, 94 only in A, 0 only in B" in result.output
    assert "UNDECIDED pass@1 >= -0.03" in lines
    assert re.search(r"to pass at this difference: about [\d,]+ tasks in place of 6", result.output)
    assert re.search(r"an equal model passes >= -0\.\d+ in 4 of 5 tries", result.output)


def test_json_has_every_number_and_the_gates(runs: Path) -> None:
    gate = ("--gate", "pass@1 >= -0.03", "--gate", "robust_drop@1 <= 1")
    result = invoke("compare", runs / "base", runs / "few", *gate, "--json")
    found = json.loads(result.stdout)
    assert found["difference"] == "B - A"
    assert found["exit_code"] == result.exit_code == 7
    assert found["counts"]["tasks"] == {"both": 6, "only_a": 94, "only_b": 0, "compared": 6}
    assert [gate["result"] for gate in found["gates"]] == ["undecided", "pass"]
    assert found["gates"][0]["needed"]["tasks"] > 6
    rows = {(row["metric"], row["operator"], row["family"]): row for row in found["rows"]}
    row = rows["pass@1", "nominal", "nominal"]
    assert (row["a"], row["b"], row["value"], row["broken"]) == (0.5, 0.5, 0, 0)
    assert ("robust_relative@1", "keyboard_typos", "text") in rows


def test_markdown_shows_hostile_names_as_they_are(runs: Path, write_run: Write) -> None:
    name = "evil|`<img src=x>`\n# [x](y)"
    write_run(runs / "hostile", first(0.5), models=(name, "other"), tasks=range(20))
    gate = ("--gate", "pass@1 >= -0.5")
    words = ("--model", name, "--model", "other", *gate, "--markdown")
    result = invoke("compare", runs / "hostile", *words)
    assert result.exit_code == 0, result.output
    assert result.output.startswith("### 1 of 1 gates: pass\n")
    assert not any(line.startswith("# [x]") for line in result.output.splitlines())
    for line in result.output.splitlines():
        outside = re.sub(r"`[^`]*`", "", line)
        assert "<img" not in outside
        if line.startswith("| pass@1"):
            assert len(re.findall(r"(?<!\\)\|", line)) == 9


def test_models_of_one_run_and_of_two(runs: Path) -> None:
    gate = ("--gate", "tpot_ms_ratio <= 1.10")
    result = invoke("compare", runs / "both", "--model", "old", "--model", "new", *gate)
    assert result.exit_code == 0, result.output
    assert re.search(r"tpot_ms +10\.2 +10\.4 +1\.02", result.output)
    back = invoke("compare", f"{runs / 'both'}:new", f"{runs / 'both'}:old", *gate, "--json")
    row = json.loads(back.stdout)["gates"][0]["row"]
    assert row["value"] == pytest.approx(1 / 1.02, abs=1e-3)
    assert invoke("compare", runs / "both", runs / "both", "--model", "new").exit_code == 0


def test_verdicts_that_score_wrote_are_compared(tmp_path: Path) -> None:
    """The real thing: execute, keep the verdicts, compare."""
    problems = tmp_path / "ours.jsonl"
    test = "def check(candidate):\n    assert candidate(1, 2) == 3\n"
    rows = [
        {"task_id": f"mine/{n}", "prompt": "def add(a, b):\n", "entry_point": "add", "test": test}
        for n in range(8)
    ]
    problems.write_text("".join(json.dumps(row) + "\n" for row in rows))
    for name, wrong in (("good", ()), ("bad", (1, 2, 4, 6, 7))):
        samples = tmp_path / f"{name}.jsonl"
        with samples.open("w") as file:
            for number in range(8):
                sign = "-" if number in wrong else "+"
                row = {"task_id": f"mine/{number}", "completion": f"    return a {sign} b\n"}
                file.write(json.dumps(row) + "\n")
        out = tmp_path / f"{name}-verdicts.jsonl"
        result = invoke("score", samples, "--problems", problems, "--out", out)
        assert result.exit_code == 0, result.output
    result = invoke(
        "compare", tmp_path / "good-verdicts.jsonl", tmp_path / "bad-verdicts.jsonl",
        "--gate", "pass@1 >= 0",
    )  # fmt: skip
    assert result.exit_code == 1, result.output
    assert re.search(r"pass@1 +100\.0 +37\.5 +−62\.5 .* 5 +0 ", result.output)


def test_ls_lists_and_show_shows(runs: Path) -> None:
    listed = invoke("ls", runs)
    assert listed.exit_code == 0
    assert sum("finished" in line for line in listed.output.splitlines()) == 5
    found = {Path(run["path"]).name: run for run in json.loads(invoke("ls", runs, "--json").stdout)}
    assert found["worse"]["pass_at_1"] == {"one": 0.3}
    assert found["both"]["models"] == ["old", "new"]
    empty = invoke("ls", runs / "base" / "nothing")
    assert empty.exit_code == 2
    shown = invoke("show", runs / "worse")
    assert shown.exit_code == 0
    for text in ("worse: finished", "name: eval-one", "wrong_answer", "report.html", "ctranslate2"):
        assert text in shown.output
    assert json.loads(invoke("show", runs / "worse", "--json").stdout)["rows"]["samples"] == 400
    assert invoke("show", runs).exit_code == 2


def test_show_prints_the_scores_as_the_run_did(runs: Path) -> None:
    from rich.console import Console

    from overproof.records import Score
    from overproof.report.terminal import summary_tables

    results = json.loads((runs / "both" / "results.json").read_text())
    scores = [Score(**row) for row in results["scores"]]
    console = Console(width=100, record=True, file=io.StringIO())
    for table in summary_tables(scores, results["manifest"]["models"], {}):
        console.print(table)
    printed = [line.rstrip() for line in console.export_text().splitlines()]
    shown = [line.rstrip() for line in invoke("show", runs / "both").output.splitlines()]
    assert "\n".join(printed) in "\n".join(shown)


def test_show_prints_one_sample(runs: Path) -> None:
    sample = next(
        row for row in read_table(runs / "worse", "samples", Sample) if row.operator == "camel_case"
    )
    result = invoke("show", runs / "worse", sample.key[:10])
    assert result.exit_code == 0
    assert sample.key in result.output
    assert "--- completion" in result.output
    found = json.loads(invoke("show", runs / "worse", sample.key, "--json").stdout)
    assert found["sample"]["completion"] == sample.completion
    assert invoke("show", runs / "worse", "zzz").exit_code == 2


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", GUIDE.read_text(), re.MULTILINE | re.DOTALL)


def commands(block: str) -> Iterator[str]:
    """Yield the commands of a block, continued lines joined."""
    for line in block.replace("\\\n", " ").splitlines():
        if line.startswith("overproof "):
            yield line


def workflow_steps() -> dict[str, dict[str, Any]]:
    (block,) = blocks("yaml")
    workflow = yaml.safe_load(block)
    steps = workflow["jobs"]["gate"]["steps"]
    assert set(workflow["env"]) == {"BASELINE", "CANDIDATE"}
    return {step["name"]: step for step in steps if "name" in step}


def shell(script: str, folder: Path, **env: str) -> "subprocess.CompletedProcess[str]":
    """Run a script as GitHub runs a step with `shell: bash`."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    summary = str(folder / "summary.md")
    return subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script],
        cwd=folder,
        env={**os.environ, "PATH": path, "GITHUB_STEP_SUMMARY": summary, **env},
        capture_output=True,
        text=True,
        timeout=500,
    )


@pytest.fixture
def as_in_the_guide(tmp_path: Path, runs: Path) -> Path:
    """A folder in which the guide's names are those of runs that are there."""
    place = tmp_path / "guide"
    for name, source in {
        "runs/baseline": "base",
        "runs/candidate": "better",
        "runs/both": "both",
        "baselines/released": "base",
    }.items():
        shutil.copytree(runs / source, place / name)
    for name, status in (("old", "passed"), ("new", "error")):
        rows = [
            {"key": f"{n}", "task_id": f"T/{n}", "status": status, "sample": f"s.jsonl:{n}"}
            for n in range(5)
        ]
        lines = "".join(json.dumps(row) + "\n" for row in rows)
        (place / f"{name}-verdicts.jsonl").write_text(lines)
    return place


def test_every_compare_ls_and_show_of_the_guide_works(
    as_in_the_guide: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(as_in_the_guide)
    plain = [line for block in blocks("sh") if "set -eu" not in block for line in commands(block)]
    assert {line.split()[1] for line in plain} == {"compare", "ls", "show"}
    for line in plain:
        result = invoke(*shlex.split(line)[1:])
        assert result.exit_code == 0, line + result.output


@pytest.mark.parametrize(("candidate", "code"), [("better", 0), ("few", 1)])
def test_the_workflows_gate_is_red_when_it_should_be(
    as_in_the_guide: Path, runs: Path, candidate: str, code: int
) -> None:
    shutil.rmtree(as_in_the_guide / "runs" / "candidate")
    shutil.copytree(runs / candidate, as_in_the_guide / "runs" / "candidate")
    step = workflow_steps()["gate"]
    assert step["shell"] == "bash"
    result = shell(step["run"], as_in_the_guide, BASELINE="baselines/released")
    assert result.returncode == code, result.stdout + result.stderr
    summary = (as_in_the_guide / "summary.md").read_text()
    assert summary == result.stdout
    assert summary.startswith("### ")


def test_the_shell_example_tells_its_cases_apart(as_in_the_guide: Path, runs: Path) -> None:
    (script,) = [block for block in blocks("sh") if "set -eu" in block]
    script = re.sub(r"^overproof eval .*$", "", script, flags=re.MULTILINE)
    for candidate, code, words in (
        ("worse", 1, "worse by more"),
        ("few", 7, "too few tasks"),
    ):
        shutil.rmtree(as_in_the_guide / "runs" / "candidate")
        shutil.copytree(runs / candidate, as_in_the_guide / "runs" / "candidate")
        result = shell(script, as_in_the_guide, BASELINE="baselines/released")
        assert result.returncode == code, result.stdout + result.stderr
        assert words in result.stdout
    assert shell(script, as_in_the_guide, BASELINE="nowhere").returncode == 2


@pytest.mark.slow
@pytest.mark.models
def test_the_workflow_measures_and_gates_a_real_model(tmp_path: Path) -> None:
    """Every step of the guide's example but the installation, on two problems."""
    steps = workflow_steps()
    assert steps["install"]["run"].startswith("pip install")
    measure = steps["measure the candidate"]["run"].replace("--limit 164", "--limit 2")
    assert "--limit 2" in measure
    measure = measure.rstrip() + " sampling.max_new_tokens=24"
    result = shell(measure, tmp_path, CANDIDATE=MODEL)
    assert result.returncode == 0, result.stdout + result.stderr
    shutil.copytree(tmp_path / "runs" / "candidate", tmp_path / "baselines" / "released")
    gate = steps["gate"]["run"]
    undecided = shell(gate, tmp_path, BASELINE="baselines/released")
    assert undecided.returncode == 1, undecided.stdout + undecided.stderr  # two tasks show nothing
    assert "2 of 2 gates: undecided" in undecided.stdout
    passing = shell(
        gate.replace("--undecided fail", "--gate-by estimate"),
        tmp_path,
        BASELINE="baselines/released",
    )
    assert passing.returncode == 0, passing.stdout + passing.stderr
    listed = shell("overproof ls && overproof show runs/candidate", tmp_path)
    assert "finished" in listed.stdout
    assert MODEL in listed.stdout
