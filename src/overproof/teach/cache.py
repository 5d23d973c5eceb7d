"""The teacher's signals on disk under a content hash: computed once, shared by all arms and runs.

A text is one file, whole or absent: 4 bytes per kept token for vocabularies up to 2**17, 4.125 up
to 2**18, and 4 bytes per target token beside them; so 136 bytes a token at K = 32 with 152k tokens.
Nothing is lost of float16 log-probabilities: they are never above 0, and the bit of their sign
holds bit 16 of the id. Files of older versions (safetensors) are read as well.

    header    magic, T, K, bit planes, whether draws, gold ids outside the K, checksum
    words     (T, K) uint16   log-probability without its sign, bit 16 of the id on top
    low       (T, K) uint16   bits 0 to 15 of the id
    planes    (T × K) bits each: bit 17 of the id, and further ones where the vocabulary needs them
    tail      (T,) float16; not there where the K are draws, which have none
    kept      (T,) how many ids the row has; the rest is -1
    place     (T,) of the target's token among the ids, K if it is not among them
    outside   int32, the target's tokens that are not

Where the K are draws, a word holds how often the token was drawn instead.
"""

import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from overproof.catalog import cache_folder
from overproof.engines.protocol import TopLogits
from overproof.engines.sparse import ABSENT
from overproof.errors import RowError
from overproof.store import storage_errors, write_atomically

_MAGIC = b"OPS1"
_HEADER = struct.Struct("<4sIHBBII")
_WORD, _SIGN = 16, 0x8000


def logits_path(key: str) -> Path:
    """Return where the signal of a lesson is kept."""
    return cache_folder() / "signals" / key[:2] / f"{key}.signal"


def has_logits(key: str) -> bool:
    """Return whether a signal is there, in this form or in the older one."""
    return logits_path(key).exists() or _old_path(key).exists()


def save_logits(key: str, top: TopLogits) -> None:
    """Write the signal of one text.

    Raises: StorageError; ValueError as `pack`.
    """
    path = logits_path(key)
    with storage_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, pack(top))


def load_logits(key: str) -> TopLogits:
    """Return the signal of one text.

    Raises: RowError if the file is missing or damaged.
    """
    path = logits_path(key)
    try:
        if not path.exists() and _old_path(key).exists():
            path = _old_path(key)
            return _load_old(path)
        return unpack(path.read_bytes())
    except (OSError, ValueError, KeyError) as error:
        raise RowError(
            f"{path}: the teacher's signal is missing or damaged",
            hint=f"delete it and rerun: it is computed again ({type(error).__name__})",
        ) from error


def pack(top: TopLogits) -> bytes:
    """Return a signal as the bytes of its file.

    Raises: ValueError for what no signal is: log-probabilities above 0, ids of -1 before others.
    """
    ids = np.asarray(top.ids, dtype=np.int64)
    gold = np.asarray(top.token_ids, dtype=np.int64)
    present = ids >= 0
    kept = present.sum(axis=1)
    length, width = ids.shape
    if (present != (np.arange(width) < kept[:, None])).any():
        raise ValueError("ids of -1 stand at the end of their row")
    whole = np.where(present, ids, 0)
    planes = max(0, int(whole.max(initial=0)).bit_length() - _WORD - 1)
    words = _counts(top, width) if top.sampled else _magnitudes(top.logprobs)
    among = present & (ids == gold[:, None])
    place = np.where(among.any(axis=1), among.argmax(axis=1), width)
    small = _small(width)
    outside = gold[place == width]
    body = b"".join(
        [
            (words | ((whole >> _WORD & 1) * _SIGN).astype("<u2")).astype("<u2").tobytes(),
            (whole & 0xFFFF).astype("<u2").tobytes(),
            *(np.packbits(whole >> _WORD + 1 + plane & 1).tobytes() for plane in range(planes)),
            b"" if top.sampled else np.asarray(top.tail, dtype="<f2").tobytes(),
            kept.astype(small).tobytes(),
            place.astype(small).tobytes(),
            outside.astype("<i4").tobytes(),
        ]
    )
    head = (_MAGIC, length, width, planes, top.sampled, len(outside), zlib.crc32(body))
    return _HEADER.pack(*head) + body


def unpack(content: bytes) -> TopLogits:
    """Return the signal that a file holds. Raises: ValueError if it is damaged."""
    if len(content) < _HEADER.size:
        raise ValueError("too short")
    magic, length, width, planes, sampled, missing, checksum = _HEADER.unpack_from(content)
    body = memoryview(content)[_HEADER.size :]
    if magic != _MAGIC or zlib.crc32(body) != checksum:
        raise ValueError("not what was written")
    cells, small = length * width, _small(width)
    kinds = [("<u2", cells), ("<u2", cells), *[("u1", -(-cells // 8))] * planes]
    kinds += [("<f2", 0 if sampled else length), (small, length), (small, length), ("<i4", missing)]
    parts, start = [], 0
    for kind, count in kinds:
        parts.append(np.frombuffer(body, dtype=kind, count=count, offset=start))
        start += parts[-1].nbytes
    words, low, *bits, tail, kept, place, outside = parts
    ids = low.astype(np.int32)
    ids |= (words >> 15).astype(np.int32) << _WORD
    for plane, packed in enumerate(bits):
        ids |= np.unpackbits(packed, count=cells).astype(np.int32) << _WORD + 1 + plane
    ids = ids.reshape(length, width)
    ids[np.arange(width) >= kept[:, None]] = ABSENT
    gold = np.empty(length, dtype=np.int32)
    among = place < width
    gold[among] = ids[among, place[among]]
    gold[~among] = outside
    return TopLogits(
        token_ids=gold,
        ids=ids,
        logprobs=_logprobs(words.reshape(length, width), bool(sampled)),
        tail=np.full(length, -np.inf, np.float16) if sampled else tail.astype(np.float16),
        sampled=bool(sampled),
    )


def _small(width: int) -> str:
    """Return the type that holds the numbers from 0 to `width`."""
    return "u1" if width < 256 else "<u2"


def _magnitudes(logprobs: Any) -> Any:
    """Return float16 bits without the sign; -0.0 and 0.0 are one."""
    values = np.asarray(logprobs, dtype="<f2")
    if not (values <= 0).all():
        raise ValueError("a log-probability is above 0, or not a number")
    return values.view("<u2") & (_SIGN - 1)


def _counts(top: TopLogits, draws: int) -> Any:
    """Return how often each token was drawn."""
    return np.rint(np.exp(np.asarray(top.logprobs, dtype=np.float64)) * draws).astype("<u2")


def _logprobs(words: Any, sampled: bool) -> Any:
    if not sampled:
        return (words | _SIGN).view("<f2").astype(np.float16, copy=False)
    with np.errstate(divide="ignore"):
        return np.log((words & (_SIGN - 1)) / words.shape[1]).astype(np.float32)


def _old_path(key: str) -> Path:
    return logits_path(key).with_suffix(".safetensors")


def _load_old(path: Path) -> TopLogits:
    """Return a signal of version 0.1. Raises: OSError, ValueError, KeyError."""
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        arrays = load_file(path)
    except SafetensorError as error:
        raise ValueError(str(error)) from None
    return TopLogits(
        token_ids=arrays["token_ids"],
        ids=arrays["ids"],
        logprobs=arrays["logprobs"],
        tail=arrays["tail"],
    )
