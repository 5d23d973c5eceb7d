"""The card that training puts beside a checkpoint: where its weights come from.

---
base_model: qwen2.5-coder-0.5b-instruct
---
"""

from pathlib import Path

from overproof import __version__
from overproof.catalog import CATALOG, ModelSource
from overproof.recipe import DistillConfig, Recipe, dump_recipe


def describe_objective(config: DistillConfig) -> str:
    """Return the terms of an objective that are on, with their weights.

    >>> describe_objective(DistillConfig(describe_weight=0, robust_weight=0))
    '0.7 · forward_kl, text to code + 0.3 · cross-entropy on verified targets'
    """
    terms = (
        (config.kd_weight, f"{config.divergence}, text to code"),
        (config.describe_weight, "the same, code to text"),
        (config.repair_weight, "the same, repair"),
        (config.infill_weight, "the same, fill in the middle"),
        (config.ce_weight, f"cross-entropy on {config.ce_targets} targets"),
        (
            config.robust_weight,
            f"the same on perturbed prompts ({', '.join(config.robust_operators)})",
        ),
        (config.alignment_weight, "text–code alignment"),
        (
            config.on_policy_weight if config.on_policy_rounds else 0,
            f"reverse KL on the student's own text, {config.on_policy_rounds} rounds",
        ),
    )
    named = " + ".join(f"{weight:g} · {what}" for weight, what in terms if weight)
    syntax = f"; tokens weighed by syntax up to {1 + config.syntax_gamma:g}"
    return named + (syntax if config.syntax_gamma else "")


def write_model_card(
    folder: Path,
    arm: str,
    student: ModelSource,
    teacher: ModelSource,
    recipe: Recipe,
    config: DistillConfig,
) -> None:
    """Write README.md: where the weights come from, how they were trained, what to read next."""
    entry = CATALOG.get(recipe.models.student)
    licence = entry.licence.lower() if entry else "other"
    (folder / "README.md").write_text(
        f"""---
library_name: transformers
pipeline_tag: text-generation
license: {licence}
base_model: {recipe.models.student}
tags: [code, distillation, overproof]
---

# {recipe.name}: {arm}

{student.name}, distilled from {teacher.name} with overproof {__version__}.

| | |
|---|---|
| student | `{recipe.models.student}`, content {student.sha256[:16]} |
| teacher | `{recipe.models.teacher}`, content {teacher.sha256[:16]} |
| method | {config.method}, {config.steps} steps of {config.batch_size * config.grad_accum_steps} |
| objective | {describe_objective(config)}; teacher's top {recipe.teach.top_k} and tail |
| data | code–text pairs from {", ".join(recipe.pairs.sources)}, decontaminated against \
{", ".join(recipe.suites.names)} |

The results, with intervals, are in the report of the run that made this checkpoint; they belong
to the engine and the precision that the report names.

## Recipe

```yaml
{dump_recipe(recipe)}```
"""
    )
