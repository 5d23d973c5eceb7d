"""A teacher with another tokenizer: its signal in the student's tokens, by bytes of text.

Both tokenisations cut the same bytes. Where both cut, a piece of text ends; a piece is one token or
several on each side. The teacher's likelihood of a piece is the product over its tokens, so it can
be compared with the student's, whatever the tokens are. Where a piece is one token on both sides,
the teacher's K likeliest are handed over too, each as the student's token of the same bytes.

    crossed = cross(top, lesson.target, teacher_tokenizer, student_tokenizer)

Everything is done on bytes: a token may be part of a character, and decoding tokens one by one
loses it. Equal tokenizers cross to the very same rows, all of them direct.

Not covered: sampled signals; and what equal bytes leave open. A student that knows `):` but not
the teacher's `):⏎` is told nothing of that mass but the tail, although it could begin it; and no
likelihood is marginalised over other ways to cut the same text.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import accumulate
from typing import TYPE_CHECKING, Any

import numpy as np

from overproof.distillation.tokenizers import shared_ids, special_tokens, spell
from overproof.engines.protocol import TopLogits
from overproof.engines.sparse import ABSENT
from overproof.errors import DataError, RecipeError

if TYPE_CHECKING:
    from torch import Tensor

SMALLEST_TAIL = 1e-7
"""A likelihood leaves at least this: float32 cannot tell less from nothing."""
_WORD = re.compile(rb"\s*\S+|\s+")


@dataclass(frozen=True, kw_only=True)
class Crossed:
    """The teacher on one target, in the student's tokens.

    Shapes: S student tokens, K kept ids, C pieces of text.
    """

    token_ids: Any
    """(S,) int64, the target as the student writes it."""
    ids: Any
    """(S, K) int64 kept ids, the student's own token among them; ABSENT fills a row."""
    logprobs: Any
    """(S, K) float32, the teacher's; -inf for ABSENT, and all of a row that is not direct."""
    tail: Any
    """(S,) float32, log of the teacher's mass outside; 0 (all of it) where not direct."""
    chunk: Any
    """(S,) int64, number of the piece that the token belongs to."""
    chunk_logprobs: Any
    """(C,) float32, the teacher's log-likelihood of each piece, at the signal's temperature."""
    direct: Any
    """(S,) bool: the piece is the same single token on both sides."""
    teacher_starts: Any
    """(C,) int64, the teacher's first token of each piece."""


def cross(top: TopLogits, target: str, teacher_tokenizer: Any, student_tokenizer: Any) -> Crossed:
    """Return the signal of the teacher on `target` in the tokens of the student.

    Kept ids without a student's token of the same bytes go to the tail. A special token at the very
    end that the student does not have (the end of the teacher's turn) is left out, since the
    student could only spell its name.

    Raises: DataError if the signal is not of this target; RecipeError for a sampled signal;
    EngineError for a vocabulary that cannot be read.
    """
    if top.sampled:
        raise RecipeError(
            "a sampled signal does not hold the likelihood of the text, which is what is learnt "
            "across tokenizers",
            hint="set teach.signal=top or distill.crossing=sequence",
        )
    token_ids, text = _without_foreign_end(top, target, teacher_tokenizer, student_tokenizer)
    theirs = spell(teacher_tokenizer, token_ids)
    _check_target(theirs, token_ids, text, teacher_tokenizer)
    own: list[int] = []
    if token_ids:
        own = list(student_tokenizer.encode(text, add_special_tokens=False))
    ours = spell(student_tokenizer, own)
    teacher_chunk, chunk = pieces(theirs, ours)
    teacher_starts = np.flatnonzero(np.diff(teacher_chunk, prepend=-1))
    likelihood = np.zeros(len(teacher_starts))
    np.add.at(likelihood, teacher_chunk, _gold_logprobs(top)[: len(teacher_chunk)])
    mapping = shared_ids(teacher_tokenizer, student_tokenizer)
    single = (np.bincount(teacher_chunk)[chunk] == 1) & (np.bincount(chunk)[chunk] == 1)
    teacher_place = teacher_starts[chunk]
    direct = np.array(
        [
            one and theirs[place] == part and mapping[token_ids[place]] != ABSENT
            for one, place, part in zip(single, teacher_place, ours, strict=True)
        ],
        dtype=bool,
    )
    token_array = np.array(own, dtype=np.int64)
    ids, logprobs, tail = _kept_rows(top, token_array, teacher_place, direct, mapping)
    return Crossed(
        token_ids=token_array,
        ids=ids,
        logprobs=logprobs,
        tail=tail,
        chunk=chunk,
        chunk_logprobs=likelihood.astype(np.float32),
        direct=direct,
        teacher_starts=teacher_starts,
    )


