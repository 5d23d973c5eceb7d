"""From command-line options to recipes and files, for the commands beside `run`.

overproof eval --model smollm2-135m-instruct --limit 10
"""

import re
from collections.abc import Iterator, Sequence, Set
from pathlib import Path
from typing import Any

from overproof.engines import DEFAULT_PRECISION
from overproof.models import Form, model_form
from overproof.recipe import Recipe, with_overrides

SERVER_MAX_NEW_TOKENS = 768
"""Budget where a server is asked: its answer repeats signature and docstring before the body."""


def evaluation_recipe(
    models: Sequence[str],
    suites: Sequence[str],
    operators: str,
    seeds: int,
    limit: int | None,
    engine: str,
    precision: str,
    latency: int,
    overrides: Sequence[str] = (),
) -> Recipe:
    """Return the recipe of an evaluation; models are named outside it.

    Raises: UnknownNameError, RecipeError.
    """
    if engine == "auto":
        engine = _engine_for({model_form(name) for name in models})
    names = "-".join(re.sub(r"[^\w.]+", "-", name).strip("-") for name in models)
    values: dict[str, Any] = {
        "name": f"eval-{names}"[:80],
        "models": {
            "teacher": models[0],
            "student": models[-1],
            "engine": engine,
            "precision": precision or DEFAULT_PRECISION[engine],
        },
        "suites": {"names": list(suites), "problems": limit},
        "perturb": {
            "operators": [name.strip() for name in operators.split(",") if name.strip()],
            "seeds": seeds,
        },
        "latency": {"prompts": latency},
    }
    if engine == "server":
        values["sampling"] = {"max_new_tokens": SERVER_MAX_NEW_TOKENS}
    return with_overrides(values, overrides, "eval")


def _engine_for(forms: Set[Form]) -> str:
    """Return the engine that runs models of these forms as users run them."""
    if forms == {"server"}:
        return "server"
    return "xllamacpp" if forms <= {"gguf", "catalogue"} else "ctranslate2"


def mine_to_file(
    sources: Sequence[str],
    out: Path,
    limit: int | None,
    licence: str,
    suites: Sequence[str],
    languages: Sequence[str] = ("python",),
    near: float = 0.8,
) -> Iterator[str]:
    """Mine or read, clean and write pairs with their certificate; yield what to tell the user.

    Raises: UsageError, DataError, FetchError, EngineError, StorageError.
    """
    import json

    from overproof.pairs.collect import collect
    from overproof.pairs.contamination import decontaminate
    from overproof.pairs.files import write_pairs
    from overproof.store import write_atomically
    from overproof.suites import load_suites

    found = collect(sources, languages=languages, near=near, licence=licence, limit=limit)
    clean = decontaminate(found.pairs, load_suites(suites))
    write_pairs(out, clean.pairs)
    certificate = out.with_suffix(".certificate.json")
    write_atomically(certificate, json.dumps(clean.certificate.as_json(), indent=2).encode())
    yield f"{len(clean.pairs)} pairs from {', '.join(found.sources)}: {out}"
    removed = len(clean.certificate.removed)
    yield f"{removed} removed for overlap with {', '.join(suites)}: {certificate}"
    dropped = ", ".join(f"{reason} {count}" for reason, count in found.reasons.most_common())
    yield f"dropped: {dropped or 'none'}"
