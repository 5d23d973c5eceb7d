"""MBPP by its published split, in its raw form and as functions with a prompt.

    in_split({"task_id": 601}, "train")     # True

Raw rows (`text` or `prompt`, `code`, `test_list`) are read by shapes.py; rows in HumanEval's fields
are read here. Both come with indentation of every width, and are given four spaces a level.

Source: Austin et al. 2021, "Program Synthesis with Large Language Models"; function form after
Athiwaratkun et al. 2022, "Multi-lingual Evaluation of Code Generation Models".
"""

import ast
from collections.abc import Mapping
from typing import Any

from overproof.pairs.files import docstring_rows
from overproof.pairs.reindent import WIDTH, reindent, same_program
from overproof.pairs.rules import UnfitError
from overproof.pairs.shapes import Draft
from overproof.pairs.source import find_function, parse
from overproof.pairs.specs import MBPP_SPLITS

LICENCE = "CC-BY-4.0"
"""Of the data set, as published."""


def mbpp_number(row: Mapping[str, Any]) -> int:
    """Return the task's number, from `task_id`: 601, "601" or "MBPP/601"; 0 if it has none.

    >>> mbpp_number({"task_id": "MBPP/601"}), mbpp_number({"task_id": 3}), mbpp_number({})
    (601, 3, 0)
    """
    digits = str(row.get("task_id", "")).rpartition("/")[2]
    return int(digits) if digits.isdecimal() else 0


def in_split(row: Mapping[str, Any], split: str) -> bool:
    """Return whether a row belongs to a split of `MBPP_SPLITS`.

    Raises: UnfitError if the row has no number of MBPP.
    """
    number = mbpp_number(row)
    if number not in MBPP_SPLITS["all"]:
        raise UnfitError("damaged", f"task_id {row.get('task_id')!r} is none of MBPP")
    return number in MBPP_SPLITS[split]


def is_function_form(row: Mapping[str, Any]) -> bool:
    """Return whether a row is a problem of MBPP in HumanEval's fields."""
    fields = ("prompt", "canonical_solution", "entry_point")
    named = str(row.get("task_id", "")).startswith("MBPP/")
    return named and all(isinstance(row.get(name), str) for name in fields)


def function_draft(row: Mapping[str, Any]) -> Draft:
    """Return what such a row says; its docstring has the worked examples already.

    Raises: UnfitError if it is not Python, or does not hold the function.
    """
    program = reindent(row["prompt"] + row["canonical_solution"])
    lines = program.split("\n")
    tree = parse(program)
    node = find_function(tree, row["entry_point"]) if tree else None
    text = ast.get_docstring(node) if node else None
    if node is None or not text:
        raise UnfitError("no_function", f"no function {row['entry_point']} with a docstring")
    place = node.body[0]
    first, last = place.lineno - 1, place.end_lineno or place.lineno
    stripped = [line.rstrip() for line in lines]
    rows = stripped if same_program("\n".join(stripped), program) else lines
    docstring = docstring_rows(text, " " * WIDTH)
    return Draft(
        text="",
        code="\n".join([*rows[:first], *docstring, *rows[last:]]).strip("\n") + "\n",
        entry_point=row["entry_point"],
        origin=row["task_id"],
    )