def pieces(theirs: Sequence[bytes], ours: Sequence[bytes]) -> tuple[Any, Any]:
    """Return for each token the number of the piece of text that it belongs to, on both sides.

    Pieces are the finest segmentation that both tokenisations refine: a piece ends where a token
    ends on both sides. They tile the text, and each has a token or more on both sides. If the two
    spell different bytes (a tokenizer that composes accents, begins with a space, or drops bytes
    that it does not know), a piece ends only within words that both spell alike.

    Shapes: returns (T,) and (S,) int64, increasing from 0 by 0 or 1; both empty if either side is.
    """
    their_ends, our_ends = (
        np.cumsum([len(part) for part in side], dtype=np.int64) for side in (theirs, ours)
    )
    if not len(their_ends) or not len(our_ends):
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    last = (int(their_ends[-1]), int(our_ends[-1]))
    cuts: list[tuple[int, int]] = []
    for cut in _common_ends(theirs, ours, set(their_ends.tolist()), set(our_ends.tolist())):
        if 0 in cut or cut[0] == last[0] or cut[1] == last[1]:
            continue
        while cuts and (cuts[-1][0] == cut[0] or cuts[-1][1] == cut[1]):
            cuts.pop()  # bytes that only one side has stay with what is before them
        cuts.append(cut)
    cuts.append(last)
    their_cuts, our_cuts = zip(*cuts, strict=True)
    return np.searchsorted(their_cuts, their_ends), np.searchsorted(our_cuts, our_ends)


def at_starts(top: TopLogits, crossed: Crossed) -> tuple[Any, Any]:
    """Return the teacher's K and tail for the student tokens that begin a piece, for `uld`.

    Before the first token of a piece both models have read the same bytes. Other tokens have no
    row: their logprobs are -inf and their tail is 0, which `uld` leaves out.

    Shapes: returns (S, K) and (S,) float32.
    """
    starts = np.flatnonzero(np.diff(crossed.chunk, prepend=-1))
    shape = (len(crossed.token_ids), np.shape(top.ids)[1])
    logprobs = np.full(shape, -np.inf, dtype=np.float32)
    tail = np.zeros(shape[0], dtype=np.float32)
    logprobs[starts] = np.asarray(top.logprobs)[crossed.teacher_starts]
    tail[starts] = np.asarray(top.tail)[crossed.teacher_starts]
    return logprobs, tail


def chunk_divergence(
    gold_logprobs: "Tensor",
    chunk: "Tensor",
    teacher_chunk_logprobs: "Tensor",
    temperature: float = 1.0,
) -> "Tensor":
    """Return KL between "this piece" and "not this piece", teacher to student, per piece in nats.

        a · log(a / b)  +  (1 − a) · log((1 − a) / (1 − b)),   a = p^(1/τ),  b = q^(1/τ)

    with p and q the likelihoods of the piece after the same text. A piece of one token at τ = 1 is
    the forward KL over that token and the tail. The gradient shrinks with τ as 1/τ.

    Shapes: gold_logprobs (S,) the student's log-probability of each token of the text; chunk (S,)
    int64; teacher_chunk_logprobs (C,); returns (C,).
    Source: ALM, Minixhofer et al. 2025 (arXiv 2503.20083), which sums f(a ‖ b) + f(1 − a ‖ 1 − b)
    over aligned chunks. Ours leaves it in three places: f is KL and τ = 1 by default (ALM prefers a
    large τ, which compares log-likelihoods); chunks end wherever both tokenisations cut, without
    ALM's correction for the bias that a cut itself brings; and pieces of one token on both sides
    may be compared by their K kept tokens instead.
    """
    summed = teacher_chunk_logprobs.new_zeros(len(teacher_chunk_logprobs))
    own = summed.to(gold_logprobs.dtype).index_add(0, chunk, gold_logprobs)
    student = (own / temperature).clamp(max=-SMALLEST_TAIL)
    teacher = (teacher_chunk_logprobs / temperature).clamp(max=-SMALLEST_TAIL)
    otherwise, teacher_otherwise = (-student.expm1()).log(), (-teacher.expm1()).log()
    return teacher.exp() * (teacher - student) + teacher_otherwise.exp() * (
        teacher_otherwise - otherwise
    )


