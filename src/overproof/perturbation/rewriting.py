r"""Operators whose prose a language model writes: paraphrase, back-translation, other tongues.

Off by default: a model must be named (`overproof perturb --writer MODEL`), and what it writes is
not deterministic across engines and versions. The model is shown the description up to its
first worked example and nothing else; what comes back is put in its place, and passes the same
certificate as any other variant: examples, numbers and quoted texts must be as they were.

Not covered: whether the new sentence means the same. A literal that got lost is refused; a
negation that got lost is not.

    >>> problem = Problem(
    ...     task_id="t", prompt='def f(x):\n    "Add one to x."\n', entry_point="f",
    ...     canonical_solution="    return x + 1\n", test="",
    ... )
    >>> def writer(asked): return ["Increase x."]
    >>> (operator,) = written_operators(["paraphrase"], [problem], [0], writer)
    >>> operator.apply(problem, generator_for("t", "paraphrase", 0), 1.0).prompt
    'def f(x):\n    "Increase x."\n'
"""

import random
import re
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from overproof.errors import UnknownNameError
from overproof.perturbation.docstring import example_spans, find_docstring
from overproof.perturbation.draft import Draft, Operator, generator_for
from overproof.perturbation.presets import ALIASES
from overproof.perturbation.source import apply_edits
from overproof.records import Problem

Writer = Callable[[list[str]], list[str]]
"""Answers instructions, in order."""

LANGUAGES = ("German", "Spanish", "French", "Russian", "Chinese", "Hindi", "Portuguese", "Japanese")
LINE = 88


@dataclass(frozen=True)
class Rewriting:
    """What a writer is asked for; several instructions are carried out one after the other."""

    instructions: tuple[str, ...]
    source: str
    what: str
    random: bool = False


REWRITINGS = {
    "paraphrase": Rewriting(
        ("Say the following in other words. Keep every number, name and quoted text.",),
        "NLPerturbator",
        "Let a model say the description in other words.",
    ),
    "back_translation": Rewriting(
        (
            "Translate the following into German. Keep names, numbers and quoted texts.",
            "Translate the following into English. Keep names, numbers and quoted texts.",
        ),
        "ReCode",
        "Let a model translate the description into German and back.",
    ),
    "verbose": Rewriting(
        ("Explain the following task at greater length, without adding requirements.",),
        "EvoEval",
        "Let a model tell the description at greater length.",
    ),
    "concise": Rewriting(
        ("State the following task as briefly as possible, without losing a requirement.",),
        "EvoEval",
        "Let a model tell the description as briefly as it can.",
    ),
    "told_as_story": Rewriting(
        ("Retell the following task as a short everyday scene. Keep numbers and quoted texts.",),
        "Break-the-Chain",
        "Let a model retell the description as a scene.",
    ),
    "domain_shift": Rewriting(
        ("Retell the following task as one from cooking, same rules, numbers and quoted texts.",),
        "Break-the-Chain",
        "Let a model move the description to another domain.",
    ),
    "other_language": Rewriting(
        ("Translate the following into {language}. Keep names, numbers and quoted texts.",),
        "HumanEval-XL",
        "Let a model translate the description into another natural language.",
        random=True,
    ),
}
ONLY = "Answer with the new text only, no introduction, no code."


def written_operators(
    names: Sequence[str], problems: Sequence[Problem], seeds: Sequence[int], writer: Writer
) -> list[Operator]:
    """Return the named operators, everything they need written already.

    Raises: UnknownNameError for a name that `rewriting_of` does not know; what the writer raises.
    """
    found = []
    for name in names:
        rewriting = rewriting_of(name)
        if rewriting is None:
            raise UnknownNameError("rewriting", name, REWRITINGS)
        found.append(_operator(name, rewriting, problems, seeds, writer))
    return found


def rewriting_of(name: str) -> Rewriting | None:
    """Return what a writer must do for an operator, ours or another suite's; None for others.

    >>> rewriting_of("BackTranslation") == REWRITINGS["back_translation"]
    True
    """
    ours = ALIASES[name].ours if name in ALIASES else name
    return REWRITINGS.get(ours)


def _operator(
    name: str,
    rewriting: Rewriting,
    problems: Sequence[Problem],
    seeds: Sequence[int],
    writer: Writer,
) -> Operator:
    told = {problem.task_id: lead(problem) for problem in problems}
    wanted = [
        (task_id, seed)
        for task_id, text in told.items()
        for seed in (seeds if rewriting.random else seeds[:1])
        if text
    ]
    texts = [told[task_id] for task_id, _ in wanted]
    for instruction in rewriting.instructions:
        asked = [
            f"{instruction.format(language=LANGUAGES[seed % len(LANGUAGES)])} {ONLY}\n\n{text}"
            for (_, seed), text in zip(wanted, texts, strict=True)
        ]
        texts = [_plain(answer) for answer in writer(asked)]
    written = {
        generator_for(task_id, name, seed).random(): text
        for (task_id, seed), text in zip(wanted, texts, strict=True)
    }

    def apply(problem: Problem, rng: random.Random, intensity: float) -> Draft | None:
        text = written.get(rng.random(), "")
        return _told_anew(problem, text) if text else None

    apply.__doc__ = rewriting.what
    return Operator(
        name,
        "text",
        apply,
        rewriting.source,
        rewriting.random,
        1.0,
        kind="sentence",
        deterministic=False,
    )


def lead(problem: Problem) -> str:
    """Return the description up to its first worked example, as one paragraph; may be empty."""
    span = _lead_span(problem)
    return " ".join(problem.prompt[span[0] : span[1]].split()) if span else ""


def _lead_span(problem: Problem) -> tuple[int, int] | None:
    found = find_docstring(problem.prompt, problem.entry_point, problem.canonical_solution)
    if found is None:
        return None
    text = problem.prompt[found.inner_start : found.inner_end]
    examples = [start for start, _ in example_spans(text, problem.entry_point)]
    told = text[: min(examples, default=len(text))]
    start = found.inner_start + len(told) - len(told.lstrip())
    return start, found.inner_start + len(told.rstrip())


def _told_anew(problem: Problem, text: str) -> Draft | None:
    """Return the prompt with its lead replaced, wrapped like a docstring."""
    span = _lead_span(problem)
    found = find_docstring(problem.prompt, problem.entry_point, problem.canonical_solution)
    if span is None or found is None:
        return None
    prompt = problem.prompt
    several = found.inner_start - found.start >= 3
    safe = text.replace("\\", "\\\\") if "\\" in text else text
    quotes = prompt[found.inner_end : found.end]
    if quotes in safe or safe.endswith(quotes[0]):
        return None
    if several:
        lines = textwrap.wrap(safe, LINE - len(found.indent), break_on_hyphens=False)
        safe = f"\n{found.indent}".join(lines)
    return Draft(apply_edits(prompt, [(*span, safe)]), problem.entry_point)


def _plain(answer: str) -> str:
    """Return an answer as one paragraph, without the quotes or fences around it."""
    text = re.sub(r"^```\w*\s*|\s*```$", "", answer.strip())
    return " ".join(text.strip("\"'` \n").split())
