"""Lessons, rounds and embeddings with a real teacher, SmolLM2-135M, which is its own student."""

import dataclasses
from pathlib import Path
from typing import Never

import numpy as np
import pytest

from overproof.catalog import ModelSource
from overproof.engines.generate import Contender, form_for
from overproof.engines.prepare import load_tokenizer
from overproof.errors import DataError, EngineError, RowError
from overproof.models import resolve_model
from overproof.recipe import Recipe
from overproof.records import Lesson, Pair, Solution, content_key
from overproof.store import RunFolder
from overproof.teach.cache import has_logits, load_logits, logits_path
from overproof.teach.embeddings import embed_pairs, vector_path
from overproof.teach.lessons import Taught, teach, teacher_form
from overproof.teach.rollouts import write_rollouts
from overproof.teach.views import lesson_prompt

pytestmark = pytest.mark.models

RIGHT = "    return max(a, b)\n"
WRONG = "    return min(a, b)\n"


@pytest.fixture
def teacher(small: ModelSource) -> Contender:
    return Contender(name="teacher", source=small)


@pytest.fixture
def no_model(monkeypatch: pytest.MonkeyPatch) -> None:
    def load(*_: object) -> Never:
        raise AssertionError("a model was loaded")

    monkeypatch.setattr("overproof.teach.teacher.load_engine", load)


def written(
    folder: RunFolder, teacher: Contender, pairs: list[Pair], recipe: Recipe, bodies: list[str]
) -> None:
    """Let the run folder hold what the teacher has answered, so that both verdicts come up."""
    models, tokens = recipe.models, recipe.teach.max_new_tokens
    kind = form_for(teacher.source, models.form).kind
    how = (models.engine, models.precision, kind, tokens)
    folder.table("solutions", Solution).append(
        Solution(
            key=content_key("solution", teacher.source.sha256, pair.key, how),
            pair=pair.key,
            completion=body,
            solution=pair.prompt + body,
            status="verified" if body == RIGHT else "failed",
            checks=2,
            detail="" if body == RIGHT else "wrong_answer: example 1 of 2, larger(2, 3): got 2",
        )
        for pair, body in zip(pairs, bodies, strict=True)
    )


def taught_of(folder: RunFolder, teacher: Contender, pairs: list[Pair], recipe: Recipe) -> Taught:
    written(folder, teacher, pairs, recipe, [RIGHT, WRONG][: len(pairs)])
    return teach(teacher, pairs, recipe, folder)


@pytest.fixture
def two(pairs: list[Pair]) -> list[Pair]:
    """A pair that the teacher solved, and one that it failed."""
    other = dataclasses.replace(pairs[0], key="other", prompt=pairs[0].prompt + "\n")
    return [pairs[0], other]


def test_every_view_has_its_lesson(
    two: list[Pair], recipe: Recipe, teacher: Contender, tmp_path: Path, cache: Path
) -> None:
    folder = RunFolder(tmp_path / "run")
    taught = taught_of(folder, teacher, two, recipe)
    solved, failed = two
    own = solved.body.rstrip() + "\n```"
    described = [
        (lesson.pair, lesson.view, lesson.author, lesson.verified) for lesson in taught.lessons
    ]
    assert described == [
        (solved.key, "text_to_code", "teacher", True),
        (solved.key, "code_to_text", "human", False),
        (solved.key, "fill_in_middle", "human", False),
        (failed.key, "text_to_code", "human", True),
        (failed.key, "code_to_text", "human", False),
        (failed.key, "repair", "human", True),
        (failed.key, "fill_in_middle", "human", False),
    ]
    by_view = {lesson.view: lesson for lesson in taught.lessons}
    assert taught.lessons[0].target == RIGHT.rstrip() + "\n```"
    assert by_view["text_to_code"].target == by_view["repair"].target == own
    assert by_view["repair"].material == (
        failed.prompt,
        failed.prompt + WRONG,
        "wrong_answer: example 1 of 2, larger(2, 3): got 2",
    )
    middle = by_view["fill_in_middle"]
    assert middle.material[0] + middle.target + middle.material[1] == failed.prompt + failed.body
    assert taught.counts["solution verified"] == taught.counts["solution failed"] == 1
    assert taught.counts["lessons repair"] == 1

    tokenizer = load_tokenizer(teacher.source)
    form = form_for(teacher.source, recipe.models.form)
    for lesson in taught.lessons:
        top = load_logits(lesson.key)
        assert top.token_ids.tolist() == tokenizer.encode(lesson.target, add_special_tokens=False)
        assert (top.ids == top.token_ids[:, None]).any(axis=1).all()
        assert 0.5 < lesson.captured_mass <= 1
        # the key of earlier versions: their signals are found again
        prompt = lesson_prompt(lesson.view, lesson.material, form)
        how = ("ctranslate2", "int8", 32)
        sha = teacher.source.sha256
        assert lesson.key == content_key("logits", sha, prompt, lesson.target, how)


