"""The stage that gathers pairs for a recipe: mine or read, dedupe, decontaminate, rank, cut.

Its result is kept in the run folder under a hash of the recipe's part and the suites, so that a
rerun neither mines again nor changes what an interrupted training saw.
"""

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from overproof.errors import DataError
from overproof.pairs.contamination import decontaminate
from overproof.pairs.duplicates import dedupe
from overproof.pairs.files import read_pairs, write_pairs
from overproof.pairs.mining import mine
from overproof.pairs.ranking import rank
from overproof.pairs.rules import MiningRules, summarise
from overproof.progress import say
from overproof.recipe import PairsConfig
from overproof.records import Pair, Problem, content_key
from overproof.store import RunFolder

GATHERING = 1
"""Raised when mining or filters change, so that pairs are gathered again."""


def gather_pairs(
    config: PairsConfig, problems: Sequence[Problem], seed: int, folder: RunFolder
) -> tuple[list[Pair], dict[str, Any]]:
    """Return the pairs to learn from, and the summary of what was removed and why.

    Raises: UsageError for a source that does not exist; DataError if no pair is left.
    """
    suites = content_key([(p.task_id, p.prompt, p.canonical_solution) for p in problems])
    key = content_key(msgspec.to_builtins(config), suites, seed, GATHERING)[:12]
    path = folder.path / f"pairs-{key}.jsonl"
    certificate_path = folder.path / f"pairs-{key}.certificate.json"
    if path.exists() and certificate_path.exists():
        pairs = read_pairs(path)
        summary: dict[str, Any] = json.loads(certificate_path.read_text())
        return pairs, _summary(summary)
    say(f"pairs: reading {', '.join(config.sources)}")
    gathered, dropped = _gather(config)
    clean = decontaminate(gathered, problems)
    chosen = rank(clean.pairs, seed)[: config.limit]
    if not chosen:
        raise DataError(
            f"no code–text pair is left of {len(gathered)} from {', '.join(config.sources)}",
            hint="name other sources in pairs.sources; `overproof pairs mine` shows the reasons",
        )
    summary = {
        "certificate": clean.certificate.as_json(),
        "dropped": dict(dropped),
        "chosen": len(chosen),
    }
    folder.write_json(certificate_path.name, summary)
    write_pairs(path, chosen)
    say(f"pairs: {len(chosen)} of {len(gathered)}; {len(clean.certificate.removed)} overlapped")
    return chosen, _summary(summary)


def _gather(config: PairsConfig) -> tuple[list[Pair], Counter[str]]:
    """Read files of pairs, mine everything else, drop what is there twice."""
    dropped: Counter[str] = Counter()
    pairs: list[Pair] = []
    files = [source for source in config.sources if source.endswith((".jsonl", ".jsonl.gz"))]
    for file in files:
        pairs += read_pairs(Path(file))
    trees = [source for source in config.sources if source not in files]
    if trees:
        rules = MiningRules(
            max_code_chars=config.max_code_chars, max_prompt_chars=config.max_prompt_chars
        )
        mined = mine(trees, rules)
        pairs += mined.pairs
        dropped.update(summarise(mined.dropped))
    unique = dedupe(pairs)
    dropped.update(summarise(unique.dropped))
    return unique.pairs, dropped


def _summary(stored: dict[str, Any]) -> dict[str, Any]:
    """Return what the report shows: the sizes, the rules' counts, who was removed."""
    certificate = stored["certificate"]
    rules = Counter(removal["rule"] for removal in certificate["removed"])
    return {
        "pairs before": certificate["pairs_in"],
        "pairs after": certificate["pairs_out"],
        "pairs used": stored["chosen"],
        **{f"removed by {rule}": count for rule, count in sorted(rules.items())},
        "removed": [
            f"{r['name']} ({r['origin']}) for {r['task_id']}" for r in certificate["removed"]
        ],
    }
