"""All operators on HumanEval: the defects of released robustness data, as regression tests."""

import ast

import pytest

from overproof.perturb import OPERATORS, perturb, perturb_prompt
from overproof.perturb.source import parse
from overproof.records import Problem
from overproof.suites import load_suite

# Of 164, the fewest prompts that each operator must perturb; the rest have nothing to change.
LEAST = {
    "camel_case": 163,
    "half_body": 124,
    "dead_code": 124,
    "for_to_while": 43,
    "rename_variables": 107,
    "tab_indent": 161,
}


@pytest.fixture(scope="module")
def humaneval() -> list[Problem]:
    return load_suite("humaneval")


@pytest.mark.models
@pytest.mark.parametrize("name", OPERATORS)
def test_every_prompt_that_can_be_perturbed_passes_the_static_checks(
    name: str, humaneval: list[Problem]
) -> None:
    drafts = [(problem, perturb_prompt(problem, name, 0)) for problem in humaneval]
    found = [(problem, draft) for problem, draft in drafts if draft is not None]
    assert len(found) >= LEAST.get(name, 164)
    for problem, draft in found:
        assert (draft.prompt == problem.prompt) == (name == "null")
        if name not in ("tab_indent", "docstring_to_comments"):
            ast.parse(draft.prompt if draft.partial else f"{draft.prompt}    pass\n")


@pytest.mark.models
def test_gold_passes_on_an_even_spread(humaneval: list[Problem]) -> None:
    problems = humaneval[5::12]
    result = perturb(problems, list(OPERATORS), [0])
    for row in result.yields:
        assert row.gold_break == row.unchecked == row.no_op == 0
        assert row.certified + row.not_applicable + row.unparsable == len(problems)
        assert row.unparsable == 0 or row.operator == "tab_indent"


@pytest.mark.models
@pytest.mark.parametrize("number", [57, 68, 89, 93, 106, 110, 159])
def test_names_that_are_part_of_other_words(number: int, humaneval: list[Problem]) -> None:
    problem = humaneval[number]
    for name in ("camel_case", "typo_name"):
        draft = perturb_prompt(problem, name, 0)
        assert draft is not None
        assert draft.prompt.count("def ") == problem.prompt.count("def ")
        assert parse(draft.prompt) is not None
