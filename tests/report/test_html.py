"""The page is one file that fetches nothing, shows hostile text and runs none of it."""

import base64
import hashlib
import json
import re
import subprocess
import sys
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from overproof.errors import StorageError
from overproof.records import Outcome, Score
from overproof.report.html import write_report
from overproof.report.packing import apply_edit, unpack

HOSTILE = (
    "</script><script>document.title='owned'</script>"
    "<img src=x onerror=\"document.title='owned'\">&lt;!--]]>"
    "\u2028\x00\x1b[2J\u202e\ud800 {{ 7*7 }}"
)


class Page(HTMLParser):
    """Tags with their attributes, and the text of scripts and of the rest."""

    def __init__(self, source: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self.text = ""
        self._in_script = False
        self.feed(source)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._in_script = tag == "script"
        if self._in_script:
            self.scripts.append("")

    def handle_endtag(self, tag: str) -> None:
        self._in_script = False

    def handle_data(self, data: str) -> None:
        if self._in_script:
            self.scripts[-1] += data
        else:
            self.text += data


def write(trial: Any, folder: Path, **changes: Any) -> str:
    content = {
        "title": "Trial",
        "recipe_yaml": trial.recipe,
        "manifest": trial.manifest,
        "problems": trial.problems,
        "variants": trial.variants,
        "samples": trial.samples,
        "outcomes": trial.outcomes,
        "scores": trial.scores,
        "timings": trial.timings,
        "notes": trial.notes,
        **changes,
    }
    path = write_report(folder, **content)
    assert path == folder / "report.html"
    return path.read_text()


@pytest.fixture(scope="module")
def source(trial: Any, tmp_path_factory: pytest.TempPathFactory) -> str:
    return write(trial, tmp_path_factory.mktemp("report"))


@pytest.fixture(scope="module")
def page(source: str) -> Page:
    return Page(source)


@pytest.fixture(scope="module")
def hostile(single: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report in which every text that could come from outside is an attack."""
    folder = tmp_path_factory.mktemp("hostile")
    manifest = {**single.manifest, "command": HOSTILE, "machine": {HOSTILE: HOSTILE}}
    manifest["models"] = [
        {**single.manifest["models"][0], "label": HOSTILE, "engine": HOSTILE, "sha256": HOSTILE}
    ]
    samples = [replace(sample, completion=HOSTILE) for sample in single.samples]
    write(
        single,
        folder,
        title=HOSTILE,
        recipe_yaml=HOSTILE,
        manifest=manifest,
        problems=[replace(problem, suite=HOSTILE) for problem in single.problems],
        variants=[replace(v, prompt=HOSTILE, operator=HOSTILE) for v in single.variants],
        samples=samples,
        outcomes=[replace(outcome, detail=HOSTILE) for outcome in single.outcomes],
        scores=[
            replace(s, operator=HOSTILE) if s.operator == "new_lines" else s for s in single.scores
        ],
        notes={
            HOSTILE: [{"step": 1, HOSTILE: 0.5, "arm": HOSTILE}],
            "rows": [{HOSTILE: HOSTILE}],
            "map": {HOSTILE: HOSTILE},
            "text": HOSTILE,
        },
    )
    return folder / "report.html"


def test_nothing_is_fetched(page: Page, source: str) -> None:
    for tag, attributes in page.tags:
        assert tag not in ("link", "iframe", "object", "embed", "base", "img"), tag
        for name, value in attributes.items():
            assert name not in ("src", "xlink:href", "srcset", "action"), (tag, name, value)
            assert name != "href" or (value or "").startswith("#"), (tag, name, value)
            assert not name.startswith("on"), (tag, name)
    css = source[source.index("<style>") : source.index("</style>")]
    assert "@import" not in css and "url(" not in css


def test_the_policy_allows_the_pages_own_script_and_nothing_else(page: Page) -> None:
    policy = next(a["content"] for _, a in page.tags if a.get("http-equiv"))
    assert policy is not None and "default-src 'none'" in policy
    index, texts, script = page.scripts
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in policy
    assert "innerHTML" not in script and "eval(" not in script
    assert "samples" in unpack(index) and "prompts" in unpack(texts)


def test_the_browser_data_holds_every_sample_unchanged(page: Page, trial: Any) -> None:
    index, texts = (unpack(script) for script in page.scripts[:2])
    samples, variants = index["samples"], index["variants"]
    outcomes = {outcome.key: outcome for outcome in trial.outcomes}
    prompts = {variant.key: variant.prompt for variant in trial.variants}
    for name, column in samples.items():
        assert len(column) == len(trial.samples), name
    for row, sample in enumerate(trial.samples):
        variant, outcome = samples["variant"][row], outcomes[sample.key]
        place = (variants["task_id"][variant], variants["operator"][variant])
        assert (*place, variants["seed"][variant]) == (
            sample.task_id,
            sample.operator,
            sample.seed,
        )
        assert texts["completions"][samples["completion"][row]] == sample.completion
        assert texts["details"][samples["detail"][row]] == outcome.detail
        assert index["statuses"][samples["status"][row]] == outcome.status
        assert index["models"][samples["model"][row]].split(" ")[0] == sample.model
        nominal, prompt = variants["nominal"][variant], texts["prompts"][variant]
        assert variants["operator"][nominal] == "nominal"
        if not isinstance(prompt, str):
            prompt = apply_edit(texts["prompts"][nominal], prompt)
        assert prompt == prompts[sample.variant]
        test = texts["tests"][variants["task"][variant]]
        assert "def check" in test["test"] and test["language"] == "python"
    assert len(set(samples["key"])) == len(trial.samples)
    assert any(isinstance(prompt, list) for prompt in texts["prompts"])


def test_hostile_text_opens_no_tag_and_survives_in_the_data(hostile: Path) -> None:
    source = hostile.read_text()
    page = Page(source)
    assert len(page.scripts) == 3
    assert "img" not in {tag for tag, _ in page.tags}
    assert not [a for _, attributes in page.tags for a in attributes if a.startswith("on")]
    assert unpack(page.scripts[1])["completions"] == [HOSTILE]
    assert "⟨U+202E⟩" in page.text and "⟨U+D800⟩" in page.text and "{{ 7*7 }}" in page.text
    assert not re.search("[\x00-\x08\x0b-\x1f\u2028\u202e]", source)


def test_results_hold_every_score_and_are_strict_json(trial: Any, tmp_path: Path) -> None:
    write(trial, tmp_path, notes={"loss": [{"step": 0, "loss": float("nan")}]})

    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is not JSON")

    content = json.loads((tmp_path / "results.json").read_text(), parse_constant=refuse)
    assert [Score(**row) for row in content["scores"]] == trial.scores
    assert content["manifest"] == trial.manifest
    assert content["notes"]["loss"][0]["loss"] is None


def test_the_same_run_gives_the_same_bytes(trial: Any, tmp_path: Path, source: str) -> None:
    assert write(trial, tmp_path) == source


def test_ids_are_unique_and_every_picture_has_a_text(page: Page) -> None:
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    pictures = [attributes for tag, attributes in page.tags if tag == "svg"]
    assert len(pictures) == 8  # cost, flow, forest and the training curve, wide and narrow
    inside = [a for tag, a in page.tags if "aria-roledescription" in a]
    assert not inside  # a picture has one text, and no other
    assert all(a["role"] == "img" and len(a["aria-label"] or "") > 40 for a in pictures)


def test_pictures_take_their_colours_from_the_page(source: str) -> None:
    from overproof.report.pictures import FAINT, INK, SLOTS

    svg = "".join(re.findall(r"<svg.*?</svg>", source, re.DOTALL))
    for colour in (INK, FAINT, *SLOTS):
        assert colour not in svg.lower()
    for variable in ("--ink", "--model-0", "--model-1", "--model-2"):
        assert f'"var({variable})"' in svg
        assert source.count(f"{variable}: #") >= 2  # once for light, once for dark


@pytest.mark.parametrize(
    "gone",
    [
        {"timings": [], "notes": {}},
        {"scores": [], "samples": [], "outcomes": [], "timings": [], "notes": {}},
        {"problems": [], "variants": [], "samples": [], "outcomes": [], "scores": []},
    ],
)
def test_a_run_with_parts_missing_still_has_a_report(
    single: Any, tmp_path: Path, gone: dict[str, Any]
) -> None:
    if "scores" not in gone:
        speed = re.compile(r"(ms|_s|tokens|ratio|token|p90)$")
        gone = {**gone, "scores": [s for s in single.scores if not speed.search(s.metric)]}
    page = Page(write(single, tmp_path, **gone))
    assert "my-model" in page.text
    assert "time per output token" not in page.text
    assert ("What quality costs" in page.text) == bool(gone["scores"])


def test_models_come_in_the_order_of_the_manifest(trial: Any, tmp_path: Path) -> None:
    models = list(reversed(trial.manifest["models"]))
    text = Page(write(trial, tmp_path, manifest={**trial.manifest, "models": models})).text
    table = (
        text[text.index("tokens/ssize") :]
        if "tokens/ssize" in text
        else text[text.index("TPOT, ms") :]
    )
    assert table.index("distilled") < table.index("undistilled") < table.index("teacher")


def test_exclusions_and_mixed_engines_are_said(single: Any, tmp_path: Path, trial: Any) -> None:
    outcomes = [Outcome(key="x", task_id="t", status="harness_error"), *single.outcomes[1:]]
    ours = sum(outcome.status == "harness_error" for outcome in outcomes)
    text = Page(write(single, tmp_path, outcomes=outcomes)).text
    assert f"{ours} of {len(outcomes)} executions failed on our side" in text
    models = [dict(model) for model in trial.manifest["models"]]
    models[0]["precision"] = "bf16"
    text = Page(write(trial, tmp_path, manifest={"models": models})).text
    assert "different engines or precisions" in text and "xllamacpp · bf16" in text


def test_an_ablation_in_several_languages_has_its_sections(ablation: Any, tmp_path: Path) -> None:
    source = write(ablation, tmp_path)
    page = Page(source)
    headings = [a["id"] for tag, a in page.tags if tag == "h2" and "id" in a]
    assert headings == [
        "result",
        "flips",
        "ablation",
        "languages",
        "robustness",
        "differences",
        "samples",
        "notes",
        "reproduce",
    ]
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert "Training of kd+robust" in page.text and "4 languages: 31 problems" in page.text
    assert "Of 900 pairs 220 overlap" in page.text and "similar code" in page.text
    colours = {f"--model-{slot}" for slot in range(12)}
    assert all(f"var({colour})" in source for colour in colours)
    assert all(source.count(f"{colour}: #") == 2 for colour in colours)
    results = json.loads((tmp_path / "results.json").read_text())
    assert results["notes"]["Arms"][0]["arm"] == "sft"


def test_hostile_arms_languages_and_pairs_open_no_tag(ablation: Any, tmp_path: Path) -> None:
    name = HOSTILE
    arm = {
        "arm": name,
        "changes": {HOSTILE: HOSTILE},
        "seen": [HOSTILE],
        "heldout": {HOSTILE: {"before": 1.0, "after": 0.5}},
        "measured": {"0": {HOSTILE: [[1.0, 2]]}},
        "curve": [{"step": 1.0, HOSTILE: 1.0}],
    }
    removed = [dict.fromkeys(("name", "origin", "rule", "suite", "task_id", "evidence"), HOSTILE)]
    scores = [
        replace(
            row,
            model=name if row.model == "kd" else row.model,
            against=name if row.against == "kd" else row.against,
            suite=HOSTILE if row.suite.endswith("go") else row.suite,
            language=HOSTILE if row.language == "go" else row.language,
        )
        for row in ablation.scores
    ]
    models = [
        {**m, "name": name, "label": ""} if m["name"] == "kd" else m
        for m in ablation.manifest["models"]
    ]
    source = write(
        ablation,
        tmp_path,
        scores=scores,
        manifest={**ablation.manifest, "models": models},
        notes={"Arms": [arm], "Decontamination": {"removed": removed, HOSTILE: HOSTILE}},
    )
    page = Page(source)
    assert len(page.scripts) == 3 and "img" not in {tag for tag, _ in page.tags}
    assert not [a for _, attributes in page.tags for a in attributes if a.startswith("on")]
    assert not re.search("[\x00-\x08\x0b-\x1f\u2028\u202e]", source)


def test_a_folder_that_cannot_be_written_is_an_error_with_a_hint(
    single: Any, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="cannot write"):
        write(single, tmp_path / "file")


def test_importing_the_room_is_cheap() -> None:
    code = "import sys, overproof.report.html, overproof.report.terminal; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert not {"altair", "vl_convert", "jinja2", "torch", "scipy"} & set(done.stdout.split())
