"""The tutorial, followed: every block in order, in one empty folder.

`test_the_tutorial_at_small_size` runs the same commands with smaller numbers and SmolLM2 as its
own teacher; each change is listed, and must still change something. The other test changes nothing
(it also needs the 0.5B). Both take minutes and are slow. Only parsed, by tools/docs_check.py:
`make setup` and `. .venv/bin/activate`, which made the environment that the tests run in.
"""

import re
from pathlib import Path
from typing import Any

import pytest

from overproof.fetch import is_fetched

NOT_RUN = (("make setup\n", ""), (". .venv/bin/activate\n", ""))
SMALLER = (
    (
        "--model qwen2.5-coder-0.5b-instruct --model smollm2-135m-instruct",
        "--model smollm2-135m-instruct",
    ),
    ("qwen2.5-coder-0.5b-instruct", "smollm2-135m-instruct"),
    ("--limit 8 --latency 4", "--limit 2 --latency 2"),
    ("--limit 8", "--limit 2"),
    ("--prompts 4", "--prompts 1"),
    ("--max-new-tokens 64", "--max-new-tokens 8"),
    ("--out runs/before", "--out runs/before sampling.max_new_tokens=16"),
    ("--out runs/after", "--out runs/after sampling.max_new_tokens=16"),
    ("problems: 8", "problems: 2"),
    ("limit: 16", "limit: 4"),
    ("steps: 20", "steps: 2"),
    ("held_out: 0.25", "held_out: 0"),
    ("batch_size: 4\n", "batch_size: 2\n"),
    ("max_new_tokens: 128", "max_new_tokens: 8"),
    ("max_new_tokens: 160", "max_new_tokens: 16"),
    ("[keyboard_typos, camel_case]", "[camel_case]"),
)


def follow(pages: Any, folder: Path, changes: tuple[tuple[str, str], ...]) -> str:
    """Do what the tutorial says in this folder; return all that was printed."""
    blocks = pages.blocks("tutorial.md", "sh", "yaml")
    whole = "".join(block.text for block in blocks)
    assert [before for before, _ in (*NOT_RUN, *changes) if before not in whole] == []
    said = []
    for block in blocks:
        text = block.text
        for before, after in (*NOT_RUN, *changes):
            text = text.replace(before, after)
        if block.language == "yaml":
            (folder / "first.yaml").write_text(text)
        else:
            said.append(pages.shell(text, folder, seconds=1800))
    return "\n".join(said)


def check_what_is_left(folder: Path, said: str) -> None:
    """Make sure that the tutorial's promises were kept."""
    assert "2 of 3 samples passed" in said
    assert re.search(r"\d+ certified variants", said)
    assert (folder / "verdicts.jsonl").read_text().count('"passed"') == 2
    for name in ("before", "first", "after"):
        assert (folder / "runs" / name / "report.html").is_file()
    assert len(list((folder / "shipped").glob("*-q8_0.gguf"))) == 1
    assert (folder / "shipped" / "README.md").is_file()
    assert "pass@1 >= -0.05" in said


@pytest.mark.models
@pytest.mark.slow
def test_the_tutorial_at_small_size(pages: Any, tmp_path: Path) -> None:
    check_what_is_left(tmp_path, follow(pages, tmp_path, SMALLER))


@pytest.mark.models
@pytest.mark.slow
def test_the_tutorial_as_it_is_written(pages: Any, tmp_path: Path) -> None:
    if not is_fetched("qwen2.5-coder-0.5b-instruct"):
        pytest.skip("overproof models fetch qwen2.5-coder-0.5b-instruct")
    check_what_is_left(tmp_path, follow(pages, tmp_path, ()))
