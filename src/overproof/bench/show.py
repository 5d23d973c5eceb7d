"""A bench on a terminal: 80 columns, readable without colour.

for table in tables(benched): rich.print(table)
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from overproof.bench.figures import Figure
from overproof.bench.run import Benched

if TYPE_CHECKING:
    from rich.table import Table

TIMES = ("ttft_ms", "tpot_ms", "itl_ms", "e2e_ms", "ttft_due_ms", "e2e_due_ms")
NAMES = {
    "ttft_ms": "TTFT ms",
    "tpot_ms": "TPOT ms",
    "itl_ms": "ITL ms",
    "e2e_ms": "E2E ms",
    "ttft_due_ms": "TTFT ms, from due",
    "e2e_due_ms": "E2E ms, from due",
    "tokens_per_s": "tokens/s of an answer",
    "cpu_ms_per_token": "CPU ms per token",
    "output_tokens_per_s": "output tokens/s",
    "answers_per_s": "answers/s",
    "in_time": "in time",
    "goodput_per_s": "goodput/s",
    "correct_goodput_per_s": "correct goodput/s",
    "failed": "no answer",
    "solved": "solved",
    "robust": "robustly solved",
    "s_per_solved": "s per solved",
    "cpu_s_per_solved": "CPU-s per solved",
    "joules_per_solved": "J per solved",
    "s_per_robust": "s per robustly solved",
    "cpu_s_per_robust": "CPU-s per robustly solved",
    "joules_per_robust": "J per robustly solved",
}
"""Figures of a model that are shown, in order; all of them are in bench.json."""
SHARES = ("in_time", "solved", "robust")
RATIOS = {
    "ttft_ms_ratio": "TTFT",
    "ttft_due_ms_ratio": "TTFT, from due",
    "tpot_ms_ratio": "TPOT",
    "e2e_ms_ratio": "E2E",
    "e2e_due_ms_ratio": "E2E, from due",
    "cpu_s_ratio": "CPU seconds",
    "cpu_ms_per_token_ratio": "CPU per token",
    "completion_tokens_ratio": "tokens",
}
CHANGES = ("ttft_ms_change", "e2e_ms_change", "completion_tokens_change")


def tables(benched: Benched) -> "Iterator[Table]":
    """Yield, for each load and cache state: times, the rest, ratios, what operators change."""
    for load, cache in dict.fromkeys((f.load, f.cache) for f in benched.figures):
        own = [f for f in benched.figures if (f.load, f.cache) == (load, cache)]
        title = f"{load}, prompt cache {cache}"
        yield _times(own, benched.models, title)
        yield _rest(own, benched.models)
        if any(figure.metric in RATIOS for figure in own):
            yield _ratios(own)
        if any(figure.metric in CHANGES for figure in own):
            yield _changes(own, benched.models)


def lines(benched: Benched) -> Iterator[str]:
    """Yield how it was run, and what to be wary of."""
    settings = benched.settings
    where = f"threads {settings['threads']}" if settings["threads"] else "on a server"
    cores = f", pinned to cores {settings['cores']}" if settings["cores"] else ""
    slo = f"; objectives {settings['slo']}" if settings["slo"] else ""
    yield f"{settings['engine']}, {settings['precision']}, {where}{cores}{slo}"
    for warning in benched.warnings:
        yield f"beware: {warning}"


def _times(figures: Sequence[Figure], models: Sequence[str], title: str) -> "Table":
    table = _table(title)
    for heading in ("", "model", "p50", "[95 %]", "p90", "p95", "p99"):
        right = heading not in ("", "model")
        table.add_column(
            heading,
            justify="right" if right else "left",
            no_wrap=heading != "model",
            overflow="fold" if heading == "model" else "ellipsis",
        )
    for metric in TIMES:
        for model in models:
            middle = _find(figures, model, metric)
            if middle is None:
                continue
            tails = [_find(figures, model, f"{metric}_p{point}") for point in (90, 95, 99)]
            cells = ("" if tail is None else _number(tail.value) for tail in tails)
            _add(table, NAMES[metric], model, _number(middle.value), _limits(middle), *cells)
    return table


def _rest(figures: Sequence[Figure], models: Sequence[str]) -> "Table":
    table = _table("")
    table.add_column("", no_wrap=True)
    for model in models:
        table.add_column(model, justify="right", overflow="fold")
    for metric, name in NAMES.items():
        found = [_find(figures, model, metric, operator=None) for model in models]
        if metric in TIMES or not any(found):
            continue
        cells = (
            "" if one is None else f"{_value(one)} {_limits(one, metric in SHARES)}".strip()
            for one in found
        )
        _add(table, name, *cells)
    return table


def _ratios(figures: Sequence[Figure]) -> "Table":
    table = _table("")
    for heading in ("model", "over", "ratio of", "prompts", "value", "[95 %]"):
        right, named = heading in ("value", "[95 %]"), heading in ("model", "over")
        table.add_column(
            heading,
            justify="right" if right else "left",
            no_wrap=not named,
            overflow="fold" if named else "ellipsis",
        )
    for figure in figures:
        if figure.metric in RATIOS:
            prompts = "published" if figure.operator == "nominal" else "all"
            _add(
                table, figure.model, figure.against, RATIOS[figure.metric], prompts,
                f"{figure.value:.3f}", _limits(figure),
            )  # fmt: skip
    return table


def _changes(figures: Sequence[Figure], models: Sequence[str]) -> "Table":
    table = _table("")
    table.add_column("perturbed over published", overflow="fold")
    table.add_column("model", overflow="fold")
    for heading in ("TTFT", "E2E", "tokens"):
        table.add_column(heading, justify="right", no_wrap=True)
    for operator in dict.fromkeys(f.operator for f in figures if f.metric in CHANGES):
        for model in models:
            found = [_find(figures, model, metric, operator=operator) for metric in CHANGES]
            cells = ("" if f is None else f"{f.value:.2f} {_limits(f)}".strip() for f in found)
            _add(table, operator, model, *cells)
    return table


def _find(
    figures: Sequence[Figure], model: str, metric: str, *, operator: str | None = "nominal"
) -> Figure | None:
    return next(
        (
            figure
            for figure in figures
            if figure.model == model
            and figure.metric == metric
            and operator in (None, figure.operator)
        ),
        None,
    )


def _value(figure: Figure) -> str:
    if figure.metric in SHARES and figure.value is not None:
        return f"{100 * figure.value:.1f} %"
    return _number(figure.value)


def _number(value: float | None) -> str:
    """Return three digits that count.

    >>> _number(0.01234), _number(12.345), _number(1234.5), _number(None)
    ('0.0123', '12.3', '1,234', '-')
    """
    if value is None:
        return "-"
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def _limits(figure: Figure, percent: bool = False) -> str:
    if figure.low is None and figure.high is None:
        return ""
    if percent:
        return f"[{100 * (figure.low or 0):.1f}, {100 * (figure.high or 0):.1f}]"
    if figure.metric.endswith(("_ratio", "_change")):
        return f"[{figure.low:.3f}, {figure.high:.3f}]"
    return f"[{_number(figure.low)}, {_number(figure.high)}]"


def _table(title: str) -> "Table":
    from rich.table import Table

    return Table(
        box=None, pad_edge=False, padding=(0, 1), header_style="bold", title=title or None,
        title_justify="left", title_style="bold",
    )  # fmt: skip


def _add(table: "Table", *cells: str) -> None:
    from rich.text import Text

    table.add_row(*(Text(cell) for cell in cells))
