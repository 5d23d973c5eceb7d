"""The teacher's embeddings of each text and each code: the mean of its last hidden states.

    vectors = embed_pairs(teacher, pairs, recipe)

Text and code are embedded as they are, without a template, each once per teacher: a vector is one
file of float16 under a content hash, so a run that was killed goes on where it stopped, and all
runs share them. ctranslate2 gives no hidden states; where it is the engine of the recipe, the same
weights are loaded in transformers, in bfloat16.
"""

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from overproof.catalog import cache_folder
from overproof.engines.generate import Contender
from overproof.errors import RowError
from overproof.progress import stage
from overproof.recipe import Recipe
from overproof.records import Pair, content_key
from overproof.store import storage_errors, write_atomically
from overproof.teach.teacher import engine_of, lazily

BATCH = 8
"""Texts that are embedded together and written."""
IN_PLACE_OF = {"ctranslate2": ("transformers", "bfloat16")}
"""Engine and precision that embed for an engine that cannot."""


def embed_pairs(
    teacher: Contender, pairs: Sequence[Pair], recipe: Recipe
) -> dict[str, tuple[Any, Any]]:
    """Return the vectors of text and code of each pair, by its key; those that exist are reused.

    Shapes: (H,) float32 each.
    Raises: EngineError if the engine cannot embed; RowError for a damaged file; StorageError.
    """
    own = engine_of(teacher.source, recipe.models)
    engine = IN_PLACE_OF.get(own[0], own)
    keys = {
        text: content_key("vector", teacher.source.sha256, text, engine)
        for pair in pairs
        for text in (pair.text, pair.code)
    }
    texts = sorted(keys, key=lambda text: (len(text), text))
    with (
        lazily(teacher, recipe.models, engine) as load,
        stage("teach: embeddings", len(texts), "texts") as advance,
    ):
        for start in range(0, len(texts), BATCH):
            part = texts[start : start + BATCH]
            missing = [text for text in part if not vector_path(keys[text]).exists()]
            if missing:
                for text, vector in zip(missing, load().embed(missing), strict=True):
                    save_vector(keys[text], vector)
            advance(len(part))
    return {
        pair.key: (load_vector(keys[pair.text]), load_vector(keys[pair.code])) for pair in pairs
    }


def vector_path(key: str) -> Path:
    """Return where a vector is kept."""
    return cache_folder() / "vectors" / key[:2] / f"{key}.npy"


def save_vector(key: str, vector: Any) -> None:
    """Write one vector, as float16. Raises: StorageError."""
    path = vector_path(key)
    with storage_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    content = io.BytesIO()
    np.save(content, np.asarray(vector, dtype=np.float16), allow_pickle=False)
    write_atomically(path, content.getvalue())


def load_vector(key: str) -> Any:
    """Return one vector, as float32. Raises: RowError if the file is missing or damaged."""
    path = vector_path(key)
    try:
        vector = np.load(path, allow_pickle=False).astype(np.float32)
        if vector.ndim != 1 or not np.isfinite(vector).all():
            raise ValueError("not a vector")
    except (OSError, ValueError, EOFError) as error:
        raise RowError(
            f"{path}: the teacher's embedding is missing or damaged",
            hint=f"delete it and rerun: it is computed again ({type(error).__name__})",
        ) from error
    return vector
