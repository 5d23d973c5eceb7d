"""The operators as text: a list, all about one, and what a variant changed.

for line in show_lines("keyboard_typos"):
    print(line)
"""

from collections.abc import Iterator, Sequence
from typing import Any

from overproof.perturbation.difference import Piece, marked, word_difference
from overproof.perturbation.operators import OPERATORS, get_operator
from overproof.perturbation.presets import ALIASES, get_preset
from overproof.perturbation.rewriting import REWRITINGS, rewriting_of
from overproof.perturbation.variants import perturb_prompt
from overproof.records import Problem, Variant

EXAMPLE = Problem(
    task_id="example",
    prompt='''def count_long_words(words, least):
    """Return the number of words in the list that have at least 3 letters or more.
    The order of the words must not be changed, and empty words are ignored.

    >>> count_long_words(['a', 'tree', ''], 3)
    1
    """
''',
    entry_point="count_long_words",
    canonical_solution="""    total = 0
    for word in words:
        if len(word) >= least:
            total += 1
    return total
""",
    test="",
)
"""The problem on which the documentation shows every operator."""

_RED, _GREEN, _PLAIN = "\x1b[31m", "\x1b[32m", "\x1b[0m"


def list_operators(preset: str = "") -> list[dict[str, Any]]:
    """Return family, name and what it does of each operator, and whether a model must write it.

    Raises: UnknownNameError for an unknown preset.
    """
    rows = []
    for name in get_preset(preset) if preset else (*OPERATORS, *REWRITINGS):
        rewriting = rewriting_of(name)
        family, what = ("text", rewriting.what) if rewriting else _family_and_deed(name)
        rows.append({"family": family, "name": name, "what": what, "writer": bool(rewriting)})
    return rows


def list_lines(preset: str = "") -> Iterator[str]:
    """Yield a line per operator: family, name, what it does.

    Raises: UnknownNameError for an unknown preset.
    """
    for row in list_operators(preset):
        written = " (--writer)" if row["writer"] and not preset else ""
        yield f"{row['family']:<9} {row['name']:<34} {row['what']}{written}"


def show_lines(name: str, task: str = "", seed: int = 0, *, colour: bool = False) -> Iterator[str]:
    """Yield all about one operator, and what it makes of a problem.

    Raises: UnknownNameError for an unknown operator or task.
    """
    if rewriting := rewriting_of(name):
        yield f"{name} (text, sentence)"
        yield rewriting.what
        yield f"source: {rewriting.source}"
        yield "not deterministic: a model writes it, name one with --writer"
        return
    operator = get_operator(name)
    yield f"{operator.name} ({', '.join(filter(None, (operator.family, operator.kind)))})"
    yield operator.what
    yield f"source: {operator.source}"
    if name in ALIASES:
        differs = ALIASES[name].differs
        yield f"ours: {ALIASES[name].ours}{f'; {differs}' if differs else ''}"
    drawn = "one variant per seed" if operator.random else "one variant"
    yield f"intensity: {operator.intensity:g}; {drawn}; compared with: {operator.control}"
    if operator.few:
        yield f"few variants: {operator.few}"
    problem = EXAMPLE if not task else _problem(task)
    draft = perturb_prompt(problem, name, seed)
    yield ""
    if draft is None:
        yield f"nothing to change in {problem.task_id}"
        return
    yield from _coloured(word_difference(problem.prompt, draft.prompt), colour).split("\n")


def about(name: str, task: str = "", seed: int = 0) -> dict[str, Any]:
    """Return the same as data: what the operator is, and what it makes of a problem.

    Raises: as `show_lines`.
    """
    if rewriting := rewriting_of(name):
        what = {"what": rewriting.what, "source": rewriting.source}
        return {"name": name, "family": "text", "kind": "sentence", **what, "writer": True}
    operator = get_operator(name)
    facts = ("name", "family", "kind", "what", "source", "random", "intensity", "control", "few")
    problem = EXAMPLE if not task else _problem(task)
    draft = perturb_prompt(problem, name, seed)
    example = {"task_id": problem.task_id, "seed": seed, "before": problem.prompt}
    return {
        **{fact: getattr(operator, fact) for fact in facts},
        "writer": False,
        "ours": ALIASES[name].ours if name in ALIASES else "",
        "differs": ALIASES[name].differs if name in ALIASES else "",
        "example": example | {"after": draft.prompt if draft else None},
    }


def difference_lines(variants: Sequence[Variant], *, colour: bool = False) -> Iterator[str]:
    """Yield a readable difference of each variant to the prompt as published."""
    nominal = {row.task_id: row.prompt for row in variants if row.operator == "nominal"}
    for row in variants:
        if row.operator == "nominal":
            continue
        yield f"--- {row.task_id} · {row.operator} · seed {row.seed}"
        pieces = word_difference(nominal[row.task_id], row.prompt)
        yield from _coloured(pieces, colour).rstrip("\n").split("\n")


def _family_and_deed(name: str) -> tuple[str, str]:
    operator = get_operator(name)
    return operator.family, operator.what


def _coloured(pieces: Sequence[Piece], colour: bool) -> str:
    if not colour:
        return marked(pieces)
    tones = {"same": "", "gone": _RED, "new": _GREEN}
    return "".join(f"{tones[p.kind]}{p.text}{_PLAIN if tones[p.kind] else ''}" for p in pieces)


def _problem(task: str) -> Problem:
    from overproof.errors import UnknownNameError
    from overproof.suites import load_suite

    problems = {problem.task_id: problem for problem in load_suite("humaneval")}
    if task not in problems:
        raise UnknownNameError("task", task, problems)
    return problems[task]
