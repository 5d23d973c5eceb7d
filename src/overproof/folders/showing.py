"""One run, or one of its samples, in words: what was asked, written, and judged.

    for part in run_parts(open_run(Path("runs/demo"))): ...

Text from models is shown with what a terminal would obey made visible.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any

import msgspec

from overproof.errors import UnknownNameError, UsageError
from overproof.folders.light import full_row, sample_heads
from overproof.folders.run import Run
from overproof.records import Outcome, Sample, Variant
from overproof.report.facts import MISSING, size_text, visible

if TYPE_CHECKING:
    from rich.table import Table

NOT_EXECUTED = "not executed"


def run_parts(run: Run) -> "Iterator[Table | str]":
    """Yield what a terminal shows of a run, whatever its state."""
    import yaml

    yield f"{run.path}: {run.state}"
    if command := run.manifest.get("command"):
        yield f"command: {visible(str(command))}"
    if run.values:
        yield "\nrecipe"
        dumped = yaml.safe_dump(run.values, sort_keys=False, allow_unicode=True, width=76)
        yield visible(_indented(dumped.rstrip()))
    yield "\nmodels"
    yield _models(run)
    if counts := run.counts():
        yield "\nrows"
        yield from (f"  {name:<10} {count:>9,}" for name, count in counts.items())
    if statuses := count_statuses(run):
        yield "\nstatuses"
        yield _statuses(statuses)
    yield ""
    yield from _scores(run)


def run_json(run: Run) -> dict[str, Any]:
    """Return the same as one object; the scores are rows of `Score`."""
    report = run.path / "report.html"
    return {
        "path": str(run.path),
        "state": run.state,
        "recipe": run.values,
        "manifest": run.manifest,
        "models": run.models(),
        "rows": run.counts(),
        "statuses": count_statuses(run),
        "scores": msgspec.to_builtins(run.scores),
        "report": str(report) if report.is_file() else None,
    }


def count_statuses(run: Run) -> dict[str, dict[str, int]]:
    """Return by model how its samples ended, the most frequent first."""
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for sample in sample_heads(run.path):
        verdict = run.verdicts.get(sample.key)
        found[sample.model][verdict.status if verdict else NOT_EXECUTED] += 1
    return {model: dict(statuses.most_common()) for model, statuses in found.items()}


def sample_parts(run: Run, key: str, *, colour: bool = False) -> Iterator[str]:
    """Yield one sample: prompt against the nominal one, completion, verdict.

    Raises: UnknownNameError, UsageError.
    """
    sample, variant, nominal, outcome = find_sample(run, key)
    yield f"sample      {sample.key}"
    yield f"task        {visible(sample.task_id)}"
    yield f"model       {visible(sample.model)} ({sample.engine} {sample.precision})"
    yield f"prompt      {sample.operator}, seed {sample.seed}; sample {sample.sample_index}"
    yield (
        f"tokens      {sample.prompt_tokens} in, {sample.completion_tokens} out, "
        f"ended by {sample.finish_reason}"
    )
    if outcome is None:
        yield f"verdict     {NOT_EXECUTED} yet"
    else:
        detail = f": {visible(outcome.detail)}" if outcome.detail else ""
        yield f"verdict     {outcome.status}{detail}"
        yield (
            f"execution   {outcome.cpu_seconds:.3f} CPU s, {outcome.memory_mib:.0f} MiB, "
            f"tier {outcome.tier}{f', {outcome.toolchain}' if outcome.toolchain else ''}"
        )
    yield "\n--- prompt" + (", against the published one" if nominal else "")
    yield _prompt(variant, nominal, colour)
    yield "\n--- completion"
    yield visible(sample.completion.rstrip("\n")) or "(empty)"
    if not sample.solution:
        yield "\nno code was found in it"


def sample_json(run: Run, key: str) -> dict[str, Any]:
    """Return one sample with its variant, the nominal one and the verdict.

    Raises: as `sample_parts`.
    """
    sample, variant, nominal, outcome = find_sample(run, key)
    parts = {"sample": sample, "variant": variant, "nominal": nominal, "outcome": outcome}
    return {name: msgspec.to_builtins(part) for name, part in parts.items()}


def find_sample(
    run: Run, key: str
) -> tuple[Sample, Variant | None, Variant | None, Outcome | None]:
    """Return the sample whose key begins like this, its variant, the published one, the verdict.

    The variant is None where the folder keeps no prompts, the published one where that is it.
    Raises: UnknownNameError; UsageError if several keys begin like this.
    """
    found = [head.key for head in sample_heads(run.path) if head.key.startswith(key)]
    if not found:
        where = f"keys are in {run.path / 'samples.jsonl'}, field `key`"
        first = [head.key for head in islice(sample_heads(run.path), 3)]
        raise UnknownNameError("sample", key, first, hint=where)
    if len(found) > 1:
        shown = ", ".join(found[:3])
        raise UsageError(f"{len(found)} samples begin with {key}: {shown} …", hint="say more of it")
    sample = full_row(run.path, "samples", Sample, found[0])
    assert sample is not None
    verdict = run.verdicts.get(sample.key)
    outcome = full_row(run.path, "outcomes", Outcome, verdict.key) if verdict else None
    variants = {variant.key: variant for variant in run.variants} if run.has_prompts else {}
    variant = variants.get(sample.variant)
    nominal = next(
        (
            row
            for row in variants.values()
            if row.operator == "nominal" and variant and row.task_id == variant.task_id
        ),
        None,
    )
    return sample, variant, nominal if nominal != variant else None, outcome


def _prompt(variant: Variant | None, nominal: Variant | None, colour: bool) -> str:
    from overproof.perturbation.difference import Piece, marked, word_difference

    if variant is None:
        return "(the folder keeps no variants)"
    if nominal is None:
        return visible(variant.prompt.rstrip("\n"))
    pieces = word_difference(visible(nominal.prompt), visible(variant.prompt))
    if not colour:
        return marked(pieces).rstrip("\n")
    tones = {"same": "{}", "gone": "\033[31m{}\033[0m", "new": "\033[32m{}\033[0m"}

    def coloured(piece: Piece) -> str:
        return tones[piece.kind].format(piece.text)

    return "".join(map(coloured, pieces)).rstrip("\n")


def _models(run: Run) -> "Table":
    table = _table("name", "engine", "precision", "size", "SHA-256")
    known = {str(model["name"]): model for model in run.manifest.get("models", [])}
    for name in run.models():
        engine, precision = run.builds.get(name, ("", ""))
        model = known.get(name, {})
        cells = (
            name,
            model.get("engine") or engine,
            model.get("precision") or precision,
            size_text(model.get("size_bytes")),
            str(model.get("sha256") or MISSING)[:16],
        )
        table.add_row(*(_text(str(cell)) for cell in cells))
    return table


def _statuses(statuses: dict[str, dict[str, int]]) -> "Table":
    names = list(dict.fromkeys(name for found in statuses.values() for name in found))
    table = _table("status", *statuses)
    for name in names:
        table.add_row(_text(name), *(_text(str(row.get(name, 0))) for row in statuses.values()))
    return table


def _scores(run: Run) -> "Iterator[Table | str]":
    """Yield the tables that the run printed at its end, and where its report is."""
    from overproof.report.terminal import summary_tables

    if not run.scores:
        yield "scores: none yet; the command that made the folder goes on where it stopped"
        return
    yield "scores"
    told = run.results.get("manifest") or run.manifest
    yield from summary_tables(run.scores, told["models"], run.results.get("notes", {}))
    yield f"\nreport: {run.path / 'report.html'}"


def _table(*headings: str) -> "Table":
    from rich.table import Table

    table = Table(box=None, pad_edge=False, padding=(0, 1), header_style="bold")
    for heading in headings:
        table.add_column(_text(heading), overflow="fold")
    return table


def _text(content: str) -> Any:
    from rich.text import Text

    return Text(visible(content))


def _indented(text: str) -> str:
    return "\n".join(f"  {line}" for line in text.split("\n"))
