"""What the tasks in this folder name by `!function`: documents, verdicts, aggregations.

    documents(suite="humaneval", limit=3)["test"][0]["task_id"]

Limits: prompts go out as they are, for completion; answers may be fenced and with prose. With
`repeats` and a filter that keeps them all, pass@1 is the mean over the answers.

Source: lm-eval 0.4, "Task guide" (`custom_dataset`, `process_results`).
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import cache
from importlib.util import find_spec
from typing import Any

import msgspec

from overproof.errors import EngineError
from overproof.records import EXCLUDED, Variant


def documents(
    suite: str = "humaneval",
    operators: str = "",
    seeds: int = 1,
    limit: int | None = None,
    **others: Any,
) -> dict[str, Any]:
    """Return one document a prompt, nominal ones first; `others` is what lm-eval keeps there, too.

    The split is a `datasets.Dataset` where that package is, which lm-eval brings; else a list.

    Raises: what `load_suite` and `perturb_suite` raise.
    """
    from overproof.interchange.judge import asked

    _, variants = asked(suite, operators, seeds, limit)
    rows = [
        {
            "task_id": variant.task_id,
            "operator": variant.operator,
            "prompt": variant.prompt,
            "target": variant.canonical_solution,
            "suite": suite,
            "variant": msgspec.json.encode(variant).decode(),
        }
        for variant in variants
    ]
    if find_spec("datasets") is None:
        return {"test": rows}
    from datasets import Dataset

    return {"test": Dataset.from_list(rows)}


def verdicts(doc: dict[str, Any], results: Sequence[Any]) -> dict[str, float]:
    """Return pass@1 of one document.

    Raises: EngineError if an answer can't be judged: lm-eval has no place for what is left out.
    """
    answers = [text for part in results for text in (part if isinstance(part, list) else [part])]
    variant = msgspec.json.decode(doc["variant"], type=Variant)
    found = _judge(doc["suite"]).verdicts(doc["task_id"], answers, variant)
    for outcome in found:
        if outcome.status in EXCLUDED:
            raise EngineError(
                f"{doc['task_id']}: {outcome.status} ({outcome.detail})",
                hint="`overproof doctor` says more",
            )
    return {"pass@1": sum(outcome.passed for outcome in found) / len(found)}


def perturbed_verdicts(doc: dict[str, Any], results: Sequence[Any]) -> dict[str, Any]:
    """Return pass@1 for a nominal prompt, the other two metrics for a perturbed one.

    What is left out of a document is in no mean.
    """
    passed = verdicts(doc, results)["pass@1"]
    if doc["operator"] in ("nominal", "null"):
        return {"pass@1": passed} if doc["operator"] == "nominal" else {}
    return {"perturbed_pass@1": passed, "robust_pass@1": (doc["task_id"], passed)}


def share_of_robust(items: Iterable[tuple[str, float]]) -> float:
    """Return the share of tasks whose every perturbed prompt was solved; NaN if there is none.

    >>> share_of_robust([("a", 1.0), ("a", 0.0), ("b", 1.0)])
    0.5
    """
    tasks: dict[str, list[bool]] = defaultdict(list)
    for task_id, passed in items:
        tasks[task_id].append(passed == 1.0)
    return sum(map(all, tasks.values())) / len(tasks) if tasks else float("nan")


@cache
def _judge(suite: str) -> Any:
    from overproof.interchange.judge import Judge
    from overproof.suites import load_suite

    return Judge(load_suite(suite))
