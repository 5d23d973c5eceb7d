"""The data of the sample browser: what the list needs, and apart from it all texts.

    data = browser_data(problems, variants, samples, outcomes, models)
    data.index, data.texts

Rows are kept as columns; prompts as edits of the nominal one; answers, details and the like once
each, with those of a task side by side, where gzip finds what they share. The texts come from
models and are hostile until shown otherwise: packing.py makes them harmless in HTML, and the page
shows them with textContent only.

JavaScript counts UTF-16 units, Python code points: an edit of a prompt with characters beyond the
basic plane would be cut elsewhere, so such prompts are kept whole.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from overproof.records import Outcome, Problem, Sample, Variant
from overproof.report.facts import Model, label_of
from overproof.report.packing import Distinct, edit_between

KEY_DIGITS = 16
"""Digits of a sample's key that make its link."""
NOT_EXECUTED = "not executed"


@dataclass(frozen=True)
class BrowserData:
    """Both parts of the browser's data, as plain objects."""

    index: dict[str, Any]
    """Names, variants and samples as columns of numbers: enough for list and filters."""
    texts: dict[str, Any]
    """Prompts, completions, tests and details."""


def browser_data(
    problems: Iterable[Problem],
    variants: Iterable[Variant],
    samples: Iterable[Sample],
    outcomes: Iterable[Outcome],
    models: Sequence[Model],
) -> BrowserData:
    """Return what the browser shows of a run; samples of unknown variants are left out."""
    rows = list(variants)
    place = {variant.key: i for i, variant in enumerate(rows)}
    shown = [sample for sample in samples if sample.variant in place]
    labels = {model["name"]: label_of(model) for model in models}
    names = Distinct([*labels, *(sample.model for sample in shown)])
    outcome_of = {outcome.sample or outcome.key: outcome for outcome in outcomes}
    table = _Columns(names)
    # Answers to one task are alike: side by side they pack best.
    for sample in sorted(shown, key=lambda sample: place[sample.variant]):
        table.remember(sample.completion)
    for sample in shown:
        table.add(place[sample.variant], sample, outcome_of.get(sample.key))
    tasks = Distinct(_place(row.suite, row.language, row.task_id) for row in rows)
    index = {
        "models": [labels.get(name, name) for name in names.items],
        "variants": _variant_columns(rows, tasks),
        "samples": table.columns,
        "statuses": table.statuses.items,
        "notes": table.notes.items,
    }
    texts = {
        "prompts": _prompts(rows),
        "completions": table.completions.items,
        "details": table.details.items,
        "tests": _tests(problems, tasks),
    }
    return BrowserData(index, texts)


class _Columns:
    """The samples, a column per field."""

    def __init__(self, models: Distinct) -> None:
        self.models = models
        self.statuses, self.completions, self.details = Distinct(), Distinct(), Distinct([""])
        self.notes = Distinct()
        names = ("variant", "model", "index", "status", "completion", "detail", "note", "key")
        numbers = ("seconds", "tokens", "cpu_ms", "memory_mib")
        self.columns: dict[str, list[Any]] = {name: [] for name in (*names, *numbers)}

    def remember(self, completion: str) -> None:
        """Give a completion its place."""
        self.completions.add(completion)

    def add(self, variant: int, sample: Sample, outcome: Outcome | None) -> None:
        """Append one sample."""
        row = {
            "variant": variant,
            "model": self.models.add(sample.model),
            "index": sample.sample_index,
            "status": self.statuses.add(outcome.status if outcome else NOT_EXECUTED),
            "completion": self.completions.add(sample.completion),
            "detail": self.details.add(outcome.detail if outcome else ""),
            "note": self.notes.add(_how(sample, outcome)),
            "key": sample.key[:KEY_DIGITS],
            "seconds": round(sample.seconds, 3),
            "tokens": sample.completion_tokens,
            "cpu_ms": round(1000 * outcome.cpu_seconds, 1) if outcome else 0,
            "memory_mib": round(outcome.memory_mib) if outcome else 0,
        }
        for name, value in row.items():
            self.columns[name].append(value)


def _how(sample: Sample, outcome: Outcome | None) -> str:
    """Return how a sample was made and run, in words."""
    end = "stopped by itself" if sample.finish_reason == "stop" else "cut off at the token limit"
    parts = [" ".join(filter(None, (sample.engine, sample.precision))), end]
    if outcome:
        parts += [outcome.tier, outcome.toolchain]
    return " · ".join(filter(None, parts))


def _variant_columns(rows: Sequence[Variant], tasks: Distinct) -> dict[str, list[Any]]:
    nominal = _nominals(rows)
    checks = [row.certificate for row in rows]
    return {
        "task": [tasks.add(_place(row.suite, row.language, row.task_id)) for row in rows],
        "task_id": [row.task_id for row in rows],
        "language": [row.language for row in rows],
        "operator": [row.operator for row in rows],
        "family": [row.family for row in rows],
        "seed": [row.seed for row in rows],
        "nominal": [nominal.get(_place(row.suite, row.language, row.task_id), -1) for row in rows],
        "distance": [check.edit_distance if check else 0 for check in checks],
        "naturalness": [round(check.naturalness, 3) if check else 1 for check in checks],
    }


def _prompts(rows: Sequence[Variant]) -> list[Any]:
    """Return a prompt per variant: the text itself, or its edit of the nominal one."""
    nominal = _nominals(rows)
    found: list[Any] = []
    for number, row in enumerate(rows):
        base = nominal.get(_place(row.suite, row.language, row.task_id), number)
        before = rows[base].prompt
        plain = max(before, default="") < "\U00010000" > max(row.prompt, default="")
        edit = base != number and plain
        found.append(edit_between(before, row.prompt) if edit else row.prompt)
    return found


def _tests(problems: Iterable[Problem], tasks: Distinct) -> list[dict[str, str]]:
    """Return per task its tests, their language, and the reference solution."""
    found = [{"test": "", "language": "python", "solution": ""} for _ in tasks.items]
    known = set(tasks.items)
    for problem in problems:
        place = _place(problem.suite, problem.language, problem.task_id)
        if place not in known:
            continue
        cases = "".join(f"< {given!r}\n> {wanted!r}\n" for given, wanted in problem.cases)
        # Tests on values are Python for every language; source tests are in the problem's own.
        python = problem.source is not None or problem.language == "python"
        found[tasks.add(place)] = {
            "test": problem.test or cases,
            "language": "python" if python else problem.language,
            "solution": problem.canonical_solution,
        }
    return found


def _nominals(rows: Sequence[Variant]) -> dict[str, int]:
    return {
        _place(row.suite, row.language, row.task_id): number
        for number, row in enumerate(rows)
        if row.operator == "nominal"
    }


def _place(suite: str, language: str, task_id: str) -> str:
    return f"{suite}\n{language}\n{task_id}"
