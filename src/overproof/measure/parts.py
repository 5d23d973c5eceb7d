"""What a pooled figure is made of: the suites and languages of a run, each with its own rows.

    [(part.suite, part.language) for part in parts(verdicts)]

A task in thirteen languages is thirteen tasks of one cluster: they are counted one by one, and
whatever interval is drawn resamples or compares them together. Suites that share their tasks
(`humaneval` and `multicode:rust`) are clustered in the same way.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from overproof.measure.tables import Unit, Verdicts


@dataclass(frozen=True, kw_only=True)
class Part:
    """The tasks that a row is about."""

    suite: str
    """Empty for those of several suites."""
    language: str
    """Empty for those in several languages."""
    units: tuple[Unit, ...]

    @property
    def pooled(self) -> bool:
        """Whether these are all tasks of the run."""
        return not self.suite and not self.language


def parts(verdicts: Verdicts) -> list[Part]:
    """Return all tasks, then each suite and each language that is not all of them.

    A suite in one language is one part, named by both. A run of one suite in Python has no parts
    but all; one in another language has one, so that its language is on record.
    """
    everything = Part(suite="", language="", units=tuple(verdicts.units))
    cells = list(dict.fromkeys((unit.suite, unit.language) for unit in verdicts.units))
    if len(cells) < 2 and all(language == "python" for _, language in cells):
        return [everything]
    suites, languages = _spans(cells, 0), _spans(cells, 1)
    found = [everything]
    for language, among in languages.items():
        if len(among) > 1 and len(languages) > 1:
            found.append(_part(verdicts, "", language))
        found += [_part(verdicts, suite, language) for suite in among]
    several = [suite for suite, among in suites.items() if len(among) > 1]
    return found + [_part(verdicts, suite, "") for suite in several if len(suites) > 1]


def part_counts(verdicts: Verdicts, part: Part) -> dict[str, int]:
    """Return how many problems a part has, and what it lacks beside the run's other parts.

    `absent` are source tasks that the run has in another language only, `calls_left_out` the
    calls that a language cannot be asked.
    """
    sources = {verdicts.cluster(unit) for unit in part.units}
    everywhere = {verdicts.cluster(unit) for unit in verdicts.units}
    counts = {
        "problems": len(part.units),
        "source_tasks": len(sources),
        "absent": len(everywhere - sources),
        "calls_left_out": sum(verdicts.calls_left_out.get(unit.task_id, 0) for unit in part.units),
    }
    return {name: count for name, count in counts.items() if count}


def pooled_words(units: Sequence[Unit], *, full: bool) -> str:
    """Return what a pooled figure pools, each suite with its tasks if asked; empty for one suite.

    >>> both = [Unit("humaneval", "python", "HumanEval/0"), Unit("multicode:go", "go", "go/0")]
    >>> pooled_words(both, full=True)
    'pooled: humaneval 1, multicode:go 1'
    """
    sizes: dict[str, int] = {}
    mixed = len({unit.suite for unit in units}) < len({unit[:2] for unit in units})
    for unit in units:
        name = f"{unit.suite} in {unit.language}" if mixed else unit.suite
        sizes[name] = sizes.get(name, 0) + 1
    if len(sizes) < 2:
        return ""
    if full:
        return f"pooled: {', '.join(f'{name} {count}' for name, count in sizes.items())}"
    return f"pooled over {len(sizes)} suites"


def _spans(cells: Iterable[tuple[str, str]], axis: int) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for cell in cells:
        found.setdefault(cell[axis], []).append(cell[1 - axis])
    return found


def _part(verdicts: Verdicts, suite: str, language: str) -> Part:
    return Part(
        suite=suite,
        language=language,
        units=tuple(
            unit
            for unit in verdicts.units
            if suite in ("", unit.suite) and language in ("", unit.language)
        ),
    )
