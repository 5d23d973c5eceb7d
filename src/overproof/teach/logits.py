"""The teacher's sparse logits, on disk under a content hash: computed once, shared by all arms.

A text's logits are one small safetensors file, about 200 bytes a token at K = 32: int32 ids,
float16 log-probabilities, the tail, the target's tokens. A file appears whole or not at all.
"""

from pathlib import Path
from typing import Any

from overproof.catalog import cache_folder
from overproof.engines.protocol import TopLogits
from overproof.errors import RowError
from overproof.store import storage_errors, write_atomically


def logits_path(key: str) -> Path:
    """Return where the logits of a lesson are kept."""
    return cache_folder() / "signals" / key[:2] / f"{key}.safetensors"


def save_logits(key: str, top: TopLogits) -> None:
    """Write the logits of one text.

    Raises: StorageError.
    """
    from safetensors.numpy import save

    path = logits_path(key)
    with storage_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    arrays: dict[str, Any] = {
        "token_ids": top.token_ids,
        "ids": top.ids,
        "logprobs": top.logprobs,
        "tail": top.tail,
    }
    write_atomically(path, save(arrays))


def load_logits(key: str) -> TopLogits:
    """Return the logits of one text.

    Raises: RowError if the file is missing or damaged.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    path = logits_path(key)
    try:
        arrays = load_file(path)
        return TopLogits(
            token_ids=arrays["token_ids"],
            ids=arrays["ids"],
            logprobs=arrays["logprobs"],
            tail=arrays["tail"],
        )
    except (OSError, SafetensorError, KeyError) as error:
        raise RowError(
            f"{path}: teacher logits missing or damaged",
            hint=f"delete it and rerun: they are computed again ({type(error).__name__})",
        ) from error
