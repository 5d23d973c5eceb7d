"""Problems that a teacher makes up: what is kept, what is not, and that they join the pairs."""

import dataclasses
import json
from pathlib import Path

import pytest

from overproof.catalog import ModelSource
from overproof.engines.generate import Contender, form_for
from overproof.errors import EngineError
from overproof.pairs.gather import join_own
from overproof.recipe import PairsConfig, Recipe
from overproof.records import OwnProblem, Pair, Problem, content_key
from overproof.sandbox import Limits, Pool
from overproof.store import RunFolder
from overproof.teach.lessons import make_up
from overproof.teach.problems import judged, own_pair
from overproof.teach.teacher import engine_of

GOOD = '''Here it is:
```python
def middle_of_three(a: int, b: int, c: int) -> int:
    """Return the middle one of three numbers, neither the least nor the largest.

    >>> middle_of_three(3, 1, 2)
    2
    >>> middle_of_three(9, 9, 4)
    9
    """
    return sorted((a, b, c))[1]
```
It sorts them.'''
WRONG = GOOD.replace("[1]", "[0]")
ONE_EXAMPLE = GOOD.replace("    >>> middle_of_three(9, 9, 4)\n    9\n", "")


def test_only_what_passes_its_own_examples_is_kept() -> None:
    answers = [GOOD, WRONG, ONE_EXAMPLE, "I would rather not.", GOOD.replace("[1]", "[")]
    places = [(f"key{number}", "pair") for number in range(len(answers))]
    with Pool(Limits()) as pool:
        rows = judged(places, answers, pool)
    assert [row.status for row in rows] == [
        "kept", "failed", "no_examples", "no_function", "no_function",
    ]  # fmt: skip
    assert "wrong_answer" in rows[1].detail
    pair = own_pair(rows[0], "teacher", "MIT")
    assert pair is not None
    assert (pair.name, pair.licence) == ("middle_of_three", "MIT")
    assert pair.origin == "teacher/key0:1"
    assert pair.body == "    return sorted((a, b, c))[1]\n"


def _table(folder: RunFolder, teacher: Contender, recipe: Recipe, pair: Pair, turn: int) -> None:
    """Let the run folder hold what the teacher has made up."""
    kind = form_for(teacher.source, recipe.models.form).kind
    how = (teacher.source.sha256, *engine_of(teacher.source, recipe.models), kind, recipe.seed)
    row = OwnProblem(
        key=content_key("own problem", how, turn, pair.key),
        pair=pair.key,
        answer=GOOD,
        status="kept",
    )
    folder.table("problems", OwnProblem).append([row])


@pytest.mark.models
def test_rows_that_are_there_are_not_asked_for_again(
    small: ModelSource, recipe: Recipe, pairs: list[Pair], tmp_path: Path
) -> None:
    teacher = Contender(name="teacher", source=small)
    config = dataclasses.replace(recipe.teach, own_problems=2)
    recipe = dataclasses.replace(recipe, teach=config)
    folder = RunFolder(tmp_path)
    for turn in range(2):  # one pair inspires twice
        _table(folder, teacher, recipe, pairs[0], turn)
    found = make_up(teacher, pairs[:1], recipe, folder)
    assert [pair.name for pair in found] == ["middle_of_three"] * 2
    assert make_up(teacher, [], recipe, folder) == []
    raw = dataclasses.replace(recipe, models=dataclasses.replace(recipe.models, form="raw"))
    with pytest.raises(EngineError, match="no chat template"):
        make_up(teacher, pairs[:1], raw, folder)


def test_copies_and_overlaps_are_left_out(pairs: list[Pair], tmp_path: Path) -> None:
    row = OwnProblem(key="key", pair="pair", answer=GOOD, status="kept")
    own = own_pair(row)
    assert own is not None
    folder = RunFolder(tmp_path)
    joined, note = join_own(pairs, [own, own, pairs[0]], [], PairsConfig(), folder)
    assert [pair.key for pair in joined] == [*(pair.key for pair in pairs), own.key]
    assert note["of these, copies"] == 2
    suite = Problem(
        task_id="S/0",
        prompt=own.prompt,
        canonical_solution=own.body,
        test="def check(f):\n    assert f(1, 2, 3) == 2\n",
        entry_point=own.name,
        suite="s",
    )
    joined, note = join_own(pairs, [own], [suite], PairsConfig(), folder)
    assert joined == pairs
    assert note["of these, overlapping with a suite"] == 1
    certificate = json.loads((tmp_path / "problems.certificate.json").read_text())
    assert certificate["removed"][0]["task_id"] == "S/0"
