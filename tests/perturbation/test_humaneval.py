"""All operators on HumanEval: the defects of released robustness data, as regression tests."""

import ast

import pytest

from overproof.perturbation import OPERATORS, perturb, perturb_prompt
from overproof.perturbation.source import parse
from overproof.records import Problem
from overproof.suites import load_suite

# Of 164, the fewest prompts that each operator must perturb; the rest have nothing to change.
HALVES = 124
LEAST = {
    "half_body": HALVES,
    "dead_code": HALVES,
    "dead_code_last": HALVES,
    "garbage_code": HALVES,
    "misleading_prints": HALVES,
    "misleading_comments": HALVES,
    "all_structural": 115,
    "for_to_while": 59,
    "operand_swap": 74,
    "swap_branches": 70,
    "rewrite_conditionals": 83,
    "expand_assignments": 22,
    "rename_variable_naive": 107,
    "rename_variable_natural": 107,
    "rename_variable_random": 107,
    "rename_variables": 107,
    "indent_with_tabs": 161,
    "narrow_indent": 161,
    "half_indent_with_tabs": 121,
    "half_blank_lines": HALVES,
    "half_blank_line_after_docstring": HALVES,
    "half_blank_line_after_code": HALVES,
    "half_split_long_lines": HALVES,
    "half_docstring_to_comments": HALVES,
    "name_abbreviated": 162,
    "drop_examples": 157,
    "restyle_examples": 156,
    "reorder_examples": 131,
    "numbers_as_words": 30,
    "words_as_numbers": 39,
    "delete_prepositions": 149,
    "delete_determiners": 148,
    "swap_words": 162,
    "synonym_substitution": 162,
    "synonym_insertion": 162,
    "word_class": 151,
    "passive_voice": 145,
}
REINDENTED = ("indent_with_tabs", "narrow_indent", "wide_indent", "half_indent_with_tabs")


@pytest.fixture(scope="module")
def humaneval() -> list[Problem]:
    return load_suite("humaneval")


@pytest.mark.models
@pytest.mark.parametrize("name", OPERATORS)
def test_every_prompt_that_can_be_perturbed_passes_the_static_checks(
    name: str, humaneval: list[Problem]
) -> None:
    problems = humaneval[::4]
    found = [(each, draft) for each in problems if (draft := perturb_prompt(each, name, 0))]
    least = LEAST.get(name, 164) * len(problems) / 164
    assert len(found) >= least - 4 * (name in LEAST), "of a quarter; the slow test counts all"
    for problem, draft in found:
        assert (draft.prompt == problem.prompt) == (name == "null")
        if name not in (*REINDENTED, "docstring_to_comments", "strip_trailing_newline"):
            ast.parse(draft.prompt if draft.partial else f"{draft.prompt}    pass\n")


@pytest.mark.models
@pytest.mark.slow
def test_all_of_humaneval_five_seeds(humaneval: list[Problem]) -> None:
    result = perturb(humaneval, list(OPERATORS), range(5), workers=2)
    for row in result.yields:
        draws = 5 if OPERATORS[row.operator].random else 1
        assert row.certified >= draws * LEAST.get(row.operator, 164), row.operator
        assert row.gold_break == row.no_op == row.unchecked == 0
    for variant in result.variants:
        if variant.operator in ("null", "nominal"):
            continue
        nominal = next(each for each in humaneval if each.task_id == variant.task_id)
        assert (variant.prompt, variant.entry_point) != (nominal.prompt, nominal.entry_point)


@pytest.mark.models
def test_gold_passes_on_an_even_spread(humaneval: list[Problem]) -> None:
    problems = humaneval[5::12]
    result = perturb(problems, list(OPERATORS), [0])
    for row in result.yields:
        assert row.gold_break == row.unchecked == row.no_op == 0
        assert row.certified + row.not_applicable + row.unparsable == len(problems)
        assert row.unparsable == 0 or row.operator in REINDENTED


@pytest.mark.models
@pytest.mark.parametrize("number", [57, 68, 89, 93, 106, 110, 159])
def test_names_that_are_part_of_other_words(number: int, humaneval: list[Problem]) -> None:
    problem = humaneval[number]
    for name in ("camel_case", "typo_name"):
        draft = perturb_prompt(problem, name, 0)
        assert draft is not None
        assert draft.prompt.count("def ") == problem.prompt.count("def ")
        assert parse(draft.prompt) is not None
