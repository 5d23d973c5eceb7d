"""Which samples the report's browser holds, where a run has more than a page can.

    kept = choose(variants, samples)
    kept.variants, kept.note

All answers to a prompt are kept or none, so that models can be compared on it; the published
prompts come first, the others are drawn by a hash of their key: the same ones every time, of all
tasks and operators. Every figure of the report is computed from all samples.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from overproof.records import Outcome, Sample, Variant, content_key

MOST_SAMPLES = 50_000
"""That many take 3 MB in a page, which opens within a second; see benchmarks/report_size.py."""


@dataclass(frozen=True, kw_only=True)
class Kept:
    """What the browser holds, and what it says about that."""

    variants: Sequence[Variant]
    samples: Sequence[Sample]
    outcomes: Sequence[Outcome]
    note: str = ""
    """Empty where it holds everything."""


def choose(
    variants: Sequence[Variant],
    samples: Sequence[Sample],
    outcomes: Sequence[Outcome],
    most: int = MOST_SAMPLES,
) -> Kept:
    """Return what the browser holds of a run whose rows are all in memory."""
    chosen = choose_variants(variants, (sample.variant for sample in samples), most)
    if len(chosen) == len(variants):
        return Kept(variants=variants, samples=samples, outcomes=outcomes)
    kept = [sample for sample in samples if sample.variant in chosen]
    keys = {sample.key for sample in kept}
    return Kept(
        variants=[variant for variant in variants if variant.key in chosen],
        samples=kept,
        outcomes=[row for row in outcomes if (row.sample or row.key) in keys],
        note=note_on(len(kept), len(samples)),
    )


def choose_variants(
    variants: Sequence[Variant], answered: Iterable[str], most: int = MOST_SAMPLES
) -> set[str]:
    """Return the keys of the variants whose samples are shown; all if there are few enough.

    `answered` names the variant of every sample.
    """
    counts = Counter(answered)
    if counts.total() <= most:
        return {variant.key for variant in variants}
    chosen: set[str] = set()
    held = 0
    for variant in sorted(variants, key=_rank):
        held += counts[variant.key]
        if held > most:
            break
        chosen.add(variant.key)
    return chosen


def note_on(held: int, total: int) -> str:
    """Return what the page says where samples are left out.

    >>> note_on(49_998, 1_000_000)[:57]
    'The list holds 49,998 of the 1,000,000 samples: all answe'
    """
    return (
        f"The list holds {held:,} of the {total:,} samples: all answers to published prompts, as "
        "far as there is room, and to perturbed ones drawn by lot. The figures are those of all "
        "samples, which are in samples.jsonl; overproof show prints any of them."
    )


def _rank(variant: Variant) -> tuple[bool, str]:
    return variant.operator != "nominal", content_key("shown", variant.key)
