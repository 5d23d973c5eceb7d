"""From command-line options to recipes and files, for the commands beside `run`.

overproof eval --model smollm2-135m-instruct --limit 10
"""

import json
import re
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from overproof.engines import default_precision
from overproof.models import Form, model_form
from overproof.recipe import Recipe, load_recipe, with_overrides

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
        engine = engine_for({model_form(name) for name in models})
    names = "-".join(re.sub(r"[^\w.]+", "-", name).strip("-") for name in models)
    values: dict[str, Any] = {
        "name": f"eval-{names}"[:80],
        "models": {
            "teacher": models[0],
            "student": models[-1],
            "engine": engine,
            "precision": precision or default_precision(engine),
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


def recipe_for(path: str, models: Sequence[str], overrides: Sequence[str] = ()) -> Recipe:
    """Return the recipe of a file, for these models; for its teacher and student if none is named.

    Raises: UnknownNameError, RecipeError.
    """
    ends = {"teacher": models[0], "student": models[-1]} if models else {}
    named = [f"models.{role}={json.dumps(name)}" for role, name in ends.items()]
    return load_recipe(path, (*named, *overrides))


def engine_for(forms: Set[Form]) -> str:
    """Return the engine that runs models of these forms as users run them."""
    if forms == {"server"}:
        return "server"
    return "xllamacpp" if forms <= {"gguf", "catalogue"} else "ctranslate2"


@dataclass(frozen=True, kw_only=True)
class Mined:
    """What was written, and what was left out."""

    pairs: int
    out: Path
    sources: tuple[str, ...]
    suites: tuple[str, ...]
    removed: int
    """For overlap with the suites; the certificate names each."""
    certificate: Path
    dropped: dict[str, int]
    """By reason, the most frequent first."""

    def as_lines(self) -> Iterator[str]:
        """Yield what to tell the user."""
        yield f"{self.pairs} pairs from {', '.join(self.sources)}: {self.out}"
        overlap = f"removed for overlap with {', '.join(self.suites)}"
        yield f"{self.removed} {overlap}: {self.certificate}"
        dropped = ", ".join(f"{reason} {count}" for reason, count in self.dropped.items())
        yield f"dropped: {dropped or 'none'}"


def mine(
    sources: Sequence[str],
    out: Path,
    limit: int | None,
    licence: str,
    suites: Sequence[str],
    languages: Sequence[str] = ("python",),
    near: float = 0.8,
) -> Mined:
    """Mine or read, clean and write pairs with their certificate.

    Raises: UsageError, DataError, FetchError, EngineError, StorageError.
    """
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
    return Mined(
        pairs=len(clean.pairs),
        out=out,
        sources=tuple(found.sources),
        suites=tuple(suites),
        removed=len(clean.certificate.removed),
        certificate=certificate,
        dropped=dict(found.reasons.most_common()),
    )
