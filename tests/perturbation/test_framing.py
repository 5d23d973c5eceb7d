"""What is written around the function: comments, harmless or wrong, and a neighbour."""

import ast

import pytest

from overproof.perturbation.certificate import check_draft, gold_program
from overproof.perturbation.draft import Draft, Operator, generator_for
from overproof.perturbation.prompt import framing, neighbours, remarks, stories
from overproof.perturbation.source import compiles
from overproof.records import Problem

COMMENTS = {
    each.name: each for each in (*framing.OPERATORS, *stories.OPERATORS, *remarks.OPERATORS)
}
BELOW = ("distracting_remark", "misleading_hint", "degrade_suffix")
ON_TOP = ("instruction_form", "licence_header")


def drafts(operator: Operator, problem: Problem, seeds: int = 8) -> list[Draft]:
    found = []
    for seed in range(seeds if operator.random else 1):
        rng = generator_for(problem.task_id, operator.name, seed)
        draft = operator.apply(problem, rng, operator.intensity)
        assert draft is not None
        assert check_draft(problem, draft, operator).passed
        found.append(draft)
    return found


def added(problem: Problem, draft: Draft) -> list[str]:
    """The lines that were put in, at one place; everything else must be as it was."""
    old, new = problem.prompt.split("\n"), draft.prompt.split("\n")
    first = next(i for i, line in enumerate(new) if i >= len(old) or line != old[i])
    count = len(new) - len(old)
    for start in range(first, -1, -1):
        if new[:start] + new[start + count :] == old:
            return new[start : start + count]
    raise AssertionError("more than one place was changed")


def problem_of(prompt: str, test: str = "", body: str = "    return x\n") -> Problem:
    return Problem(task_id="t", prompt=prompt, entry_point="f", canonical_solution=body, test=test)


@pytest.mark.parametrize("name", COMMENTS)
def test_only_comments_are_added(name: str, toys: dict[str, Problem]) -> None:
    for problem in toys.values():
        for draft in drafts(COMMENTS[name], problem, 3):
            lines = added(problem, draft)
            assert all(not line or line.lstrip().startswith("# ") for line in lines)
            assert all(len(line) <= 110 for line in lines)
            assert "{" not in "".join(lines), "no name is left to be filled in"


@pytest.mark.parametrize("name", [name for name, each in COMMENTS.items() if each.random])
def test_seeds_give_different_texts(name: str, toys: dict[str, Problem]) -> None:
    for problem in toys.values():
        assert len({draft.prompt for draft in drafts(COMMENTS[name], problem)}) >= 5


@pytest.mark.parametrize("name", COMMENTS)
def test_where_the_comment_stands(name: str, toys: dict[str, Problem]) -> None:
    problem = toys["decode_text"]
    for draft in drafts(COMMENTS[name], problem, 2):
        place = draft.prompt.index(added(problem, draft)[0])
        if name in BELOW:
            assert place > draft.prompt.index(">>> decode_text")
        elif name in ON_TOP:
            assert place == 0
        else:
            assert draft.prompt.index("def encode_text") < place
            assert place < draft.prompt.index("def decode_text")


def test_comments_stand_above_decorators() -> None:
    problem = problem_of("def w(x):\n    return x\n\n\n@w\ndef f(x):\n    'Do it.'\n")
    draft = framing.above(problem, "Hello.")
    assert draft is not None
    assert "\n\n\n# Hello.\n@w\ndef f(x):" in draft.prompt


def test_without_the_function_nothing_can_be_said() -> None:
    problem = problem_of("def g(x):\n    'Do it.'\n")
    for operator in (*COMMENTS.values(), *neighbours.OPERATORS):
        if operator.name != "licence_header":
            assert operator.apply(problem, generator_for("t", "x", 0), 1.0) is None


