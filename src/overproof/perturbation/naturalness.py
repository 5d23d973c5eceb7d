"""How natural a perturbed prompt reads: by its words, and by perplexity where a model is loaded.

    variants = with_perplexity(variants, load_engine(resolve_model("smollm2-135m-instruct"), …))

Attacks that change identifiers are mostly found out as unnatural (Awal et al. 2025, EP-Shield,
arXiv 2504.19730), so a search needs a gate. The cheap one asks which words of the prompt a
reader would know; perplexity is divided by that of the prompt which the variant came from.

    >>> known_words("Return the sum.", "Retrun the total sum, PLeaSe.")
    0.6

Not covered: a fluent sentence in the wrong place, words in the wrong order; perplexity is per
token, so that added fluent text lowers it.
"""

import math
import re
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Protocol

from overproof.perturbation.operators import get_operator
from overproof.perturbation.rewriting import rewriting_of
from overproof.perturbation.text.lexicon import TERMS, readings
from overproof.progress import stage
from overproof.records import Variant

BATCH = 32
WORD = re.compile(r"[A-Za-z]+")
_FUNCTION_WORDS = """
a about above after again all also an and any are as at be because been before behind below both
but by can could did do does each either else ever every few first for from had has have he her
here him his how i if in into is it its just last least less like may me might more most much must
my near never next no none nor not now of off on once one only or other others our out over own per
second she should since so some such than that the their them then there these they this those
through to too two under until up upon us very via was we were what when where whether which while
who whom whose why will with within without would yes yet you your
assert bool class def del dict elif enumerate except false float import int isinstance lambda len
list none pass print range raise return self set sorted str sum true tuple tuples yield
docstring fixme fyi nb todo
"""
FUNCTION_WORDS = frozenset(_FUNCTION_WORDS.split())
"""Words that the lexicon has no entry for, and Python's own."""


def known_words(before: str, after: str) -> float:
    """Return the share of the words of a prompt that its control has or that are English.

    A word in odd capitals counts as unknown, unless the control has it so. 1 without any word.
    """
    own = set(WORD.findall(before))
    words = WORD.findall(after)
    odd = sum(word not in own and not _is_english(word) for word in words)
    return 1 - odd / len(words) if words else 1.0


@lru_cache(maxsize=65536)
def _is_english(word: str) -> bool:
    if not (word.islower() or word.istitle() or word.isupper()):
        return False
    low = word.lower()
    return len(low) == 1 or low in FUNCTION_WORDS or low in TERMS or bool(readings(low))


class Judge(Protocol):
    """Whatever can tell the loss of a text: any engine that scores."""

    def losses(self, texts: Sequence[tuple[str, str]]) -> list[float]:
        """Return mean -log p per token of each target after its prompt, in nats."""


def perplexity_ratios(pairs: Sequence[tuple[str, str]], judge: Judge) -> list[float]:
    """Return perplexity(perturbed) / perplexity(control) of each (control, perturbed) pair.

    Perplexity is exp of the mean loss per token of the whole prompt.
    """
    texts = list(dict.fromkeys(text for pair in pairs for text in pair))
    losses: dict[str, float] = {}
    with stage("naturalness", len(texts), "prompts") as advance:
        for start in range(0, len(texts), BATCH):
            part = texts[start : start + BATCH]
            losses.update(zip(part, judge.losses([("", text) for text in part]), strict=True))
            advance(len(part))
    return [math.exp(losses[perturbed] - losses[control]) for control, perturbed in pairs]


def with_perplexity(variants: Sequence[Variant], judge: Judge) -> list[Variant]:
    """Return the variants with the ratio to their control's prompt in their certificates.

    Variants without a certificate, and those whose control is not among the variants, stay as
    they are.
    """
    prompts = {(row.task_id, row.operator): row.prompt for row in variants}
    measured = []
    for number, row in enumerate(variants):
        if row.certificate is None:
            continue
        plain = row.family == "null" or rewriting_of(row.operator)
        control = "nominal" if plain else get_operator(row.operator).control
        before = prompts.get((row.task_id, control))
        if before is not None:
            measured.append((number, (before, row.prompt)))
    ratios = perplexity_ratios([pair for _, pair in measured], judge)
    found = list(variants)
    for (number, _), ratio in zip(measured, ratios, strict=True):
        certificate = found[number].certificate
        assert certificate is not None, "only certified rows were measured"
        rounded = replace(certificate, perplexity_ratio=round(ratio, 4))
        found[number] = replace(found[number], certificate=rounded)
    return found
