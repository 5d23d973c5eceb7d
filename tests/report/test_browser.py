"""The report in a real browser: the samples, the keyboard, hostile text, accessibility."""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from overproof.report.html import write_report

pytest.importorskip("playwright", reason="playwright is not installed")
CHROMIUM = shutil.which("chromium")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
ROOT = Path(__file__).parents[2]
LONG = 2**20
HOSTILE = {
    "script": "</script><script>document.title = 'owned'</script>",
    "image": '"><img src=x onerror="document.title=`owned`">',
    "comment": "<!--<script>document.title = 'owned'//",
    "control": "a\x00b\x1b[2Jc\x7fd\u2028e\ud800f",
    "right to left": "if admin \u202e{ esrever\u2066 }\u200f: pass",
    "one line": "x" * LONG,
    "many words": "word " * (LONG // 5),
    "entity": "&lt;b&gt; &amp; {{ 7*7 }} ${7*7}",
}


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


def write(trial: Any, folder: Path, **changes: Any) -> Path:
    rows = {
        name: getattr(trial, name)
        for name in ("manifest", "problems", "variants", "samples", "outcomes", "scores")
    }
    rows |= {"timings": trial.timings, "notes": trial.notes, "recipe_yaml": trial.recipe}
    return write_report(folder, **{"title": "Trial", **rows, **changes})


@pytest.fixture(scope="module")
def report(trial: Any, claims: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(trial, tmp_path_factory.mktemp("browser"), claims=claims)


@pytest.fixture
def visit(chromium: Any) -> Iterator[Any]:
    """Open a page in a new profile; what it asks for and complains of is in lists."""
    contexts = []

    def opened(path: Path, fragment: str = "", **settings: Any) -> Any:
        context = chromium.new_context(**settings)
        contexts.append(context)
        page = context.new_page()
        page.requests, page.problems = [], []
        page.on("request", lambda request: page.requests.append(request.url))
        page.on("pageerror", lambda error: page.problems.append(str(error)))
        page.on("console", lambda line: page.problems.append(line.text))
        page.goto(path.as_uri() + fragment)
        page.wait_for_selector("body[data-browser=ready]", state="attached")
        return page

    yield opened
    for context in contexts:
        context.close()


def statuses(trial: Any) -> dict[str, str]:
    return {outcome.key: outcome.status for outcome in trial.outcomes}


def test_filters_count_what_the_rows_say(visit: Any, report: Path, trial: Any) -> None:
    page, status, total = visit(report), statuses(trial), f"{len(trial.samples):,}"
    rows = [s for s in trial.samples if (s.model, s.operator) == ("distilled", "dead_code")]
    failed = [sample for sample in rows if status[sample.key] != "passed"]
    page.locator("#filter-model").select_option(label="distilled")
    page.locator("#filter-operator").select_option(label="dead code")
    page.locator("#filter-status").select_option(label="not passed")
    assert page.locator("#count").inner_text() == f"{len(failed)} of {total} samples"
    nominal = {
        s.task_id: status[s.key]
        for s in trial.samples
        if (s.model, s.operator) == ("distilled", "nominal")
    }
    broken = [
        s
        for s in failed
        if nominal[s.task_id] == "passed" and status[s.key] not in ("harness_error", "missing_tool")
    ]
    assert broken
    page.locator("#filter-status").select_option(label="broken: passed as published")
    assert page.locator("#count").inner_text() == f"{len(broken)} of {total} samples"
    page.get_by_role("button", name="Clear").click()
    assert page.locator("#count").inner_text() == f"{total} of {total} samples"
    assert page.locator("#filter-language").is_hidden()
    assert page.problems == []


def test_the_search_looks_into_prompts_answers_and_errors(
    visit: Any, report: Path, trial: Any
) -> None:
    page, total = visit(report), f"{len(trial.samples):,}"
    wanted = {
        "LEFT - RIGHT": sum("left - right" in s.completion for s in trial.samples),
        "left - right now": 0,
        "left -": sum("left -" in s.completion or "left ->" in s.completion for s in trial.samples),
        "add(2, 3) == 5": sum("add(2, 3) == 5" in o.detail for o in trial.outcomes),
        "HumanEval/7": sum(s.task_id == "HumanEval/7" for s in trial.samples),
        "add_7(left": sum(s.task_id == "HumanEval/7" for s in trial.samples),
    }
    assert wanted["LEFT - RIGHT"] and wanted["add(2, 3) == 5"]
    for text, count in wanted.items():
        page.locator("#filter-text").fill(text)
        page.wait_for_function(
            "text => document.getElementById('count').textContent === text",
            arg=f"{count:,} of {total} samples",
            timeout=5000,
        )


def test_a_link_opens_its_sample_and_the_arrows_go_on(visit: Any, report: Path, trial: Any) -> None:
    status = statuses(trial)
    linked = next(
        s
        for s in trial.samples
        if (s.model, s.operator) == ("distilled", "dead_code") and status[s.key] == "wrong_answer"
    )
    page = visit(report, f"#sample={linked.key[:16]}")
    panel = page.locator("#sample")
    assert panel.locator("h3").inner_text() == f"{linked.task_id} · distilled"
    assert "AssertionError: add(2, 3) == 5" in panel.inner_text()
    assert panel.locator("del").inner_text() == "whole"
    assert panel.locator("ins").count() == 1
    assert panel.locator(".keyword").first.inner_text() == "return"
    panel.locator("summary", has_text="Tests").click()
    assert "def check(candidate)" in panel.inner_text()
    assert "12 tokens" in panel.inner_text() and "stopped by itself" in panel.inner_text()
    page.locator("#list button").first.click()
    page.keyboard.press("ArrowDown")
    second = page.locator("#list button").nth(1)
    assert second.get_attribute("aria-current") == "true"
    assert page.evaluate("document.activeElement.dataset.row") == second.get_attribute("data-row")
    assert page.url.endswith(f"#sample={trial.samples[1].key[:16]}")
    page.evaluate(f"location.hash = '#sample={linked.key[:16]}'")
    page.wait_for_function(
        "text => document.querySelector('#sample h3').textContent === text",
        arg=f"{linked.task_id} · distilled",
    )
    # The list is one stop for Tab, whatever its length.
    assert page.locator("#list [tabindex='0']").count() == 1
    assert page.locator("#said").inner_text().startswith(trial.samples[1].task_id)


def test_more_than_a_page_of_samples_can_be_reached(visit: Any, report: Path, trial: Any) -> None:
    page = visit(report)
    assert page.locator("#list li").count() == 61
    page.locator("#list .more").click()
    assert page.locator("#list li").count() == 121
    assert page.evaluate("document.activeElement.dataset.row") == "60"
    assert f"{len(trial.samples) - 120:,} more" in page.locator("#list .more").inner_text()


def test_nothing_is_asked_of_anyone(visit: Any, report: Path) -> None:
    page = visit(report)
    for button in page.locator("#sample button").all()[:3]:
        button.click()
    assert page.requests == [report.as_uri()]
    # The policy holds even against the page's own console.
    blocked = page.evaluate("fetch('data:text/plain,x').then(() => 'fetched', () => 'blocked')")
    assert blocked == "blocked"


@pytest.fixture(scope="module")
def hostile(single: Any, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """A report with one sample per hostile text, in prompt, answer and error; and their links."""
    operators = {variant.key: variant.operator for variant in single.variants}
    chosen = [s for s in single.samples if operators[s.variant] == "swap_characters"]
    texts = dict(zip([sample.key for sample in chosen], HOSTILE.values(), strict=False))
    assert len(texts) == len(HOSTILE)
    prompts = {sample.variant: texts.get(sample.key, "") for sample in chosen}
    path = write(
        single,
        tmp_path_factory.mktemp("hostile"),
        samples=[replace(s, completion=texts.get(s.key, s.completion)) for s in single.samples],
        variants=[replace(v, prompt=v.prompt + prompts.get(v.key, "")) for v in single.variants],
        outcomes=[replace(o, detail=texts.get(o.key, o.detail)) for o in single.outcomes],
    )
    links = {kind: f"#sample={key[:16]}" for kind, key in zip(HOSTILE, texts, strict=True)}
    return path, links


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_text_is_shown_and_never_run(
    visit: Any, hostile: tuple[Path, dict[str, str]], kind: str
) -> None:
    path, links = hostile
    text = HOSTILE[kind]
    page = visit(path, links[kind])
    assert page.title() == "Trial" and page.problems == []
    assert page.locator("img").count() == 0
    assert page.evaluate("document.scripts.length") == 1  # the data are gone once they are read
    folded = page.locator("#sample button", has_text="Show all")
    while folded.count():
        folded.first.click()
    shown = page.locator("#sample pre[aria-label=Completion]").inner_text()
    hidden = re.sub(
        "[\x00-\x08\x0b-\x1f\x7f\u200f\u2028\u202e\u2066\ud800]",
        lambda found: f"⟨U+{ord(found[0]):04X}⟩",
        text,
    )
    assert shown.split() == hidden.split()
    unseen = page.locator("#sample pre[aria-label=Completion] .unseen").count()
    assert unseen == hidden.count("⟨U+") if kind in ("control", "right to left") else unseen == 0


AXE = "axe_playwright_python"


SLOW = pytest.mark.slow


@pytest.mark.parametrize(
    ("scheme", "width"),
    [
        ("light", 1280),
        ("dark", 390),
        pytest.param("dark", 1280, marks=SLOW),
        pytest.param("light", 390, marks=SLOW),
    ],
)
def test_axe_finds_nothing(visit: Any, report: Path, scheme: str, width: int) -> None:
    pytest.importorskip(AXE, reason="axe-playwright-python is not installed")
    page = visit(report, color_scheme=scheme, viewport={"width": width, "height": 900})
    page.locator("#list button").nth(30).click()
    page.evaluate("for (const one of document.querySelectorAll('details')) one.open = true")
    page.evaluate(resources.files(AXE).joinpath("axe.min.js").read_text())
    found = page.evaluate("axe.run()")
    told = [
        (item["id"], item["impact"], node["html"][:120])
        for item in found["violations"]
        for node in item["nodes"]
    ]
    assert told == []
    assert len(found["passes"]) > 20
    # Nothing hangs over the side of a phone; wide tables scroll in boxes of their own.
    assert page.evaluate("document.documentElement.scrollWidth") == width


def test_print_opens_what_is_folded_and_leaves_the_browser_out(visit: Any, report: Path) -> None:
    page = visit(report)
    folded = page.locator("main > section details:not([open])").count()
    assert folded > 3
    page.emulate_media(media="print")
    assert page.locator("#browser").is_hidden() and page.locator("nav").is_hidden()
    assert page.locator(".narrow").first.is_hidden() and page.locator(".wide").first.is_visible()
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.locator("main > section details:not([open])").count() == 0
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.locator("main > section details:not([open])").count() == folded
    assert page.pdf()[:5] == b"%PDF-"


@pytest.mark.parametrize(
    ("language", "text", "pieces"),
    [
        ("python", "x = 1  # no 'string'\n", [("1", "number"), ("# no 'string'", "comment")]),
        ("python", '"""a\n# b"""', [('"""a\n# b"""', "string")]),
        (
            "javascript",
            "// if\nlet a = `x`",
            [("// if", "comment"), ("let", "keyword"), ("`x`", "string")],
        ),
        ("rust", "fn f<'a>(x: &'a str)", [("fn", "keyword")]),
        (
            "lua",
            "-- c\nlocal s = [[a]]",
            [("-- c", "comment"), ("local", "keyword"), ("[[a]]", "string")],
        ),
        ("fortran", "return 'open", [("return", "keyword"), ("'open", "string")]),
    ],
)
def test_highlighting_loses_nothing(
    chromium: Any, language: str, text: str, pieces: list[tuple[str, str]]
) -> None:
    from overproof.report.html import asset

    page = chromium.new_page()
    source = f"(text, language) => {{ {asset('highlight.js')}; return highlight(text, language); }}"
    found = page.evaluate(f"([text, language]) => ({source})(text, language)", [text, language])
    page.close()
    assert "".join(piece for piece, _ in found) == text
    assert [tuple(one) for one in found if one[1]] == pieces


@pytest.mark.slow
def test_fifty_thousand_samples_open_and_filter_at_once() -> None:
    """By the time of the page's thread: other work on the machine is no fault of the report."""
    command = [sys.executable, "benchmarks/report_size.py", "--check", "thread"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
