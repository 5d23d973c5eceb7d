"""What every operator must keep, on problems that careless operators break."""

import ast
import os
import subprocess
import sys
from collections import defaultdict

import pytest

from overproof.errors import UnknownNameError, UsageError
from overproof.perturbation import OPERATORS, Operator, PerturbResult, get_operator, perturb_prompt
from overproof.perturbation.certificate import gold_program
from overproof.perturbation.docstring import description_of, literals, worked_examples
from overproof.perturbation.draft import generator_for, pick, share, shuffled
from overproof.records import Problem, Variant

# How many of the toys have nothing for an operator: some first halves have no loop or condition,
# one binds nothing, some descriptions have no examples or numbers.
NOT_APPLICABLE = {
    "for_to_while": 3,
    "operand_swap": 5,
    "rename_variable_naive": 1,
    "rename_variable_natural": 1,
    "rename_variable_random": 1,
    "rename_variables": 1,
    "swap_branches": 6,
    "expand_assignments": 5,
    "rewrite_conditionals": 5,
    "join_docstring": 1,
    "name_abbreviated": 1,
    "drop_examples": 3,
    "restyle_examples": 3,
    "reorder_examples": 6,
    "numbers_as_words": 6,
    "words_as_numbers": 7,
    "passive_voice": 1,
}
FEW_PLACES = {
    "delete_prepositions": 1.5,
    "delete_determiners": 1.8,
    "word_class": 2.0,
    "change_person": 2.0,
}
"""Operators that find one or two words in a short description: least mean of distinct prompts."""
INDENTING = {"indent_with_tabs", "half_indent_with_tabs", "wide_indent", "narrow_indent"}
IN_COMMENTS = {"docstring_to_comments", "half_docstring_to_comments"}
KEEPING = [name for name, each in OPERATORS.items() if not each.rewrites]
"""Operators that leave examples, numbers and quoted texts as they are."""


def rows_of(result: PerturbResult, operator: str) -> list[Variant]:
    return [row for row in result.variants if row.operator == operator]


def test_the_table_names_each_operator_as_it_names_itself() -> None:
    assert [operator.name for operator in OPERATORS.values()] == list(OPERATORS)
    assert all(operator.what and operator.source for operator in OPERATORS.values())
    assert all(o.control == "nominal" or o.control in OPERATORS for o in OPERATORS.values())


@pytest.mark.parametrize("name", OPERATORS)
def test_every_draft_is_certified_or_has_nothing_to_change(
    name: str, certified: PerturbResult
) -> None:
    counts = next(row for row in certified.yields if row.operator == name)
    assert counts.certified + counts.not_applicable == counts.wanted
    assert counts.attempts == counts.wanted + counts.repeated, "no draft fails a check"
    seeds = 4 if OPERATORS[name].random else 1
    assert counts.not_applicable == seeds * NOT_APPLICABLE.get(name, 0)


@pytest.mark.parametrize("name", OPERATORS)
def test_the_docstring_still_closes(
    name: str, certified: PerturbResult, toys: dict[str, Problem]
) -> None:
    for row in rows_of(certified, name):
        ast.parse(row.prompt + row.canonical_solution)
        if name not in INDENTING | {"strip_trailing_newline"}:
            ast.parse(row.prompt + "    pass\n" * (not row.partial))
        added = 2 * (name == "neighbouring_code")
        quotes = row.prompt.count('"""') - originals(toys, row).prompt.count('"""')
        assert quotes in (0, added) or name in IN_COMMENTS


@pytest.mark.parametrize("name", KEEPING)
def test_examples_and_literals_are_untouched(
    name: str, certified: PerturbResult, toys: dict[str, Problem]
) -> None:
    for row in rows_of(certified, name):
        nominal = originals(toys, row)
        before = description_of(nominal.prompt, nominal.entry_point, nominal.canonical_solution)
        after = description_of(row.prompt, row.entry_point, row.canonical_solution)
        assert literals(before) == literals(after)
        old, new = nominal.entry_point, row.entry_point
        shown = [line.replace(f"{new}(", f"{old}(") for line in worked_examples(after, new)]
        assert shown == worked_examples(before, old)


def originals(toys: dict[str, Problem], row: Variant) -> Problem:
    return toys[row.task_id.removeprefix("toy/")]


@pytest.mark.parametrize("name", [name for name, each in OPERATORS.items() if each.random])
def test_seeds_give_different_prompts(name: str, certified: PerturbResult) -> None:
    prompts = defaultdict(set)
    for row in rows_of(certified, name):
        prompts[row.task_id].add((row.prompt, row.entry_point))
    counts = [len(found) for found in prompts.values()]
    if name == "null":
        assert set(counts) == {1}
    else:
        assert max(counts) == 4 or name in FEW_PLACES
        assert sum(counts) / len(counts) > FEW_PLACES.get(name, 2.5), "of four seeds"


