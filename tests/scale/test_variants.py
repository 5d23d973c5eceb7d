"""Variants in pieces are those of one go, whatever the languages."""

from pathlib import Path

import pytest

from overproof.perturbation import PerturbResult
from overproof.records import Problem
from overproof.sandbox import Limits
from overproof.scale.variants import Piece, cut, perturb_in_pieces
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