def test_what_is_there_loads_no_model_in_any_run(
    two: list[Pair],
    recipe: Recipe,
    teacher: Contender,
    tmp_path: Path,
    cache: Path,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> None:
    first = taught_of(RunFolder(tmp_path / "run"), teacher, two, recipe)
    lost = first.lessons[0].key
    logits_path(lost).unlink()
    again = teach(teacher, two, recipe, RunFolder(tmp_path / "run"))
    assert again == first
    assert has_logits(lost)  # a cache that was emptied is filled again
    request.getfixturevalue("no_model")
    assert teach(teacher, two, recipe, RunFolder(tmp_path / "run")) == first
    assert taught_of(RunFolder(tmp_path / "another"), teacher, two, recipe) == first


def test_another_signal_has_another_key(
    two: list[Pair], recipe: Recipe, teacher: Contender, tmp_path: Path, cache: Path
) -> None:
    few = dataclasses.replace(recipe.teach, views=("code_to_text",), top_k=8)
    keys = set()
    for change in ({}, {"temperature": 2.0}, {"signal": "sampled"}):
        changed = dataclasses.replace(recipe, teach=dataclasses.replace(few, **change))
        folder = RunFolder(tmp_path / str(len(keys)))
        lesson = taught_of(folder, teacher, two[:1], changed).lessons[0]
        top = load_logits(lesson.key)
        assert top.sampled == (change.get("signal") == "sampled")
        assert top.ids.shape == (lesson.tokens, 8)
        keys.add(lesson.key)
    assert len(keys) == 3


def test_a_teacher_that_only_reads_writes_nothing(
    two: list[Pair], recipe: Recipe, teacher: Contender, tmp_path: Path, cache: Path
) -> None:
    views = ("text_to_code", "repair")
    reading = dataclasses.replace(recipe.teach, views=views, solutions=False)
    folder = RunFolder(tmp_path / "run")
    taught = teach(teacher, two, dataclasses.replace(recipe, teach=reading), folder)
    assert [(lesson.view, lesson.author) for lesson in taught.lessons] == [
        ("text_to_code", "human"),
        ("text_to_code", "human"),
    ]
    assert all(
        lesson.verified for lesson in taught.lessons
    )  # the pairs' own code passes its checks
    assert not folder.table("solutions", Solution).rows()


def test_targets_that_are_too_long_are_left_out(
    two: list[Pair], recipe: Recipe, teacher: Contender, tmp_path: Path, cache: Path
) -> None:
    short = dataclasses.replace(recipe.teach, views=("text_to_code",), max_target_tokens=2)
    changed = dataclasses.replace(recipe, teach=short)
    with pytest.raises(DataError, match="no pair is left"):
        taught_of(RunFolder(tmp_path / "run"), teacher, two, changed)


def test_a_server_is_no_teacher_by_messages(recipe: Recipe) -> None:
    served = Contender(name="teacher", source=resolve_model("http://127.0.0.1:8000/v1#coder"))
    forms = {
        form: dataclasses.replace(recipe, models=dataclasses.replace(recipe.models, form=form))
        for form in ("auto", "raw")
    }
    with pytest.raises(EngineError, match="reads text, not messages"):
        teacher_form(served, forms["auto"])
    assert teacher_form(served, forms["raw"]).kind == "raw"


# Rounds


def test_a_round_is_written_checked_read_and_resumed(
    two: list[Pair],
    recipe: Recipe,
    teacher: Contender,
    tmp_path: Path,
    cache: Path,
    request: pytest.FixtureRequest,
) -> None:
    student = Contender(name="student", source=teacher.source)
    models = dataclasses.replace(recipe.models, form="raw", precision="float32")
    raw = dataclasses.replace(recipe, models=models)
    for turn in range(1, 9):  # what is drawn depends on the machine's arithmetic, and may be empty
        folder = RunFolder(tmp_path / f"run{turn}")
        if one := write_rollouts(student, teacher, two, raw, folder, turn):
            break
    rows = {row.pair: row for row in folder.table("rollouts", Solution).rows()}
    assert set(rows) == {pair.key for pair in two}
    kept = [row for row in rows.values() if row.status != "no_code" and row.completion.strip()]
    assert one and {lesson.pair for lesson in one} == {row.pair for row in kept}
    for lesson in one:
        row = rows[lesson.pair]
        assert (lesson.view, lesson.author) == ("text_to_code", "student")
        assert lesson.verified == (row.status == "verified")
        assert row.checks == 2 or row.status == "failed"
        assert lesson.target.startswith(row.completion.removeprefix("\n").rstrip()[:10])
        assert not lesson.target.startswith("\n")
        assert lesson.target.endswith("\n```") == (not row.detail.startswith("cut off"))
        assert load_logits(lesson.key).token_ids.size == lesson.tokens
    write_rollouts(student, teacher, two, raw, folder, turn + 1)
    assert len(folder.table("rollouts", Solution)) == 2 * len(two)
    request.getfixturevalue("no_model")
    assert write_rollouts(student, teacher, two, raw, folder, turn) == one
    lessons: list[Lesson] = folder.table("lessons", Lesson).rows()
    assert {lesson.author for lesson in lessons} == {"student"}


# Embeddings


def test_text_and_code_are_embedded_once(
    two: list[Pair],
    recipe: Recipe,
    teacher: Contender,
    cache: Path,
    request: pytest.FixtureRequest,
) -> None:
    models = dataclasses.replace(recipe.models, engine="xllamacpp")
    changed = dataclasses.replace(recipe, models=models)
    vectors = embed_pairs(teacher, two, changed)
    assert set(vectors) == {pair.key for pair in two}
    text, code = vectors[two[0].key]
    assert text.shape == code.shape == (576,)
    assert text.dtype == np.float32
    assert not np.allclose(text, code)
    assert np.array_equal(vectors[two[1].key][0], text)  # the same text, the same file
    assert len(list(cache.rglob("*.npy"))) == 2
    request.getfixturevalue("no_model")
    again = embed_pairs(teacher, two, changed)
    assert all(np.array_equal(again[key][0], vectors[key][0]) for key in vectors)
    with pytest.raises(AssertionError, match="loaded"):
        embed_pairs(teacher, two, recipe)  # by other means, they are other vectors
    path = next(cache.rglob("*.npy"))
    assert path == vector_path(path.stem)
    path.write_bytes(path.read_bytes()[:-3])
    with pytest.raises(RowError, match="damaged"):
        embed_pairs(teacher, two, changed)
