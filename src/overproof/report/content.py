"""What the report says, section by section, before any layout: tables, pictures, sentences.

    content = report_content(run)

The same content becomes report.html and report.md. Every figure is a `Score` or `Claim` row, but
for the counts of flows.py and the curves of attacks.py. A section that the run has nothing for is
None, and both pages leave it out.
"""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from overproof.records import EXCLUDED, Claim, Outcome, Problem, Sample, Score, Timing, Variant
from overproof.report import (
    arms,
    attacks,
    claims,
    flows,
    forests,
    languages,
    overlaps,
    pareto,
    pictures,
    sentences,
    training,
    yields,
)
from overproof.report.facts import AGGREGATES, Model, ScoreIndex, label_of, summary_rows, visible
from overproof.report.results import finite
from overproof.report.tables import (
    TextTable,
    compact,
    detail_table,
    difference_table,
    operator_table,
    side_table,
    speed_table,
    summary_table,
    word_columns,
)

FOLDED_ROWS = 12
"""A side table with more rows than this is folded."""


@dataclass(frozen=True, kw_only=True)
class RunRows:
    """All rows of a run that the report is made from."""

    title: str
    recipe_yaml: str
    manifest: Mapping[str, Any]
    problems: Sequence[Problem]
    variants: Sequence[Variant]
    samples: Sequence[Sample]
    outcomes: Sequence[Outcome]
    scores: Sequence[Score]
    timings: Sequence[Timing]
    notes: Mapping[str, Any]
    claims: Sequence[Claim] = ()
    adversaries: Sequence[attacks.Attack] = ()

    @property
    def models(self) -> Sequence[Model]:
        """The models in the order of the tables."""
        found: Sequence[Model] = self.manifest["models"]
        return found


def report_content(run: RunRows) -> dict[str, Any]:
    """Return every section of the report by name.

    Raises: DataError for a note `Arms` of another form.
    """
    index, models, notes = ScoreIndex(run.scores), run.models, run.notes
    rest = {key: value for key, value in run.manifest.items() if key != "models"}
    summary = summary_rows(index, models)
    # Labels fit to be shown; those of the manifest may hold anything.
    shown = [{**model, "label": label_of(model)} for model in models]
    return {
        "title": run.title,
        "headline": sentences.headline(index, shown, run.claims),
        "claims": claims.claim_views(run.claims),
        "claim_counts": claims.claim_counts(run.claims),
        "claim_table": claims.claim_table(run.claims),
        "pooled": sentences.pooled_sentence(index, models),
        "summary": summary,
        "summary_table": summary_table(summary),
        "mixed": len({row.build for row in summary}) > 1,
        "models": shown,
        "slots": pictures.slots(models),
        "pareto": pareto.pareto(index, models),
        "flow": _flow(run),
        "attack": _attack(run.adversaries),
        "ablation": _ablation(index, models, notes),
        "languages": _languages(index, models),
        "forest": forests.forest(index, models),
        "noise": forests.null_drop(index, models) > 0,
        "operators": operator_table(index, models),
        "details": compact(detail_table(index, models), (2, 3, 4)),
        **_differences(index, models),
        "speed": speed_table(index, models),
        "notes": [_note(name, told) for name, told in notes.items() if name != arms.ARMS],
        "recipe": run.recipe_yaml,
        "command": run.manifest.get("command", "overproof run recipe.yaml"),
        "manifest": json.dumps(finite(rest), indent=2, ensure_ascii=False, default=str),
        "warnings": [
            *sentences.missing_warnings(index, models),
            *sentences.coverage_warnings(index, models),
            *sentences.length_warnings(index, models),
        ],
        "small_print": _small_print(run),
    }


def _flow(run: RunRows) -> dict[str, Any] | None:
    """Return what became of the tasks from model to model; None for a single model."""
    flow = flows.task_flow(run.problems, run.variants, run.samples, run.outcomes, run.models)
    if flow is None:
        return None
    return {
        "picture": flows.flow_figure(flow),
        "table": flows.flow_table(flow),
        "text": flows.flow_sentence(flow),
        "perturbed": flow.states == flows.STATES,
    }


def _attack(found: Sequence[attacks.Attack]) -> dict[str, Any] | None:
    """Return the section on adversaries; None for a run without an attack."""
    if not found:
        return None
    return {
        "picture": attacks.attack_figure(found),
        "table": attacks.attack_table(found),
        "sentences": attacks.attack_sentences(found),
    }


def _differences(index: ScoreIndex, models: Sequence[Model]) -> dict[str, TextTable | None]:
    """Return the table of differences; of many pairs a short one, unless the arms' has it."""
    full = difference_table(index, models)
    if len(index.pairs()) < sentences.MANY:
        return {"differences": full if full.rows else None, "all_differences": None}
    compared = arms.is_ablation(index, models)
    short = None if compared else difference_table(index, models, brief=True)
    return {"differences": short, "all_differences": full}


