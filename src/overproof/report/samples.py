"""The data of the sample browser: every prompt once, every completion, as JSON inside HTML.

    browser_json(variants, samples, outcomes, models)

The text comes from models and is hostile until shown otherwise. `<`, `>` and `&` are written as
JSON escapes, so nothing in it can close the script element; everything outside ASCII is escaped
too, line separators and lone surrogates included. The page shows it with textContent only.
"""

import json
import re
from collections.abc import Iterable, Sequence

from overproof.records import Outcome, Sample, Variant
from overproof.report.facts import Model, label_of

KEY_DIGITS = 16
"""Digits of a sample's key that make its link."""


def browser_json(
    variants: Iterable[Variant],
    samples: Iterable[Sample],
    outcomes: Iterable[Outcome],
    models: Sequence[Model],
) -> str:
    """Return JSON that is safe between script tags.

    `variants`: [task, operator, seed, nominal or -1, prompt]; `samples`: [variant, model,
    sample_index, status, detail, completion, key], with indices into `variants` and `models`.
    """
    rows = list(variants)
    place = {variant.key: i for i, variant in enumerate(rows)}
    nominal = {_task(row): i for i, row in enumerate(rows) if row.operator == "nominal"}
    labels = {model["name"]: label_of(model) for model in models}
    outcome_of = {outcome.key: outcome for outcome in outcomes}
    shown = [sample for sample in samples if sample.variant in place]
    names = list(dict.fromkeys([*labels, *(sample.model for sample in shown)]))
    number = {name: i for i, name in enumerate(names)}
    content = {
        "models": [labels.get(name, name) for name in names],
        "variants": [
            [row.task_id, row.operator, row.seed, nominal.get(_task(row), -1), row.prompt]
            for row in rows
        ],
        "samples": [
            [
                place[sample.variant],
                number[sample.model],
                sample.sample_index,
                outcome_of[sample.key].status if sample.key in outcome_of else "not executed",
                outcome_of[sample.key].detail if sample.key in outcome_of else "",
                sample.completion,
                sample.key[:KEY_DIGITS],
            ]
            for sample in shown
        ],
    }
    return script_safe(json.dumps(content, separators=(",", ":")))


def script_safe(text: str) -> str:
    r"""Escape JSON so that no HTML parser sees a tag or an entity in it.

    >>> script_safe('"</script>"')
    '"\\u003c/script\\u003e"'
    """
    escapes = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"}
    return re.sub("[<>&]", lambda found: escapes[found[0]], text)


def _task(variant: Variant) -> tuple[str, str, str]:
    return variant.suite, variant.language, variant.task_id
