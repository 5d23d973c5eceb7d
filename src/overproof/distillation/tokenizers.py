r"""Tokenizers compared by what they encode, not by a size: the bytes of every id, and probe texts.

Sibling models pad their vocabulary to different sizes (151,936 and 152,064 rows for one and the
same tokenizer), so equal sizes prove nothing and unequal ones refute nothing. What counts is the
true length: ids beyond it, and those that a converter named `[PAD151665]`, encode nothing.

    >>> probe = "x = 1\n"
    >>> probe.encode().decode("latin-1").translate(BYTE_LEVEL_NAMES)
    'xĠ=Ġ1Ċ'

Covered: byte-level BPE (GPT-2, Qwen, Llama 3, SmolLM2) and SentencePiece vocabularies (▁, <0xAB>).
Not covered: WordPiece, and slow tokenizers whose vocabulary is not text. Equal probes are evidence,
not a proof: two tokenizers with one vocabulary may still split a text that no probe holds.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from overproof.errors import EngineError

PROBES = (
    "def add(a: int, b: int) -> int:\n    return a + b\n",
    "for i in range(10):\n\tprint(f'{i:>3} != {i**2}')\r\n",
    "if (x<=0||!ok){y->z[i++]&=~0x1F;}//done\n\n\n#include <map>\n<?php $a=['k'=>1]; ?>",
    "".join(f"{' ' * width}x\n{chr(9) * (width % 5)}y  \n\n" for width in range(18)),
    "getHTTPResponseCodeFromURLWithRetriesAndExponentialBackoff __init__ a_very_long_snake_name_2",
    "0 42 2024 1234567890 3.14159 1e-10 0xDEADBEEF 1_000_000 -7 v1.2.3 x86_64 12ab34",
    '    """Straße, naïve, 你好世界, मानक, שלום, 한국어, 🐍🏳️‍🌈👩🏽‍💻, € ½ ﬁ \u00a0\u200b."""\n',
    "e\u0301 \u1e0b\u0323 \u212b \u0958",  # composed and decomposed: some tokenizers rewrite them
    "It's DON'T we'll they’ve 'tis I'D\n",
)
"""Code, white space, long names, numbers, scripts, emoji, normal forms, contractions."""

UNUSED = re.compile(r"\[PAD(\d+)\]")
"""How converters to GGUF name the rows that pad a vocabulary, each by its own id."""
PLAIN = "def add(a, b):\n    return a + b"


def _byte_level_names() -> dict[int, int]:
    """Return the character that names each byte in byte-level BPE, by the byte."""
    kept = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    moved = [byte for byte in range(256) if byte not in kept]
    return {byte: byte for byte in kept} | {byte: 256 + n for n, byte in enumerate(moved)}


BYTE_LEVEL_NAMES = _byte_level_names()
"""Byte-level BPE writes a byte as one printable character. Source: Radford et al. 2019 (GPT-2)."""
_BYTES = {character: byte for byte, character in BYTE_LEVEL_NAMES.items()}
_BYTE_TOKEN = re.compile(r"<0x([0-9A-F]{2})>")


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Whether two tokenizers are one, and if not, why."""

    same: bool
    length: int
    """Ids below this mean the same to both; 0 if they differ."""
    reason: str
    """What differs, for a user; empty if nothing does."""


def check_same_tokenizer(teacher: Any, student: Any) -> None:
    """Make sure that cached teacher tokens mean the same to the student.

    Raises: EngineError saying where they differ.
    """
    found = compare_tokenizers(teacher, student)
    if not found.same:
        raise EngineError(
            f"teacher and student have different tokenizers: {found.reason}",
            hint="choose a student of the teacher's model family, or teach across tokenizers "
            "(distill.crossing)",
        )


@lru_cache(maxsize=16)
def compare_tokenizers(teacher: Any, student: Any) -> Comparison:
    """Return whether both encode alike, and how many ids they share.

    They do if all probes, and the special tokens that both have, become the same ids, and if every
    id that both define stands for the same bytes. Ids that only one of them defines, and rows that
    pad a vocabulary, refute nothing.
    """
    theirs, ours = _vocabulary(teacher), _vocabulary(student)
    known = set(ours.special.values())
    common = b"a".join(name for name in theirs.special.values() if name in known)
    for probe in (*PROBES, common.decode()):
        reason = _probe_difference(probe, teacher, student)
        if reason:
            return Comparison(same=False, length=0, reason=reason)
    length = min(theirs.length, ours.length)
    pairs = list(zip(theirs.spelling[:length], ours.spelling[:length], strict=True))
    other = [place for place, (a, b) in enumerate(pairs) if a != b and None not in (a, b)]
    if other:
        first, second = (_shown(text) for text in pairs[other[0]])
        reason = (
            f"{len(other)} of {length} ids stand for other text, the first being {other[0]}: "
            f"{first} to the teacher, {second} to the student"
        )
        return Comparison(same=False, length=0, reason=reason)
    return Comparison(same=True, length=length, reason="")


def true_vocabulary(tokenizer: Any) -> int:
    """Return the real length: the largest id that encodes something, plus one.

    Added tokens count; rows that only pad the matrix do not, named or not.
    Raises: EngineError as `token_bytes`.
    """
    return _vocabulary(tokenizer).length


def token_bytes(tokenizer: Any) -> list[bytes | None]:
    """Return the bytes that each id stands for; None for special tokens and unused ids.

    A token may be part of a character; only joined bytes are text. Kept per tokenizer.
    Raises: EngineError for a kind of vocabulary that is not covered.
    """
    vocabulary = _vocabulary(tokenizer)
    return [
        None if number in vocabulary.special else spelling
        for number, spelling in enumerate(vocabulary.spelling)
    ]