def uld(
    kept_student: "Tensor", tail_student: "Tensor", kept_teacher: "Tensor", tail_teacher: "Tensor"
) -> "Tensor":
    """Return the L1 distance of the sorted probabilities, per token.

    The student's kept log-probabilities have to be of its own likeliest tokens
    (`likeliest_ids`), not of the teacher's: no id is compared, only the shape of a distribution.
    Rows whose teacher's tail is 0 (`at_starts`) are 0.

    Shapes: kept_student, kept_teacher (n, K), a narrower one is filled with probability 0;
    tail_student, tail_teacher (n,); returns (n,), at most 2.
    Source: Universal Logit Distillation, Boizard et al. 2024 (arXiv 2402.12030). ULD sorts both
    whole vocabularies, the smaller one filled with 0, and compares the distributions at the same
    *number* of token until the shorter text ends. Here the K + tail are compared: the tails as one
    number each, so that the value is a lower bound of ULD's over the same K; and at the beginnings
    of pieces, where both models have read the same text.
    """
    import torch

    width = max(kept_student.shape[1], kept_teacher.shape[1])
    student, teacher = (
        torch.nn.functional.pad(kept.exp(), (0, width - kept.shape[1])).sort(1, descending=True)[0]
        for kept in (kept_student, kept_teacher)
    )
    distance = (student - teacher).abs().sum(dim=1)
    distance = distance + (tail_student.exp() - tail_teacher.exp()).abs()
    return torch.where(tail_teacher < 0, distance, torch.zeros_like(distance))


def likeliest_ids(
    hidden: "Tensor",
    weight: "Tensor",
    gold: "Tensor",
    top_k: int,
    *,
    bias: "Tensor | None" = None,
    rows: int | None = None,
    chunk: int = 64,
) -> "Tensor":
    """Return the student's own K likeliest tokens, the gold one in place of the last if it is not.

    Without gradient, and never more than a chunk of logits at a time.

    Shapes: hidden (N, H); weight (V, H); gold (N,) int64; bias (V,); returns (N, K) int64.
    """
    import torch

    found = []
    with torch.no_grad():
        for start in range(0, len(hidden), chunk):
            own = gold[start : start + chunk]
            part = hidden[start : start + chunk].to(weight.dtype)
            offset = None if bias is None else bias[:rows]
            logits = torch.nn.functional.linear(part, weight[:rows], offset)
            ids = logits.topk(top_k, dim=1)[1]
            lacking = ~(ids == own[:, None]).any(dim=1)
            ids[lacking, -1] = own[lacking]
            found.append(ids)
    return torch.cat(found)


def _without_foreign_end(
    top: TopLogits, target: str, teacher_tokenizer: Any, student_tokenizer: Any
) -> tuple[list[int], str]:
    """Return tokens and text without the special tokens at the end that the student lacks."""
    token_ids: list[int] = np.asarray(top.token_ids).tolist()
    known = set(special_tokens(student_tokenizer).values())
    special = special_tokens(teacher_tokenizer)
    while token_ids:
        name = special.get(token_ids[-1])
        if name is None or name in known or not target.endswith(name.decode()):
            break
        token_ids.pop()
        target = target.removesuffix(name.decode())
    return token_ids, target