def test_features_are_those_of_the_solution(toys: dict[str, Problem]) -> None:
    words = " ".join(" ".join(each) for each in framing._features(toys["f"]))
    assert "`for` loop" in words
    assert "`sum`" in words
    assert "`range`" in words
    assert "while" not in words
    assert "dictionary" not in words


def test_a_solution_without_features_cannot_be_made_concrete() -> None:
    problem = problem_of("def f(x):\n    'Do nothing.'\n", body="    pass\n")
    rng = generator_for("t", "x", 0)
    assert framing.concretised_instruction(problem, rng, 1.0) is None


def test_a_greeting_with_a_comma_goes_on_in_small_letters(toys: dict[str, Problem]) -> None:
    for draft in drafts(COMMENTS["polite_request"], toys["f"], 40):
        text = " ".join(line.lstrip("# ") for line in added(toys["f"], draft))
        comma = text.find(", ")
        if text.startswith(("Hi there", "Dear", "Hey", "Good afternoon")):
            assert text[comma + 2].islower() or text[comma + 2 :].startswith("I ")


def test_wrong_types_are_never_the_right_ones() -> None:
    problem = problem_of(
        "from typing import Dict, List\n\n\ndef f(x: List[int]) -> Dict[str, int]:\n    'Count.'\n"
    )
    taken, returned = remarks._classes(problem)
    assert taken == {"sequence", "number"}
    assert returned == {"mapping", "text", "number"}
    operator = COMMENTS["misleading_signature_note"]
    notes = " ".join(draft.prompt.split("\ndef f")[0] for draft in drafts(operator, problem, 40))
    assert "x is a string" in notes
    assert "x is a list" not in notes
    assert "x is an integer" not in notes
    assert "returns a dictionary" not in notes
    assert "a set of tuples" in notes


def test_types_are_read_from_tests_and_words_where_there_are_no_annotations() -> None:
    test = "def check(candidate):\n    assert candidate('ab', -1) == {'a': 1}\n"
    problem = problem_of("def f(x, n):\n    'Work on a datetime.'\n", test)
    taken, returned = remarks._classes(problem)
    assert taken == {"text", "number", "date"}
    assert returned == {"mapping", "date"}
    unseen = problem_of("def f(x):\n    'Do it.'\n")
    assert remarks._classes(unseen) == ({"number", "text", "sequence"},) * 2


def test_the_licence_leaves_one_blank_line(toys: dict[str, Problem]) -> None:
    for prompt in (toys["f"].prompt, "\n" + toys["f"].prompt):
        problem = problem_of(prompt)
        (draft,) = drafts(COMMENTS["licence_header"], problem, 1)
        assert draft.prompt.split("\n")[3:5] == ["", "def f(n):"]


@pytest.mark.parametrize("name", neighbours.NEIGHBOURS)
def test_every_neighbour_is_a_whole_function_of_builtins(name: str) -> None:
    code = f"def {name}{neighbours.NEIGHBOURS[name]}"
    assert compiles(code)
    (function,) = ast.parse(code).body
    assert isinstance(function, ast.FunctionDef)
    assert any(isinstance(node, ast.Return) for node in ast.walk(function))
    assert not any(isinstance(node, ast.Import) for node in ast.walk(function))


def test_the_neighbour_is_a_stranger_and_the_function_stays(toys: dict[str, Problem]) -> None:
    (operator,) = neighbours.OPERATORS
    for problem in toys.values():
        found = drafts(operator, problem)
        assert len({draft.prompt for draft in found}) >= 4
        for draft in found:
            tree = ast.parse(gold_program(problem, draft))
            names = [node.name for node in tree.body if isinstance(node, ast.FunctionDef)]
            assert names[-1] == problem.entry_point
            assert names[-2] in neighbours.NEIGHBOURS
    seats = problem_of("def f(seat):\n    'Find it.'\n", body="    return seat\n")
    assert "seat_number" not in neighbours._strangers(seats)
    assert "kelvin" in neighbours._strangers(seats)