def spell(tokenizer: Any, token_ids: Sequence[int]) -> list[bytes]:
    """Return what each token of a text stands for, special tokens by their name.

    Raises: EngineError for an id that the tokenizer does not have.
    """
    spelling = _vocabulary(tokenizer).spelling
    parts = []
    for token in token_ids:
        part = spelling[token] if 0 <= token < len(spelling) else None
        if part is None:
            raise EngineError(
                f"token {token} is not in the tokenizer of {true_vocabulary(tokenizer)} ids",
                hint="the teacher's signals were made with another tokenizer: teach again",
            )
        parts.append(part)
    return parts


def special_tokens(tokenizer: Any) -> dict[int, bytes]:
    """Return the special tokens by id: those that are no text, such as the end of a turn."""
    return dict(_vocabulary(tokenizer).special)


@lru_cache(maxsize=16)
def shared_ids(teacher: Any, student: Any) -> Any:
    """Return the student's id for each of the teacher's that stands for the same bytes, else -1.

    Special tokens are matched with special tokens of the same name only. Where several ids of the
    student have the same bytes, the teacher's own number is preferred, then a piece of text before
    a byte (SentencePiece writes `a` and never <0x61>), then the lowest.

    Shapes: returns (V of the teacher,) int64.
    """
    theirs, ours = _vocabulary(teacher), _vocabulary(student)
    place = {}
    for number in sorted(range(len(ours.spelling)), key=lambda n: (n not in ours.single, -n)):
        place[ours.spelling[number], number in ours.special] = number
    found = np.full(len(theirs.spelling), -1, dtype=np.int64)
    for number, spelling in enumerate(theirs.spelling):
        if spelling is None:
            continue
        kind = number in theirs.special
        own = ours.spelling[number] if number < len(ours.spelling) else None
        same = own == spelling and (number in ours.special) == kind
        found[number] = number if same else place.get((spelling, kind), -1)
    return found


@dataclass(frozen=True, kw_only=True)
class _Vocabulary:
    """A vocabulary as bytes."""

    spelling: list[bytes | None]
    """What each id stands for, special tokens by their name; None for unused ids."""
    special: dict[int, bytes]
    single: frozenset[int]
    """Bytes to fall back on, <0x00> to <0xFF>."""
    length: int


def _vocabulary(tokenizer: Any) -> _Vocabulary:
    return _read_vocabulary(tokenizer, len(tokenizer))


@lru_cache(maxsize=16)
def _read_vocabulary(tokenizer: Any, _length: int) -> _Vocabulary:
    """Read the vocabulary; the length is part of the key because tokens can be added later."""
    names: dict[str, int] = tokenizer.get_vocab()
    added = tokenizer.added_tokens_decoder
    spelling: list[bytes | None] = [None] * (max(names.values(), default=-1) + 1)
    plain = {
        name: number
        for name, number in names.items()
        if number not in added and not _is_unused(name, number)
    }
    for name, number in _as_bytes(plain):
        spelling[number] = name
    for number, token in added.items():
        spelling[number] = token.content.encode()
    vocabulary = _Vocabulary(
        spelling=spelling,
        special={
            number: token.content.encode() for number, token in added.items() if token.special
        },
        single=frozenset(n for name, n in plain.items() if _BYTE_TOKEN.fullmatch(name)),
        length=max((n for n, part in enumerate(spelling) if part is not None), default=-1) + 1,
    )
    _check_spelling(tokenizer, spelling)
    return vocabulary


def _as_bytes(names: dict[str, int]) -> list[tuple[bytes, int]]:
    """Return the bytes and the id of each name, by the way that this vocabulary writes them."""
    if _BYTES.keys() >= {ord(character) for character in set("".join(names))}:
        return [(name.translate(_BYTES).encode("latin-1"), n) for name, n in names.items()]
    parts = []
    for name, number in names.items():
        byte = _BYTE_TOKEN.fullmatch(name)
        text = bytes([int(byte[1], 16)]) if byte else name.replace("▁", " ").encode()
        parts.append((text, number))
    return parts


def _check_spelling(tokenizer: Any, spelling: Sequence[bytes | None]) -> None:
    """Make sure that the bytes are understood: they must spell a plain text."""
    tokens = tokenizer.encode(PLAIN, add_special_tokens=False)
    text = b"".join(spelling[token] or b"" for token in tokens)
    if text.strip() != PLAIN.encode():
        raise EngineError(
            f"what the tokens of {type(tokenizer).__name__} stand for cannot be told: "
            f"{PLAIN!r} would be {_shown(text)}",
            hint="choose a model with a byte-level or SentencePiece vocabulary",
        )


def _is_unused(name: str, number: int) -> bool:
    found = UNUSED.fullmatch(name)
    return bool(found) and name == f"[PAD{number}]"


def _probe_difference(probe: str, teacher: Any, student: Any) -> str:
    """Return in words where the two encode a text differently; empty if they do not."""
    theirs = teacher.encode(probe, add_special_tokens=False)
    ours = student.encode(probe, add_special_tokens=False)
    if theirs == ours:
        return ""
    same = 0
    while same < min(len(theirs), len(ours)) and theirs[same] == ours[same]:
        same += 1
    first, second = (
        f"{_shown(b''.join(spell(tokenizer, ids[same : same + 1])))} (id {ids[same]})"
        if same < len(ids)
        else "nothing"
        for tokenizer, ids in ((teacher, theirs), (student, ours))
    )
    return (
        f"of {probe[:24]!r}… the teacher makes {len(theirs)} tokens and the student {len(ours)}; "
        f"the first that differ are {first} and {second}"
    )


def _shown(text: bytes | None) -> str:
    return repr((text or b"").decode(errors="backslashreplace"))
