"""The stage that gathers pairs for a recipe: collect, decontaminate, rank, cut.

Its result is kept in the run folder under a hash of the recipe's part and the suites, so that a
rerun neither mines again nor changes what an interrupted training saw.
"""

import json
from collections import Counter
from collections.abc import Sequence
from typing import Any

import msgspec

from overproof.errors import DataError
from overproof.pairs.collect import collect
from overproof.pairs.contamination import decontaminate
from overproof.pairs.duplicates import dedupe
from overproof.pairs.files import read_pairs, write_pairs
from overproof.pairs.ranking import rank
from overproof.pairs.rules import MiningRules
from overproof.progress import say
from overproof.recipe import PairsConfig
from overproof.records import Pair, Problem, content_key
from overproof.store import RunFolder

GATHERING = 2
"""Raised when mining or filters change, so that pairs are gathered again."""


def gather_pairs(
    config: PairsConfig, problems: Sequence[Problem], seed: int, folder: RunFolder
) -> tuple[list[Pair], dict[str, Any]]:
    """Return the pairs to learn from, and the summary of what was removed and why.

    Raises: UsageError for a source that does not exist; DataError if no pair is left, or for a
    file that cannot be read; FetchError, EngineError as collect does.
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
    rules = MiningRules(
        max_code_chars=config.max_code_chars, max_prompt_chars=config.max_prompt_chars
    )
    found = collect(config.sources, rules, languages=config.languages, near=config.near_duplicate)
    clean = decontaminate(found.pairs, problems)
    chosen = rank(clean.pairs, seed)[: config.limit]
    if not chosen:
        raise DataError(
            f"no code–text pair is left of {len(found.pairs)} from {', '.join(config.sources)}",
            hint="name other sources in pairs.sources; `overproof pairs mine` shows the reasons",
        )
    summary = {
        "certificate": clean.certificate.as_json(),
        "sources": found.sources,
        "dropped": dict(found.reasons.most_common()),
        "licences": dict(Counter(pair.licence for pair in chosen).most_common()),
        "languages": dict(Counter(pair.language for pair in chosen).most_common()),
        "chosen": len(chosen),
    }
    folder.write_json(certificate_path.name, summary)
    write_pairs(path, chosen)
    removed = len(clean.certificate.removed)
    say(f"pairs: {len(chosen)} of {len(found.pairs)}; {removed} overlapped")
    return chosen, _summary(summary)


def join_own(
    pairs: Sequence[Pair],
    own: Sequence[Pair],
    problems: Sequence[Problem],
    config: PairsConfig,
    folder: RunFolder,
) -> tuple[list[Pair], dict[str, Any]]:
    """Return the pairs and those that the teacher made up, and what was removed of the latter.

    What repeats a pair, or overlaps with a suite, is left out; its certificate is stored beside
    that of the pairs.
    """
    if not own:
        return list(pairs), {}
    known = {pair.key for pair in pairs}
    fresh = [p for p in dedupe([*pairs, *own], config.near_duplicate).pairs if p.key not in known]
    clean = decontaminate(fresh, problems)
    folder.write_json("problems.certificate.json", clean.certificate.as_json())
    say(f"pairs: {len(clean.pairs)} of {len(own)} that the teacher made up")
    return [*pairs, *clean.pairs], {
        "made up by the teacher, examples pass": len(own),
        "of these, copies": len(own) - len(fresh),
        "of these, overlapping with a suite": len(clean.certificate.removed),
        "of these, used": len(clean.pairs),
    }


def _summary(stored: dict[str, Any]) -> dict[str, Any]:
    """Return what the report shows of the certificate: sizes, suites, counts, who was removed."""
    certificate = stored["certificate"]
    rules = Counter(removal["rule"] for removal in certificate["removed"])
    suites = [f"{suite['name']} ({suite['problems']})" for suite in certificate["suites"]]
    method = certificate["method"]
    return {
        "compared with": ", ".join(suites),
        "method": f"runs of {method['n']} words and tokens, trees up to names, equal docstrings "
        f"and names, Jaccard index of {method['min_jaccard']} by MinHash",
        "certificate": f"version {certificate['version']}, pairs {certificate['content']}",
        "pairs before": certificate["pairs_in"],
        "pairs after": certificate["pairs_out"],
        "pairs used": stored["chosen"],
        **{f"removed by {rule}": count for rule, count in sorted(rules.items())},
        "removed": [
            f"{r['name']} ({r['origin']}) for {r['task_id']}" for r in certificate["removed"]
        ],
        "left out before": _counts(stored["dropped"]),
        "licences": _counts(stored["licences"]),
        "languages": _counts(stored["languages"]),
    }


def _counts(numbers: dict[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in numbers.items()) or "none"
