r"""The teacher's own problems: functions that it makes up, kept if their worked examples pass.

Each is inspired by a pair that was gathered: the teacher reads its code and writes another
function, with a docstring and worked examples. What it wrote is mined like any source, executed
in the sandbox, compared with all other pairs, and decontaminated like them.

    own = write_problems(load, teacher, form, pairs, recipe, folder.table("problems", OwnProblem))

Covered: Python functions that a docstring with worked examples describes. Not covered: whether the
docstring says all that the function does; that the examples pass is evidence, no proof.
"""

import dataclasses
from collections.abc import Sequence
from typing import Literal

from overproof.engines.generate import Contender
from overproof.engines.prompts import PromptForm
from overproof.engines.protocol import Request
from overproof.errors import EngineError
from overproof.pairs.functions import find_pairs
from overproof.pairs.rules import MiningRules
from overproof.progress import stage
from overproof.recipe import Recipe
from overproof.records import EXCLUDED, OwnProblem, Pair, content_key
from overproof.sandbox import Pool, parse_examples
from overproof.store import Table
from overproof.teach.checks import is_python, run_examples
from overproof.teach.teacher import Load, engine_of

BATCH = 16
"""Problems that are asked for together."""
FEWEST = 2
"""Worked examples that a problem must have."""
RULES = MiningRules(min_body_lines=1)
TOKENS = 384
TEMPERATURE = 0.8
"""At which the teacher writes: greedy ones are all alike."""
QUESTION = """\
Here is some Python code, for inspiration only:
```python
{code}
```
Make up a different, self-contained programming exercise. Write one Python function that solves \
it: type hints, a docstring that says exactly what it returns, with {count} worked examples in \
doctest form (>>>), then the body. Standard library only. Give only the code, in one block."""

Status = Literal["kept", "no_function", "no_examples", "failed", "not_run"]


def write_problems(
    load: Load,
    teacher: Contender,
    form: PromptForm,
    pairs: Sequence[Pair],
    recipe: Recipe,
    table: Table[OwnProblem],
) -> list[Pair]:
    """Return the pairs that the teacher made up, in the order of what inspired them.

    `teach.own_problems` are asked for, spread over the Python pairs; more than there are pairs are
    asked for in rounds. Problems that the table holds are not asked for again.
    Raises: EngineError if the teacher cannot run, or has no chat template.
    Source: inspiration by a fragment of code, after Wei et al. 2024 (Magicoder, OSS-Instruct).
    """
    if form.kind == "raw" and recipe.teach.own_problems:
        raise EngineError(
            f"{teacher.source.name} has no chat template: it cannot be asked to make up problems",
            hint="choose an instruct model, or set teach.own_problems=0",
        )
    how = (teacher.source.sha256, *engine_of(teacher.source, recipe.models), form.kind, recipe.seed)

    def key(item: tuple[int, Pair]) -> str:
        turn, pair = item
        return content_key("own problem", how, turn, pair.key)

    def work(part: list[tuple[int, Pair]]) -> list[OwnProblem]:
        answers = load().generate([_request(pair, form, key(part[0])) for _, pair in part])
        places = [(key(item), item[1].key) for item in part]
        return judged(places, [answer.text for answer in answers], pool)

    asked = _inspirations(pairs, recipe.teach.own_problems, recipe.seed)
    if not asked:
        return []
    with Pool(recipe.limits) as pool, stage("teach: problems", len(asked), "problems") as advance:
        rows = table.fill(asked, key, work, batch=BATCH, on_batch=advance)
    name = teacher.source.name
    kept = [row for row in rows if row.status == "kept"]
    found = [own_pair(row, name, f"that of {name}") for row in kept]
    return [pair for pair in found if pair is not None]


def own_pair(row: OwnProblem, author: str = "", licence: str = "") -> Pair | None:
    """Return the first pair in what the teacher wrote; None if there is none."""
    pairs, _ = find_pairs(_source(row.answer), f"{author}/{row.key}", licence, RULES)
    return pairs[0] if pairs else None


def _inspirations(pairs: Sequence[Pair], count: int, seed: int) -> list[tuple[int, Pair]]:
    """Return (round, pair) for each problem to be asked for."""
    python = sorted(
        (pair for pair in pairs if is_python(pair)), key=lambda p: content_key(seed, p.key)
    )
    if not python:
        return []
    return [(number // len(python), python[number % len(python)]) for number in range(count)]


def _request(pair: Pair, form: PromptForm, key: str) -> Request:
    wrapped = form.ask(QUESTION.format(code=pair.code.strip(), count=FEWEST + 1))
    return Request(
        prompt=wrapped.text,
        stop=wrapped.stop,
        max_new_tokens=TOKENS,
        temperature=TEMPERATURE,
        seed=int(key[:8], 16) % 2**31,
        chat=wrapped.chat,
    )


def judged(
    places: Sequence[tuple[str, str]], answers: Sequence[str], pool: Pool
) -> list[OwnProblem]:
    """Return a row for each (key, inspiration) with its answer; what has examples is executed."""
    rows = [
        OwnProblem(key=key, pair=pair, answer=answer, status="not_run")
        for (key, pair), answer in zip(places, answers, strict=True)
    ]
    pairs = {row.key: own_pair(row) for row in rows}
    examples = {key: parse_examples(pair.prompt, pair.name) for key, pair in pairs.items() if pair}
    verdicts = run_examples(
        [
            (key, pair.prompt + pair.body, pair, examples[key])
            for key, pair in pairs.items()
            if pair and len(examples[key]) >= FEWEST
        ],
        pool,
    )

    def status(key: str) -> tuple[Status, str]:
        if key not in examples:
            return "no_function", ""
        if key not in verdicts:
            return "no_examples", ""
        verdict = verdicts[key]
        if verdict.status in EXCLUDED:
            return "not_run", verdict.status
        return ("kept", "") if verdict.passed else ("failed", f"{verdict.status}: {verdict.detail}")

    found = [status(row.key) for row in rows]
    return [
        dataclasses.replace(row, status=name, detail=detail)
        for row, (name, detail) in zip(rows, found, strict=True)
    ]


def _source(answer: str) -> str:
    """Return the code of an answer: its first fenced block, or all of it."""
    _, fence, rest = answer.partition("```")
    if not fence:
        return answer
    return rest.partition("\n")[2].partition("```")[0]
