"""Make docs/images/report*.png from a real run.

    python tools/report_images.py                 the rows of studies/, about 2 minutes
    python tools/report_images.py runs/demo       the report of a run folder
    python tools/report_images.py --out somewhere

Of the study studies/perturbed-qwen-0.5b the answers and verdicts are kept; the prompts are made and
certified again, which gives the same keys, and the scores are measured again. Needs chromium and
playwright, and HumanEval in the cache.
"""

import argparse
import gzip
import shutil
import sys
import tempfile
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, TypeVar

from overproof.measure.scores import measure
from overproof.perturbation.presets import expand
from overproof.recipe import dump_recipe, load_recipe
from overproof.records import Outcome, Sample, decode_row
from overproof.report.html import write_report
from overproof.suites import load_suites
from overproof.suites.multicode.perturbing import perturb_all

ROOT = Path(__file__).parent.parent
STUDY = ROOT / "studies" / "perturbed-qwen-0.5b"
ATTACK = ROOT / "studies" / "attack-qwen-0.5b" / "attack.json"
IMAGES = ROOT / "docs" / "images"
FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
MODEL = "qwen2.5-coder-0.5b-instruct"
BROKEN = "broken: passed as published"
Row = TypeVar("Row")


def main() -> None:
    """Write the report if there is none yet, and take the pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", nargs="?", type=Path, help="A run folder; by default the study.")
    parser.add_argument("--out", type=Path, default=IMAGES)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.run or study_report(Path(scratch))
        options.out.mkdir(parents=True, exist_ok=True)
        for path in take(folder / "report.html", options.out):
            print(path)


def study_report(folder: Path) -> Path:
    """Write the report of the study into a folder, its attack included; return the folder."""
    recipe = load_recipe(str(STUDY / "recipe.yaml"), ())
    problems = load_suites(recipe.suites.names, recipe.suites.problems)
    operators = ("null", *expand(recipe.perturb.operators))
    made = perturb_all(problems, operators, range(recipe.perturb.seeds), limits=recipe.limits)
    samples = read_rows("samples.jsonl.gz", Sample)
    judged = read_rows("outcomes.jsonl.gz", Outcome)
    outcomes = [replace(row, key=row.sample or row.key) for row in judged]
    known = {variant.key for variant in made.variants}
    if lost := sum(sample.variant not in known for sample in samples):
        sys.exit(f"{lost} of {len(samples)} samples are of other prompts than are made today")
    shutil.copy(ATTACK, folder)
    command = f"overproof eval --model {MODEL} --engine ctranslate2 --operators quick --seeds 5"
    own = samples[0]
    model = {"name": MODEL, "engine": own.engine, "precision": own.precision, "size_bytes": None}
    write_report(
        folder,
        f"{MODEL}, perturbed",
        dump_recipe(recipe),
        {"command": command, "models": [model]},
        problems,
        made.variants,
        samples,
        outcomes,
        measure(problems, made.variants, samples, outcomes, models=[MODEL]),
        [],
        {"Operators": [asdict(row) for row in made.yields]},
    )
    return folder


def read_rows(name: str, kind: type[Row]) -> list[Row]:
    """Return the rows of one of the study's files."""
    with gzip.open(STUDY / name) as lines:
        return [decode_row(line, kind) for line in lines]


def take(report: Path, out: Path) -> list[Path]:
    """Take the pictures of a report: its top, its samples, both in dark, and on a phone."""
    from playwright.sync_api import sync_playwright

    executable = shutil.which("chromium") or sys.exit("chromium is not installed")
    taken = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=FLAGS)
        for suffix, width, scheme in (("", 1100, "light"), ("-dark", 1100, "dark")):
            page = visit(browser, report, width, scheme)
            taken.append(shot(page, out / f"report{suffix}.png"))
            if not suffix:
                page.set_viewport_size({"width": 1320, "height": 900})
                choose_broken(page)
                page.locator(".browser-section").scroll_into_view_if_needed()
                path = out / "report-browser.png"
                page.locator(".browser-section").screenshot(path=path)
                taken.append(path)
        page = visit(browser, report, 390, "light")
        taken.append(shot(page, out / "report-phone.png"))
        browser.close()
    return taken


def visit(browser: Any, report: Path, width: int, scheme: str) -> Any:
    """Return the opened report."""
    viewport = {"width": width, "height": 1150 if width > 400 else 840}
    page = browser.new_page(viewport=viewport, color_scheme=scheme)
    page.goto(report.resolve().as_uri())
    page.wait_for_selector("body[data-browser=ready]", state="attached")
    return page


def shot(page: Any, path: Path) -> Path:
    """Take what is on the screen."""
    page.screenshot(path=path)
    return path


def choose_broken(page: Any) -> None:
    """Show a sample that a perturbation broke, if there is one, else the first."""
    page.locator("#filter-status").select_option(label=BROKEN)
    operators = page.locator("#filter-operator option").all_inner_texts()
    if "misleading hint" in operators:
        page.locator("#filter-operator").select_option(label="misleading hint")
    if page.locator("#list button").count() == 0:
        page.locator("#reset").click()
    page.locator("#list button").first.click()


if __name__ == "__main__":
    main()
