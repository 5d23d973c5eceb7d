"""What leaves with a checkpoint: the model card.

---
base_model: qwen2.5-coder-0.5b-instruct
---
"""

from pathlib import Path

from overproof import __version__
from overproof.catalog import CATALOG, ModelSource
from overproof.recipe import Recipe, dump_recipe


def write_model_card(
    folder: Path, arm: str, student: ModelSource, teacher: ModelSource, recipe: Recipe
) -> None:
    """Write README.md: where the weights come from, how they were trained, what to read next."""
    entry = CATALOG.get(recipe.models.student)
    licence = entry.licence.lower() if entry else "other"
    config = recipe.distill
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
| objective | {config.kd_weight:g} · KL from the cached teacher (top {recipe.teach.top_k}, tail) \
+ {config.ce_weight:g} · cross-entropy on verified solutions \
+ {config.robust_weight:g} · KL on perturbed prompts ({", ".join(config.robust_operators)}) |
| data | code–text pairs from {", ".join(recipe.pairs.sources)}, decontaminated against \
{", ".join(recipe.suites.names)} |

The results, with intervals, are in the report of the run that made this checkpoint; they belong
to the engine and the precision that the report names.

## Recipe

```yaml
{dump_recipe(recipe)}```
"""
    )
