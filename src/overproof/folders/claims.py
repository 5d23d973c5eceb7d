"""The claims of a run folder, worked out from what it holds, and how a terminal shows them.

    for line in claim_lines(read_claims(open_run(Path("runs/demo")))): print(line)

They come from the rows in results.json; in a folder without it, from samples and verdicts, as
far as these go: sizes and timings are then not known, nor which operators training saw.
"""

import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import replace

from overproof.errors import UsageError
from overproof.folders.run import Run
from overproof.measure.ledger import ledger
from overproof.measure.scores import measure
from overproof.records import Claim, Score
from overproof.report.claims import MARKS, claim_counts, estimate_text, p_text

WIDTH = 88


def read_claims(run: Run) -> list[Claim]:
    """Return the claims of a run, in the order of the report.

    Raises: UsageError if the folder has neither results nor samples with verdicts; DataError.
    """
    manifest = run.results.get("manifest") or run.manifest
    scores = run.scores or _measured(run)
    if not manifest:
        names = dict.fromkeys(sample.model for sample in run.samples)
        manifest = {"models": [{"name": name} for name in names], "command": ""}
    return ledger(scores, manifest, run.results.get("notes", {}))


def claim_lines(claims: Sequence[Claim]) -> Iterator[str]:
    """Yield the claims as text: verdict, sentence, numbers, and what they leave out."""
    for claim in claims:
        head = f"{MARKS[claim.verdict]} {claim.verdict.upper()}, {claim.confidence} confidence"
        yield head
        yield from textwrap.wrap(claim.claim, WIDTH, initial_indent="  ", subsequent_indent="  ")
        numbers = [estimate_text(claim)]
        if claim.p_adjusted is not None:
            p = p_text(claim.p_adjusted)
            numbers.append(f"adjusted p {p}" if p.startswith("<") else f"adjusted p = {p}")
        numbers.append(f"{claim.n:,} tasks")
        if claim.detectable is not None and claim.unit == "points":
            numbers.append(f"detectable {claim.detectable:.1f} points")
        yield "  " + "; ".join(numbers)
        for limit in claim.limitations:
            yield from textwrap.wrap(
                limit, WIDTH, initial_indent="    - ", subsequent_indent="      "
            )
        yield ""
    if claims:
        yield claim_counts(claims)


def _measured(run: Run) -> list[Score]:
    """Return scores from the folder's samples and verdicts."""
    outcomes = [replace(outcome, key=key) for key, outcome in run.outcomes.items()]
    if not run.samples or not outcomes:
        raise UsageError(
            f"{run.path} has no scores yet: no results.json, and no samples with verdicts",
            hint="finish the run with `overproof run` or `overproof eval`",
        )
    tasks = dict.fromkeys(variant.task_id for variant in run.variants)
    return measure(tasks, run.variants, run.samples, outcomes)