def test_null_is_the_nominal_prompt(certified: PerturbResult, toys: dict[str, Problem]) -> None:
    rows = rows_of(certified, "null")
    assert all(row.prompt == originals(toys, row).prompt for row in rows)
    assert all(row.certificate and row.certificate.edit_distance == 0 for row in rows)
    assert len({row.key for row in rows}) == len(rows), "each repeat is a row of its own"


def test_keys_are_unique(certified: PerturbResult) -> None:
    assert len({row.key for row in certified.variants}) == len(certified.variants)


def test_certificates_are_valid_and_only_nominal_rows_have_none(certified: PerturbResult) -> None:
    for row in certified.variants:
        if row.operator == "nominal":
            assert row.certificate is None
        else:
            assert row.certificate is not None
            assert row.certificate.valid
            assert 0 <= row.certificate.naturalness <= 1


def test_code_operators_leave_the_description_and_keep_what_they_began(
    certified: PerturbResult, toys: dict[str, Problem]
) -> None:
    for row in certified.variants:
        nominal = originals(toys, row)
        if row.family == "code":
            assert row.partial.strip()
            assert row.prompt == nominal.prompt + row.partial
        elif row.operator == "nominal" or OPERATORS[row.operator].control == "nominal":
            assert row.partial == ""


def test_the_same_seed_gives_the_same_bytes_in_another_process() -> None:
    script = (
        "import hashlib\n"
        "from overproof.perturbation import OPERATORS, perturb_prompt\n"
        "from overproof.records import Problem\n"
        "problem = Problem(task_id='t', prompt='def sort_all(xs):\\n    \"Sort the given numbers "
        "upward and return them all.\"\\n', entry_point='sort_all', canonical_solution="
        "'    ys = []\\n    for x in xs:\\n        ys.append(x)\\n    ys.sort()\\n    return ys\\n'"
        ", test='')\n"
        "drafts = [perturb_prompt(problem, n, s) for n in OPERATORS for s in range(3)]\n"
        "print(hashlib.sha256(repr(drafts).encode()).hexdigest())\n"
    )
    digests = {
        subprocess.run(
            [sys.executable, "-c", script],
            env=os.environ | {"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("0", "1")
    }
    assert len(digests) == 1


def test_the_random_stream_is_the_documented_one() -> None:
    rng = generator_for("HumanEval/0", "keyboard_typos", 0)
    drawn = [pick(rng, "abcdefgh") for _ in range(8)], shuffled(rng, range(6))
    assert drawn == (list("bdbfedge"), [3, 4, 5, 2, 0, 1])
    streams = {generator_for("t", name, seed).random() for name in "ab" for seed in range(5)}
    assert len(streams) == 10


def test_a_share_is_never_nothing() -> None:
    assert [share(0.0, 5), share(0.5, 5), share(1.0, 5), share(2.0, 5)] == [1, 3, 5, 5]


def shout(problem: Problem, rng: object, intensity: float) -> None:
    """Never finds anything."""


LOUD = Operator("loud", "text", shout, "own", False, 0.5)


def test_module_and_function_name_an_operator(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "my_operators", sys.modules[__name__])
    plain, whole = get_operator("my_operators:shout"), get_operator("my_operators:LOUD")
    assert (plain.name, plain.family, plain.what) == (
        "my_operators:shout",
        "prompt",
        "Never finds anything.",
    )
    assert (whole.name, whole.family, whole.intensity) == ("my_operators:LOUD", "text", 0.5)


def test_unknown_names_are_told_with_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="keyboard_typos"):
        get_operator("keyboard_typo")


@pytest.mark.parametrize("name", ["no_such_module:f", "math:no_such", "math:pi", ":f", "math:"])
def test_what_is_no_operator_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="operator"):
        get_operator(name)


def test_training_draws_what_the_evaluation_draws(
    certified: PerturbResult, toys: dict[str, Problem]
) -> None:
    for row in certified.variants:
        if row.operator != "nominal" and row.seed == 0:  # a later one may have been drawn again
            toy = originals(toys, row)
            draft = perturb_prompt(toy, row.operator, row.seed)
            assert draft is not None
            assert (draft.prompt, draft.entry_point) == (row.prompt, row.entry_point)
            assert row.canonical_solution == gold_program(toy, draft).removeprefix(row.prompt)
            compile(gold_program(toy, draft), "gold", "exec")
