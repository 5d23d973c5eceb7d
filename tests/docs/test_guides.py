"""The commands of the guides and of the README: run where that takes seconds, and counted.

`QUICK` are command lines as the pages have them, run in a folder with small runs made from rows.
The guides to operators and languages are followed whole. Which commands are run nowhere here but
only parsed (by tools/docs_check.py), and why, is `PARSED`; a page that shows a command of neither
kind fails `test_every_command_of_the_pages_is_run_or_listed`.
"""

import shlex
import shutil
import site
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from overproof.cli import main
from overproof.records import Status

ROOT = Path(__file__).parents[2]
QUICK = (
    "overproof doctor",
    "overproof models list",
    "overproof recipes demo > mine.yaml",
    "overproof operators list",
    "overproof operators show synonym_substitution --task HumanEval/0",
    "overproof suite list",
    "overproof suite formats",
    "overproof suite export humaneval --to evalplus --out problems.jsonl",
    "overproof pairs mine stdlib --limit 20 --out pairs.jsonl",
    "overproof perturb --suite ./problems.jsonl --operators keyboard_typos,camel_case --seeds 1 "
    "--out variants.jsonl",
    "overproof perturb --operators keyboard_typos,camel_case --limit 3 --seeds 1 --diff",
    "overproof compare runs/baseline runs/candidate",
    "overproof compare runs/both --model old --model new --by operator",
    "overproof ls",
    "overproof ls runs --json",
    "overproof show runs/candidate",
    "overproof show runs/candidate --json",
    "overproof convert runs/eval-qwen2.5-coder-0.5b-instruct --to evalplus --out samples.jsonl",
    "overproof completion bash",
    "overproof init --task distil --model qwen2.5-coder-1.5b-instruct "
    "--model qwen2.5-coder-0.5b-instruct --data stdlib",
)
PARSED = {
    "attack": "a search takes minutes; tests/core and tests/perturbation have it at small size",
    "bench": "times models; tests/bench",
    "distill": "trains; tests/distillation, and `run` in the tutorial",
    "scale lead": "shares work; tests/scale",
    "scale pull": "needs a bucket; tests/scale",
    "scale push": "needs a bucket; tests/scale",
    "scale rank": "shares work; tests/scale",
    "scale submit": "needs a scheduler; tests/scale",
    "selftest sandbox": "a thousand attacks; tests/sandbox",
    "serve": "runs until it is stopped; tests/ship",
}
"""Commands that the pages show and no test of the pages runs: why, and what does."""
RUNS = {
    "baseline": ["old"],
    "candidate": ["new"],
    "both": ["old", "new"],
    "eval-qwen2.5-coder-0.5b-instruct": ["qwen2.5-coder-0.5b-instruct"],
}
PROBLEM = (
    '{"task_id": "mine/0", "prompt": "def add(a, b):\\n    \\"\\"\\"Sum.\\"\\"\\"\\n", '
    '"entry_point": "add", "canonical_solution": "    return a + b\\n", '
    '"test": "def check(candidate):\\n    assert candidate(2, 3) == 5\\n"}'
)


def commands(pages: Any) -> Iterator[tuple[str, list[str]]]:
    """Yield (page, words) of every `overproof …` that the pages show on lines of its own."""
    for path in pages.check.all_pages(ROOT):
        if path.relative_to(ROOT).parts[0] in pages.check.DATED:
            continue
        for block in pages.check.read_page(path.read_text()).blocks:
            if pages.check.is_script(block):
                for words in pages.check.commands_in(block.text):
                    if words and Path(words[0]).name == "overproof":
                        yield str(path.relative_to(ROOT)), words


def name_of(words: list[str]) -> str:
    """Return which command it is, such as `suite export`."""
    found: Any = main
    names = []
    for word in words[1:]:
        child = getattr(found, "commands", {}).get(word)
        if child is None:
            break
        names.append(word)
        found = child
    return " ".join(names)


