"""Calls that a teacher writes, and what the pair's own code says that they return."""

import dataclasses
from pathlib import Path
from typing import Never

import pytest

from overproof.catalog import ModelSource
from overproof.engines.generate import Contender
from overproof.engines.prompts import PromptForm
from overproof.engines.protocol import Engine
from overproof.recipe import Recipe
from overproof.records import Checks, Pair, Solution, content_key
from overproof.sandbox import Limits, Pool
from overproof.store import RunFolder, Table
from overproof.teach.checks import find_checks, observe, read_calls
from overproof.teach.solutions import CUT_OFF, complaint, write_solutions

TEACHER = Contender(name="teacher", source=ModelSource(name="t", kind="folder", sha256="ab"))
FORM = PromptForm(kind="raw")


def never() -> Never:
    raise AssertionError("the teacher was asked")


def by_name(pairs: list[Pair]) -> dict[str, Pair]:
    return {pair.name: pair for pair in pairs}


@pytest.mark.parametrize(
    ("text", "calls"),
    [
        ("f(1)\nf(2)\nf(1)\n", ["f(1)", "f(2)"]),
        (">>> f('a', key=[1, {2: 3}])\n'b'", ["f('a', key=[1, {2: 3}])"]),
        ("print(f(1))\nassert f(-2) == 3, 'x'\nresult = f(None)", ["f(1)", "f(-2)", "f(None)"]),
        ("1. f(1)\n- f(2)\n# f(3)", ["f(2)"]),  # only what parses
        ("f(x)\nf(g(1))\nf(*[1])\nf(**{})\nf(1 + 1)\ng(1)\nf.f(1)\nf", []),
        ("f(open('/etc/passwd').read())\nf(lambda: 1)\nf(__import__('os'))", []),
        ("f('\\'\"\"\"\\n')\n", ["f('\\'\"\"\"\\n')"]),
        ("f(" * 500, []),
        ("f(1", []),
    ],
)
def test_only_calls_with_literals_are_read(text: str, calls: list[str]) -> None:
    assert read_calls(text, "f") == calls


def test_results_are_plain_repeatable_and_not_all_the_same(pairs: list[Pair]) -> None:
    named = by_name(pairs)
    asked = {
        "squares": ["squares(5)", "squares('a')", "squares(0)", "squares(1000)"],
        "draw": ["draw(1)", "draw(2)"],
        "always": ["always(1)", "always(2)", "always(3)"],
        "spaced": ["spaced('')", "spaced('a')"],
    }
    with Pool(Limits(), workers=1) as pool:
        found = observe([named[name] for name in asked], list(asked.values()), pool)
    assert found == {
        # one raises, and one result is longer than a verdict can say
        named["squares"].key: (("squares(5)", "[0, 4, 16]"), ("squares(0)", "[]")),
        named["draw"].key: (),
        named["always"].key: (),
        named["spaced"].key: (),  # two spaces are not shown as they are: rather none than wrong
    }


def test_code_that_remembers_is_no_check(pairs: list[Pair]) -> None:
    counting = dataclasses.replace(
        pairs[0],
        key="counting",
        name="count",
        prompt='SEEN = []\n\n\ndef count(x):\n    """Count."""\n',
        body="    SEEN.append(x)\n    return x * len(SEEN)\n",
    )
    with Pool(Limits(), workers=1) as pool:
        found = observe([counting], [["count(1)", "count(2)"]], pool)
    assert found == {"counting": ()}


def test_worked_examples_need_no_teacher(pairs: list[Pair], recipe: Recipe, tmp_path: Path) -> None:
    broken = dataclasses.replace(pairs[0], key="broken", body="    return a\n")
    table = RunFolder(tmp_path).table("checks", Checks)
    found = find_checks(never, TEACHER, FORM, [*pairs, broken], recipe, table)
    examples = (("larger(2, 3)", "3"), ("larger(5, 4)", "5"))
    assert [(check.examples, check.passed) for check in found] == [
        (examples, True),
        *[((), False)] * (len(pairs) - 1),
        (examples, False),
    ]
    assert not any(check.written for check in found)
    assert [check.pair for check in found] == [pair.key for pair in [*pairs, broken]]


def base_row(pair: Pair, recipe: Recipe, body: str) -> Solution:
    """A solution as it was stored before there were other checks than worked examples."""
    models, tokens = recipe.models, recipe.teach.max_new_tokens
    how = (models.engine, models.precision, FORM.kind, tokens)
    return Solution(
        key=content_key("solution", TEACHER.source.sha256, pair.key, how),
        pair=pair.key,
        completion=body,
        solution=pair.prompt + body,
        status="unverified",
        checks=0,
        detail="no worked example to run",
    )


def test_written_calls_judge_solutions_that_are_there_already(
    pairs: list[Pair], recipe: Recipe, tmp_path: Path
) -> None:
    squares, always = by_name(pairs)["squares"], by_name(pairs)["always"]
    wrong = dataclasses.replace(squares, key="wrong")
    cut = dataclasses.replace(squares, key="cut")
    examples = (("squares(5)", "[0, 4, 16]"), ("squares(0)", "[]"))
    made = [squares, wrong, always, cut]
    checks = [
        Checks(
            key=pair.key,
            pair=pair.key,
            examples=() if pair is always else examples,
            written=True,
            passed=True,
        )
        for pair in made
    ]
    table: Table[Solution] = RunFolder(tmp_path).table("solutions", Solution)
    rows = [
        base_row(squares, recipe, "    return [n**2 for n in range(n) if n % 2 == 0]\n"),
        base_row(wrong, recipe, "    return [n**2 for n in range(n)]\n"),
        base_row(always, recipe, "    return 7\n"),
        dataclasses.replace(base_row(cut, recipe, "    x"), status="failed", detail=CUT_OFF),
    ]
    table.append(rows)
    found = write_solutions(never, TEACHER, FORM, made, checks, recipe, table)
    assert [(row.status, row.checks, row.written) for row in found] == [
        ("verified", 2, True),
        ("failed", 2, True),
        ("unverified", 0, False),
        ("failed", 0, False),
    ]
    assert complaint(found[1]).startswith("wrong_answer: example 1 of 2, squares(5): expected")
    assert [complaint(row) for row in (found[0], *found[2:])] == ["", "", ""]
    assert len(table) == 6
    assert write_solutions(never, TEACHER, FORM, made, checks, recipe, table) == found
    assert len(table) == 6


@pytest.mark.models
def test_a_teacher_writes_calls_of_the_function(pairs: list[Pair], small: ModelSource) -> None:
    from overproof.engines import load_engine
    from overproof.engines.generate import form_for
    from overproof.teach.checks import write_calls

    engine: Engine = load_engine(small, "xllamacpp", threads=1)
    try:
        for name in ("chat", "raw"):
            written = write_calls(engine, form_for(small, name), pairs[:2], 3)
            assert all(len(calls) <= 3 for calls in written)
            assert any(written)
            for pair, calls in zip(pairs, written, strict=False):
                assert all(call.startswith(f"{pair.name}(") for call in calls)
    finally:
        engine.close()
