"""results.json: the numbers of a run for other programs, and the schema that it keeps to.

    content = results_of("demo", manifest, scores, claims, notes)
    json.dumps(results_schema())

The schema is written from these classes and those of records.py, comments and all;
docs/reference/results.schema.json is that, and `make check` compares the two.
"""

import ast
import inspect
import math
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from overproof.records import Claim, Score

RESULTS_VERSION = 1
"""Raised when a key goes or changes its meaning; new keys do not raise it."""


@dataclass(frozen=True, kw_only=True)
class ModelEntry:
    """A model of the run, in the order of the tables; other keys may stand beside these."""

    name: str
    """As in the rows."""
    label: str = ""
    """As in the report; empty where it is the name."""
    source: str = ""
    """What it was loaded from."""
    size_bytes: int | None = None
    """Of the weights as they were run."""
    sha256: str = ""
    engine: str = ""
    precision: str = ""


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """What the numbers depend on; versions, machine and others stand beside these keys."""

    models: list[ModelEntry]
    command: str = ""
    """What makes the run again."""


@dataclass(frozen=True, kw_only=True)
class Results:
    """One run, as results.json holds it."""

    schema: int = RESULTS_VERSION
    """Version of this form."""
    title: str
    manifest: Manifest
    claims: list[Claim]
    """Every sentence of the report that carries a number; `rows` are keys of `scores`."""
    scores: list[Score]
    notes: dict[str, Any] = field(default_factory=dict)
    """What the report says of the stages before: headings with rows, a mapping, or text."""


def results_of(
    title: str,
    manifest: Mapping[str, Any],
    scores: Sequence[Score],
    claims: Sequence[Claim],
    notes: Mapping[str, Any],
) -> dict[str, Any]:
    """Return the content of results.json; NaN and infinities, which JSON has not, become null."""
    content: dict[str, Any] = finite(
        {
            "schema": RESULTS_VERSION,
            "title": title,
            "manifest": manifest,
            "claims": msgspec.to_builtins(list(claims)),
            "scores": msgspec.to_builtins(list(scores)),
            "notes": notes,
        }
    )
    return content


def results_schema() -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of results.json.

    Rows may have no other keys than these; the manifest and its models may.
    """
    kinds = (Results, Manifest, ModelEntry, Score, Claim)
    (found,), components = msgspec.json.schema_components([Results])
    for kind in kinds:
        definition = components[kind.__name__]
        definition["description"] = _prose(inspect.getdoc(kind) or "")
        definition["additionalProperties"] = kind in (Manifest, ModelEntry)
        for name, text in field_comments(kind).items():
            definition["properties"][name]["description"] = text
    # Always written, though reading one without them would do.
    components["Results"]["required"] = ["schema", "title", "manifest", "claims", "scores", "notes"]
    components["Results"]["properties"]["schema"]["const"] = RESULTS_VERSION
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "results.json of Overproof",
        **found,
        "$defs": components,
    }


def field_comments(kind: type) -> dict[str, str]:
    """Return the string literal that stands under each field of a class."""
    (body,) = ast.parse(textwrap.dedent(inspect.getsource(kind))).body
    assert isinstance(body, ast.ClassDef)
    return {
        first.target.id: _prose(str(second.value.value))
        for first, second in zip(body.body, body.body[1:], strict=False)
        if isinstance(first, ast.AnnAssign)
        and isinstance(first.target, ast.Name)
        and isinstance(second, ast.Expr)
        and isinstance(second.value, ast.Constant)
    }


def finite(value: Any) -> Any:
    """Replace NaN and infinities by None: they are not JSON."""
    if isinstance(value, Mapping):
        return {str(key): finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _prose(text: str) -> str:
    return " ".join(text.split())