@pytest.fixture
def folder(tmp_path: Path, write_run: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder with the runs and files that the pages speak of; it is where we are."""

    def rule(model: str, operator: str, task: int, seed: int, index: int) -> Status:
        return "passed" if task % (3 if model == "new" else 2) else "wrong_answer"

    operators = {"nominal": 1, "null": 1, "keyboard_typos": 1}
    for name, models in RUNS.items():
        write_run(tmp_path / "runs" / name, rule, models=models, operators=operators)
    (tmp_path / "problems.jsonl").write_text(f"{PROBLEM}\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.models  # HumanEval lies beside the small model
@pytest.mark.parametrize("line", QUICK)
def test_a_quick_command_of_the_pages_runs(line: str, pages: Any, folder: Path) -> None:
    wanted = list(pages.check.commands_in(line))
    shown = [words for _, words in commands(pages)]
    spans = [
        words
        for path in pages.check.all_pages(ROOT)
        for span in pages.check.read_page(path.read_text()).spans
        if span.text.startswith("overproof ")
        for words in pages.check.commands_in(span.text)
    ]
    assert wanted[0] in [["overproof", *words[1:]] for words in (*shown, *spans)], "on no page"
    result = CliRunner().invoke(main, wanted[0][1:])
    assert result.exit_code == 0, result.output
    assert result.output


def test_every_command_of_the_pages_is_run_or_listed(pages: Any) -> None:
    followed = ("docs/tutorial.md", "docs/guides/add-operator.md", "docs/guides/add-language.md")
    shown = {name_of(words) for _, words in commands(pages)} - {""}
    run = {name_of(words) for page, words in commands(pages) if page in followed}
    run |= {name_of(shlex.split(line)) for line in QUICK}
    assert shown - run - PARSED.keys() == set()
    assert PARSED.keys() - shown == set()


@pytest.mark.models
def test_the_guide_to_operators_is_followed(pages: Any, tmp_path: Path) -> None:
    page = "guides/add-operator.md"
    module, test = pages.blocks(page, "python")
    (tmp_path / "my_operators.py").write_text(module.text)
    (tmp_path / "test_them.py").write_text(test.text)
    less = [("--limit 10", "--limit 1 sampling.max_new_tokens=8")]
    script = pages.text(page, "sh", less) + f"{shlex.quote(sys.executable)} test_them.py\n"
    said = pages.shell(script, tmp_path)
    table = pages.blocks(page, "text")[0].text
    assert [line.split() for line in table.splitlines()][1] in [
        line.split() for line in said.splitlines()
    ]


@pytest.mark.models
@pytest.mark.skipif(not shutil.which("lua5.4"), reason="the dialect is one of Lua")
def test_the_guide_to_languages_is_followed(pages: Any, tmp_path: Path) -> None:
    page = "guides/add-language.md"
    for name, language in (
        ("lua_strict.py", "python"),
        ("pyproject.toml", "toml"),
        ("samples.jsonl", "json"),
    ):
        (tmp_path / name).write_text(pages.text(page, language))
    package, *others = pages.blocks(page, "sh")
    own = tmp_path / "own"
    pages.shell(f"{shlex.quote(sys.executable)} -m venv --without-pip {own}", tmp_path)
    packages = next(own.glob("lib/python*/site-packages"))
    (packages / "main.pth").write_text("\n".join((*site.getsitepackages(), str(ROOT / "src"))))
    target = (
        f"{sys.executable} -m pip install -q --no-deps --no-build-isolation --target {packages}"
    )
    changes = (("pip install", target), ("overproof score", f"{own}/bin/python -m overproof score"))
    script = package.text
    for before, after in changes:
        assert before in script
        script = script.replace(before, after)
    assert "1 of 2 samples passed" in pages.shell(script, tmp_path)
    export = [line for line in others[0].text.splitlines() if " suite export " in line]
    assert pages.shell(export[0], tmp_path)