def _ablation(
    index: ScoreIndex, models: Sequence[Model], notes: Mapping[str, Any]
) -> dict[str, Any] | None:
    """Return the section on arms: tables, pictures and words; None for a run without arms."""
    trained = arms.read_arms(notes)
    compared = arms.is_ablation(index, models)
    if not trained and not compared:
        return None
    curves = [
        {"name": visible(arm.arm), "picture": training.training_curve(arm, number)}
        for number, arm in enumerate(trained)
    ]
    return {
        "seen": arms.seen_sentence(index, trained, models),
        "picture": training.arm_differences(index, models) if compared else None,
        "levels": arms.level_table(index, models) if compared else None,
        "steps": arms.step_table(index, models) if compared else None,
        "changes": arms.changes_table(trained, models) if trained else None,
        "heldout": arms.heldout_table(trained, models),
        "curves": [curve for curve in curves if curve["picture"]],
    }


def _languages(index: ScoreIndex, models: Sequence[Model]) -> dict[str, Any] | None:
    """Return the section on languages and suites; None for a run of one suite in Python."""
    rows = languages.part_rows(index)
    if not rows:
        return None
    named = [(row.part, row.label) for row in rows]
    robust = languages.language_table(index, models, "robust_pass@1")
    drops = [(label_of(model), languages.drop_table(index, model)) for model in models]
    return {
        "what": "language" if languages.by_language(index) else "suite",
        "several": len(rows) > 1,
        "picture": forests.languages(index, models, named) if len(rows) > 1 else None,
        "spread": len(models) <= forests.MANY,
        "nominal": languages.language_table(index, models, "pass@1"),
        "left_out": languages.left_out_table(index, models),
        "robust": robust if index.places() else None,
        "drops": [{"name": name, "table": table} for name, table in drops if table.rows],
    }


def _note(name: str, told: Any) -> dict[str, Any]:
    """Return a side table's parts: heading, picture, tables and text, each of them optional."""
    if name == overlaps.NOTE and isinstance(told, Mapping):
        counts, listed = overlaps.overlap_tables(told)
        found = {
            "Removed by suite and rule.": counts,
            "What the pairs were compared with, and what they are.": side_table(
                overlaps.other_rows(told)
            ),
            "Pairs that were removed.": listed,
        }
        return _parts(name, found, overlaps.overlap_sentence(told))
    if name == yields.NOTE and yields.is_yields(told):
        return _parts(name, {yields.CAPTION: yields.yield_table(told)}, yields.sentence(told))
    table = side_table(told)
    picture = pictures.curve(name, told if isinstance(told, list) else [])
    text = told if isinstance(told, str) else "" if table else "nothing recorded"
    tables = [_side(table, f"{name}.", folded=picture is not None)] if table else []
    return {"name": name, "picture": picture, "tables": tables, "text": text}


def _parts(name: str, tables: Mapping[str, TextTable | None], text: str) -> dict[str, Any]:
    sides = [_side(table, caption) for caption, table in tables.items() if table]
    return {"name": name, "picture": None, "tables": sides, "text": text}


def _side(table: TextTable, caption: str, folded: bool = False) -> dict[str, Any]:
    return {
        "content": table,
        "caption": caption,
        "words": word_columns(table),
        "folded": folded or len(table.rows) > FOLDED_ROWS,
    }


def _small_print(run: RunRows) -> list[str]:
    """Return what a careful reader asks for: counts, exclusions, engines."""
    suites = Counter(f"{problem.suite} ({problem.language})" for problem in run.problems)
    tasks = ", ".join(f"{count} tasks of {name}" for name, count in suites.items())
    verdicts = Counter(outcome.status for outcome in run.outcomes)
    excluded = sum(verdicts[status] for status in EXCLUDED)
    lines = [
        f"{tasks or 'No task'}; {len(run.variants):,} prompts, {len(run.samples):,} samples",
        f"{excluded:,} of {len(run.outcomes):,} executions failed on our side "
        f"({' or '.join(EXCLUDED)}) and are left out, not counted as wrong",
    ]
    seeds = [
        score.counts.get("variants_per_task", 0)
        for score in run.scores
        if score.metric == "robust_pass@1"
        and score.operator not in AGGREGATES
        and not score.against
    ]
    if seeds:
        lines.append(
            f"s = {max(seeds)} prompts per task for every random operator, null included; "
            "1 for the others"
        )
    measured = sum(not timing.warmup for timing in run.timings)
    if measured:
        lines.append(f"{measured:,} timed answers, warm-up dropped, models in random order")
    lines.append(_engines(run.models))
    return lines


def _engines(models: Iterable[Mapping[str, Any]]) -> str:
    builds = Counter(
        "a server, at a precision that is not known here"
        if model.get("engine") == "server"
        else f"{model.get('engine') or 'unknown engine'} at {model.get('precision') or 'unknown'}"
        for model in models
    )
    if len(builds) == 1:
        return f"All models ran in {next(iter(builds))}"
    return f"The models ran in different engines or precisions: {'; '.join(sorted(builds))}"
