"""Prose that a model writes: put in its place, certified like the rest, refused where it lies."""

import pytest

from overproof.errors import UnknownNameError
from overproof.perturbation import perturb
from overproof.perturbation.rewriting import lead, rewriting_of, written_operators
from overproof.records import Outcome, Problem
from overproof.sandbox import Job


def trust(jobs: list[Job]) -> list[Outcome]:
    return [Outcome(key=job.key, task_id=job.task_id, status="passed") for job in jobs]


def test_the_lead_ends_where_the_examples_begin(toys: dict[str, Problem]) -> None:
    assert lead(toys["split_lines"]).endswith("of course.")
    assert lead(toys["keepEven"]).startswith("Keep the even numbers")


def test_what_was_written_stands_in_its_place_and_passes(toys: dict[str, Problem]) -> None:
    asked: list[str] = []

    def writer(questions: list[str]) -> list[str]:
        asked.extend(questions)
        return ['"Retain even values, up to 10 of them."' for _ in questions]

    problem = toys["keepEven"]
    operators = written_operators(["paraphrase", "BackTranslation"], [problem], [0], writer)
    result = perturb([problem], operators, [0], run_gold=trust)
    rows = [row for row in result.variants if row.certificate]
    assert [row.operator for row in rows] == ["paraphrase", "BackTranslation"]
    assert '"Retain even values, up to 10 of them."' in rows[0].prompt
    assert len(asked) == 3, "a translation takes two steps"
    assert "German" in asked[1] and "English" in asked[2]
    assert asked[2].endswith("Retain even values, up to 10 of them.")


@pytest.mark.parametrize(
    "answer", ["Retain even values.", "Retain 11 even values.", "", '10 """ of them']
)
def test_a_lost_literal_and_broken_quotes_are_refused(
    answer: str, toys: dict[str, Problem]
) -> None:
    problem = toys["keepEven"]
    operators = written_operators(["paraphrase"], [problem], [0], lambda asked: [answer])
    result = perturb([problem], operators, [0], run_gold=trust)
    assert [row.operator for row in result.variants] == ["nominal"]


def test_other_languages_are_drawn_by_seed(toys: dict[str, Problem]) -> None:
    asked: list[str] = []

    def writer(questions: list[str]) -> list[str]:
        asked.extend(questions)
        return [f"Behalte gerade Zahlen, höchstens 10, {n}" for n, _ in enumerate(questions)]

    (operator,) = written_operators(["other_language"], [toys["keepEven"]], range(3), writer)
    assert len({question.split(".")[0] for question in asked}) == 3
    assert operator.random and not operator.deterministic


def test_only_what_a_model_writes_is_a_rewriting() -> None:
    assert rewriting_of("keyboard_typos") is None
    with pytest.raises(UnknownNameError):
        written_operators(["keyboard_typos"], [], [0], lambda asked: asked)
