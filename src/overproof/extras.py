"""What the core does without: optional packages, and the extra of Overproof that brings each.

The core perturbs, scores, converts and diagnoses. Whatever else a command needs is asked for
before the long work begins, and imported only where it is used:

    >>> require("json")
    >>> print(missing("scipy"))
    the package scipy is not installed
    hint: pip install 'overproof[report]'

Limits: only whether a package is there is looked at, not its version, and nothing is imported.
"""

from importlib.util import find_spec

from overproof.errors import EngineError

EXTRAS = {
    "altair": "report",
    "scipy": "report",
    "vl_convert": "report",
    "gguf": "gguf",
    "xllamacpp": "gguf",
    "accelerate": "train",
    "ctranslate2": "train",
    "peft": "train",
    "safetensors": "train",
    "tokenizers": "train",
    "torch": "train",
    "transformers": "train",
    "datasketch": "data",
    "huggingface_hub": "data",
    "pyarrow": "data",
    "tree_sitter": "languages",
    "datatrove": "cluster",
    "fsspec": "cluster",
    "ray": "ray",
}
"""Modules by the smallest extra that brings them."""

REPORT = ("scipy", "altair", "vl_convert")
"""What intervals, tests of differences and the report are made with."""
TRAINING = (
    *("torch", "transformers", "peft", "accelerate", "safetensors"),
    *("datasketch", "pyarrow"),
)
"""What a student is trained with, beside the engine that the recipe names."""


def require(*modules: str, extra: str = "") -> None:
    """Make sure that packages are there, before anything long is begun; imports none of them.

    `extra` is named instead of the smallest one that would do.

    Raises: EngineError naming the package and the extra that brings it.
    """
    for module in modules:
        if find_spec(module) is None:
            raise missing(module, extra)


def missing(module: str, extra: str = "") -> EngineError:
    """Return the error for a package that is not installed."""
    chosen = extra or EXTRAS.get(module, "all")
    return EngineError(
        f"the package {module} is not installed", hint=f"pip install 'overproof[{chosen}]'"
    )


def missing_from(error: ModuleNotFoundError) -> EngineError | None:
    """Return the error for an import that failed; None if no extra of ours would mend it.

    >>> missing_from(ModuleNotFoundError(name="altair.vegalite")).hint
    "pip install 'overproof[report]'"
    >>> missing_from(ModuleNotFoundError(name="my_module"))
    """
    module = (error.name or "").partition(".")[0]
    return missing(module) if module in EXTRAS else None
