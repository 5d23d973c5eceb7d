"""Variants in pieces are those of one go, whatever the languages."""

from pathlib import Path

import pytest

from overproof.perturbation import PerturbResult
from overproof.records import Problem
from overproof.sandbox import Limits
from overproof.scale import variants
from overproof.scale.variants import DRAWN, Piece, cut, perturb_in_pieces, perturb_once
from overproof.store import RunFolder
from overproof.suites import load_suites
from overproof.suites.multicode.perturbing import perturb_all

OPERATORS = ("null", "keyboard_typos", "camel_case", "blank_lines")


@pytest.mark.parametrize("suites", [["humaneval"], ["humaneval", "multicode:lua"]])
def test_pieces_join_to_what_one_go_makes(tmp_path: Path, suites: list[str]) -> None:
    problems: list[Problem] = list(load_suites(suites, 3))
    table = RunFolder(tmp_path).table("pieces", Piece)
    limits = Limits()
    made = perturb_in_pieces(problems, OPERATORS, range(2), limits, table)
    whole = perturb_all(problems, OPERATORS, range(2), limits=limits)
    assert made.variants == whole.variants
    assert counts(made) == counts(whole)
    assert len(table) == len(cut(problems))
    again = RunFolder(tmp_path).table("pieces", Piece)
    assert perturb_in_pieces(problems, OPERATORS, range(2), limits, again).variants == made.variants
    assert len(again) == len(table)


def counts(result: PerturbResult) -> dict[str, tuple[int, ...]]:
    return {
        row.operator: (row.wanted, row.certified, row.attempts, row.distinct, row.gold_break)
        for row in result.yields
    }


def test_other_seeds_are_other_pieces(tmp_path: Path) -> None:
    problems = load_suites(["humaneval"], 2)
    table = RunFolder(tmp_path).table("pieces", Piece)
    for seeds in (1, 2):
        perturb_in_pieces(problems, ("null",), range(seeds), Limits(), table)
    assert len(table) == 2


@pytest.mark.parametrize("suites", [["humaneval"], ["humaneval", "multicode:lua"]])
def test_what_a_run_has_drawn_is_read_by_its_next_start(
    tmp_path: Path, suites: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    problems: list[Problem] = list(load_suites(suites, 2))
    draws = 0

    def counted(*arguments: object, **options: object) -> PerturbResult:
        nonlocal draws
        draws += 1
        return perturb_all(*arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(variants, "perturb_all", counted)

    def start(count: int = 2, operators: tuple[str, ...] = OPERATORS) -> PerturbResult:
        return perturb_once(problems, operators, range(count), Limits(), RunFolder(tmp_path), 1)

    first = start()
    assert start() == first and draws == 1
    assert start(1) != first and draws == 2
    assert start() == first and draws == 3, "what it drew before that is not of these seeds"
    *rows, _ = (tmp_path / "variants.jsonl").read_bytes().splitlines(keepends=True)
    (tmp_path / "variants.jsonl").write_bytes(b"".join(rows))
    assert start() == first and draws == 4, "a lost row is drawn again"
    (tmp_path / DRAWN).write_text("{")
    assert start() == first and draws == 5


def test_operators_of_others_are_drawn_on_every_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "louder_words.py").write_text(
        "from overproof.perturbation.draft import Draft, Operator\n\n"
        "def shout(problem, rng, intensity):\n"
        "    return Draft(problem.prompt.replace('. ', '!! '), problem.entry_point)\n\n"
        "LOUDER = Operator('louder', 'text', shout, source='own', random=False, intensity=1.0,\n"
        "                  kind='character')\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    problems = load_suites(["humaneval"], 2)
    run = RunFolder(tmp_path / "run")
    perturb_once(problems, ("louder_words:LOUDER",), range(1), Limits(), run, 1)
    assert not (run.path / DRAWN).exists()
