"""From lessons to token rows: spans, twins, weights, and signals of both kinds of teacher."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from overproof.distillation.examples import (
    Tokenizers,
    build_examples,
    direct_signal,
    perturbed_prompts,
    text_signal,
)
from overproof.distillation.heldout import hold_out, per_token, summarise
from overproof.engines.generate import form_for
from overproof.engines.prepare import load_tokenizer
from overproof.engines.sparse import ABSENT, keep_top_k
from overproof.models import resolve_model
from overproof.pairs.files import make_pair
from overproof.recipe import DistillConfig
from overproof.records import Lesson, Pair, View
from overproof.teach.cache import save_logits
from overproof.teach.views import code_target

CONFIG = DistillConfig(syntax_gamma=1.0, robust_draws=3)
PAIR = make_pair(
    "Return the larger of two whole numbers, whichever it is.",
    "def larger(a, b):\n    if a > b:\n        return a\n    return b\n",
)


def lesson(tokenizer: Any, view: View, material: str, target: str) -> Lesson:
    gold = tokenizer.encode(target, add_special_tokens=False)
    rows = np.random.default_rng(len(target)).normal(size=(len(gold), len(tokenizer)))
    key = f"{len(target):032x}"
    save_logits(key, keep_top_k(rows, gold, 8))
    return Lesson(
        key=key,
        pair=PAIR.key,
        view=view,
        material=(material,),
        target=target,
        author="human",
        tokens=len(gold),
        captured_mass=0.5,
    )


@pytest.mark.models
def test_an_example_holds_its_lesson(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = resolve_model("smollm2-135m-instruct")
    loaded = load_tokenizer(source)
    form = form_for(source, "brief")
    monkeypatch.setenv("OVERPROOF_HOME", str(tmp_path))
    lessons = [
        lesson(loaded, "text_to_code", PAIR.prompt, code_target(PAIR.body)),
        lesson(loaded, "code_to_text", PAIR.code, PAIR.text),
    ]
    tokenizers = Tokenizers(loaded, loaded)
    code, text = build_examples(lessons, [PAIR], tokenizers, form, CONFIG, 0)
    for example, told in zip((code, text), lessons, strict=True):
        assert loaded.decode(example.signal.token_ids) == told.target
        inside = loaded.decode(example.clean[slice(*example.span)])
        assert told.material[0].strip() in inside
        assert len(inside) < len(told.material[0]) + 20
        assert example.weights.mean() == pytest.approx(1)
    assert code.weights.max() > code.weights.min()  # structure weighs more
    assert text.weights.max() == text.weights.min()  # prose has none
    assert len({tuple(twin) for twin in (code.clean, *code.twins)}) == 1 + CONFIG.robust_draws
    assert not text.twins
    again = list(build_examples(lessons, [PAIR], tokenizers, form, CONFIG, 0))
    assert [twin for one in again for twin in one.twins] == code.twins
    off = dataclasses.replace(CONFIG, robust_weight=0.0)
    assert not next(build_examples(lessons, [PAIR], tokenizers, form, off, 0)).twins


def test_twins_keep_the_entry_point_and_follow_the_seed() -> None:
    operators = ("keyboard_typos", "camel_case", "docstring_to_comments")
    found = perturbed_prompts(PAIR, operators, 6, seed=1)
    assert found == perturbed_prompts(PAIR, operators, 6, seed=1)
    assert found != perturbed_prompts(PAIR, operators, 6, seed=2)
    assert all("def larger(a, b):" in prompt and prompt != PAIR.prompt for prompt in found)
    assert perturbed_prompts(PAIR, ("camel_case",), 2, seed=0) == []  # renames the function
    assert perturbed_prompts(PAIR, (), 2, seed=0) == []


def test_ids_that_the_student_lacks_go_to_the_tail() -> None:
    gold = np.array([1, 2, 3])
    top = keep_top_k(np.random.default_rng(0).normal(size=(3, 40)), gold, 12)
    whole, cut = direct_signal(top), direct_signal(top, rows=20)
    assert (cut.ids < 20).all()
    assert (cut.ids == ABSENT).sum() == (whole.ids >= 20).sum() > 0
    for signal in (whole, cut):
        mass = np.exp(signal.logprobs).sum(axis=1) + np.exp(signal.tail)
        assert mass == pytest.approx(np.ones(3), abs=2e-3)


def test_a_text_without_a_distribution_counts_as_text_only() -> None:
    signal = text_signal([5, 7])
    assert signal.token_ids.tolist() == [5, 7] == signal.ids[:, 0].tolist()
    assert not signal.direct.any()


def pairs(count: int) -> list[Pair]:
    return [dataclasses.replace(PAIR, key=f"{number:032x}") for number in range(count)]


def test_held_out_pairs_are_few_and_the_same_in_any_order() -> None:
    rows = pairs(100)
    chosen = hold_out(rows, 0.05, seed=0)
    assert len(chosen) == 5
    assert chosen == hold_out(rows[::-1], 0.05, seed=0) != hold_out(rows, 0.05, seed=1)
    assert len(hold_out(pairs(3), 0.05, seed=0)) == 1
    assert hold_out(pairs(1), 0.5, seed=0) == set() == hold_out(rows, 0.0, seed=0)


def test_the_fall_is_relative_to_the_start_and_its_interval_holds_it() -> None:
    before = [(float(number % 7 + 2), 4) for number in range(50)]
    after = [(value * 0.6, count) for value, count in before]
    found = summarise({0: {"clean": before}, 5: {"clean": after}, 9: {"clean": before}}, 5, 0)
    row = found["clean"]
    assert row["before"] == pytest.approx(per_token(before), abs=1e-5)
    assert row["fall"] == pytest.approx(0.4)
    assert row["low"] == pytest.approx(0.4) == pytest.approx(row["high"])
    assert row["n"] == 50


def test_a_few_lessons_give_no_interval() -> None:
    row = summarise({0: {"clean": [(2.0, 4)]}, 1: {"clean": [(1.0, 4)]}}, 1, 0)["clean"]
    assert (row["fall"], row["low"], row["high"]) == (0.5, None, None)
