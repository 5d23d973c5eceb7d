"""The check of the pages finds what is wrong, and nothing in what is right."""

from pathlib import Path
from typing import Any

import pytest

FENCE = "```"


def findings(pages: Any, folder: Path, text: str) -> list[str]:
    page = folder / "page.md"
    page.write_text(text)
    return list(pages.check.check_page(page))


def fenced(language: str, text: str) -> str:
    return f"{FENCE}{language}\n{text}\n{FENCE}\n"


@pytest.mark.parametrize(
    "text",
    [
        "# A title\n\n[it](#a-title), [other](https://example.com/x#y), [me](page.md#a-title).\n",
        fenced("sh", "overproof run demo distill.steps=3 --out runs/x  # a remark, with 'quotes'"),
        fenced(
            "sh", ".venv/bin/overproof eval --model MODEL \\\n  --operators quick,null | tee log"
        ),
        fenced("sh", "cat > a <<'END'\noverproof no-such\nEND\nmake check SECONDS=3"),
        fenced("console", "$ overproof ls\noverproof: this is what it says"),
        fenced("python", ">>> 1 + 1\n2"),
        fenced("yaml", "distill: {steps: 3}"),
        fenced("json", '{"a": 1}\n{"a": 2}'),
        fenced("text", "overproof frobnicate"),
        "Say `overproof eval`, or `overproof perturb --preset recode …`.\n",
        fenced("sh", 'overproof compare A B --gate "pass@1 >= -0.02"'),
        fenced("sh", "pip install 'overproof[languages]'"),
    ],
)
def test_what_is_right_is_left_alone(text: str, pages: Any, tmp_path: Path) -> None:
    assert findings(pages, tmp_path, text) == []


@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        ("# A\n\n[x](nowhere.md)\n", 3, "nowhere.md leads nowhere"),
        ("# A\n\n[x](#b)\n", 3, "no heading #b"),
        ("# A\n\ntext\n![x](y.png)\n", 4, "y.png leads nowhere"),
        (fenced("sh", "overproof frobnicate"), 2, "frobnicate"),
        (fenced("sh", "overproof eval --modle x"), 2, "--modle"),
        (fenced("sh", "overproof export SOME"), 2, "--out"),
        (fenced("sh", "overproof eval --model x --limit few"), 2, "few"),
        (fenced("sh", "overproof serve x --quantise q3"), 2, "q3"),
        (fenced("sh", "overproof run demo distill.stps=3"), 2, "distill.steps"),
        (fenced("sh", "overproof run demo distill.steps=many"), 2, "distill.steps"),
        (fenced("sh", "overproof run dmeo"), 2, "demo"),
        (fenced("sh", "overproof eval --model MODEL --operators nul"), 2, "null"),
        (fenced("sh", "overproof eval --model MODEL --suite humanevil"), 2, "humaneval"),
        (fenced("sh", "overproof eval --model smollm-135m"), 2, "smollm2"),
        (fenced("sh", "overproof compare A B --gate 'pass1 > 2'"), 2, "pass1"),
        (fenced("sh", "true && make no-such"), 2, "no-such"),
        (fenced("sh", "python benchmarks/none.py"), 2, "benchmarks/none.py"),
        (fenced("sh", "pip install 'overproof[nothing]'"), 2, "nothing"),
        (fenced("sh", "overproof score 'open"), 2, "quotation"),
        ("    overproof score a b\n", 1, "unexpected extra argument"),
        ("Say `overproof eval --modle`.\n", 1, "--modle"),
        (fenced("python", "x = (1"), 2, "does not parse"),
        (fenced("python", ">>> 1 + 1\n3"), 2, "not true"),
        (fenced("yaml", "distill: {stps: 3}"), 2, "distill.steps"),
        (fenced("yaml", "on: push\njobs:\n  - run: overproof frobnicate"), 2, "frobnicate"),
        (fenced("json", '{"a": 1'), 2, "cannot be read"),
    ],
)
def test_what_is_wrong_is_found(
    text: str, line: int, what: str, pages: Any, tmp_path: Path
) -> None:
    found = findings(pages, tmp_path, text)
    assert len(found) == 1, found
    assert f":{line}: " in found[0]
    assert what in found[0]


def test_the_same_heading_twice_has_two_anchors(pages: Any, tmp_path: Path) -> None:
    text = "# A `b`\n\n# A b\n\n[x](#a-b) [y](#a-b-1) [z](#a-b-2)\n"
    assert len(findings(pages, tmp_path, text)) == 1


def test_all_pages_are_found(pages: Any) -> None:
    root = Path(__file__).parents[2]
    names = {str(path.relative_to(root)) for path in pages.check.all_pages(root)}
    assert {"README.md", "docs/index.md", "docs/tutorial.md", "dev/LOG.md"} <= names