def _check_target(
    theirs: Sequence[bytes], token_ids: Sequence[int], target: str, tokenizer: Any
) -> None:
    """Make sure that the teacher's tokens are those of the target, or at least spell it."""
    spelled = b"".join(theirs)
    if spelled == target.encode():
        return
    if list(tokenizer.encode(target, add_special_tokens=False)) != list(token_ids):
        raise DataError(
            f"the teacher's {len(theirs)} tokens spell {spelled[:40]!r}…, which is not the target "
            f"{target[:40]!r}…",
            hint="the signal is of another text or another tokenizer: teach again",
        )


def _common_ends(
    theirs: Sequence[bytes], ours: Sequence[bytes], their_ends: set[int], our_ends: set[int]
) -> Iterator[tuple[int, int]]:
    """Yield (their offset, our offset) where a token ends on both sides of bytes spelled alike."""
    for their_start, our_start, size in _equal_blocks(b"".join(theirs), b"".join(ours)):
        for shift in range(size + 1):
            if their_start + shift in their_ends and our_start + shift in our_ends:
                yield their_start + shift, our_start + shift


def _equal_blocks(theirs: bytes, ours: bytes) -> Iterator[tuple[int, int, int]]:
    """Yield (their start, our start, length) of the bytes that both spell alike, in order."""
    if theirs == ours:
        yield 0, 0, len(ours)
        return
    words: list[list[bytes]] = [_WORD.findall(side) for side in (theirs, ours)]
    offsets = [[0, *accumulate(map(len, side))] for side in words]
    for block in SequenceMatcher(None, words[0], words[1], autojunk=False).get_matching_blocks():
        start, end = offsets[1][block.b], offsets[1][block.b + block.size]
        yield offsets[0][block.a], start, end - start


def _gold_logprobs(top: TopLogits) -> Any:
    """Return the teacher's log-probability of each token of the target, (T,) float64."""
    gold = np.asarray(top.ids) == np.asarray(top.token_ids)[:, None]
    if not gold.any(axis=1).all():
        raise DataError("a gold token is not among the kept logits", hint="teach again")
    return np.asarray(top.logprobs)[gold].astype(np.float64)


def _kept_rows(
    top: TopLogits, own: Any, teacher_place: Any, direct: Any, mapping: Any
) -> tuple[Any, Any, Any]:
    """Return ids, logprobs and tail for each student token; see `Crossed`."""
    shape = (len(own), np.shape(top.ids)[1])
    ids = np.full(shape, ABSENT, dtype=np.int64)
    ids[:, :1] = own[:, None]
    logprobs = np.full(shape, -np.inf, dtype=np.float32)
    tail = np.zeros(len(own), dtype=np.float32)
    places = teacher_place[direct]
    kept = np.asarray(top.ids, dtype=np.int64)[places]
    known = (kept >= 0) & (kept < len(mapping))
    found = np.where(known, mapping[np.where(known, kept, 0)], ABSENT)
    gold = kept == np.asarray(top.token_ids, dtype=np.int64)[places][:, None]
    found = np.where(gold, own[direct][:, None], found)
    values = np.asarray(top.logprobs, dtype=np.float32)[places]
    lost = np.logaddexp.reduce(np.where(found == ABSENT, values, -np.inf), axis=1)
    ids[direct], logprobs[direct] = _merged(found, np.where(found == ABSENT, -np.inf, values))
    tail[direct] = np.logaddexp(np.asarray(top.tail, dtype=np.float32)[places], lost)
    return ids, logprobs, tail


def _merged(ids: Any, logprobs: Any) -> tuple[Any, Any]:
    """Return the rows with ids that came up twice as one: two of the teacher's had its bytes."""
    ordered = np.sort(ids, axis=1)
    twice = ((ordered[:, 1:] == ordered[:, :-1]) & (ordered[:, 1:] != ABSENT)).any(axis=1)
    for row in np.flatnonzero(twice):
        seen: dict[int, int] = {}
        for column, token in enumerate(ids[row]):
            first = seen.setdefault(int(token), column)
            if token != ABSENT and first != column:
                logprobs[row, first] = np.logaddexp(logprobs[row, first], logprobs[row, column])
                ids[row, column], logprobs[row, column] = ABSENT, -np.inf
    return ids, logprobs
