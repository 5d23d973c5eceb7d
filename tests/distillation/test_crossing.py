"""A teacher's signal in another tokenizer's tokens: pieces of bytes, and the losses over them."""

import json
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers
from torch import Tensor
from transformers import PreTrainedTokenizerFast

from overproof.catalog import cached_file, find_entry
from overproof.distillation.crossing import (
    Crossed,
    at_starts,
    chunk_divergence,
    cross,
    likeliest_ids,
    pieces,
    uld,
)
from overproof.distillation.divergences import forward_kl
from overproof.distillation.tokenizers import special_tokens, spell, token_bytes, true_vocabulary
from overproof.engines.prepare import load_tokenizer
from overproof.engines.protocol import TopLogits
from overproof.engines.sparse import ABSENT, keep_top_k
from overproof.errors import DataError, RecipeError
from overproof.models import resolve_model

K = 12
CODE = (
    'def total(items):\n    """Süm — 合計 🐍👩🏽\u200d💻."""\n'
    "    return sum(i ** 2 for i in items)\n```"
)
CORPUS = [
    "def add(a, b):\n    return a + b\n",
    "for item in items:\n    total(item, item ** 2)\n",
    "Süm Süm 合計 合計 🐍 🐍 🐍 '🐍\n",
]


def byte_level(size: int, *, special: tuple[str, ...] = ("<|end|>",), form: Any = None) -> Any:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.normalizer = form
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        show_progress=False,
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        special_tokens=list(special),
    )
    tokenizer.train_from_iterator(CORPUS, trainer)
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer)


def sentencepiece() -> Any:
    """A BPE that begins with a space and falls back on bytes, which it has for letters as well."""
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>"))
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Split("▁", "merged_with_next")
    trainer = trainers.BpeTrainer(
        vocab_size=150, show_progress=False, special_tokens=["<unk>", "<s>"]
    )
    tokenizer.train_from_iterator(CORPUS[:2], trainer)
    state = json.loads(tokenizer.to_str())
    for byte in range(256):
        state["model"]["vocab"][f"<0x{byte:02X}>"] = len(state["model"]["vocab"])
    state["model"] |= {"byte_fallback": True, "fuse_unk": True}
    return PreTrainedTokenizerFast(tokenizer_object=Tokenizer.from_str(json.dumps(state)))


TOKENIZERS = {
    "large": byte_level(340),
    "small": byte_level(262),
    "composing": byte_level(300, form=normalizers.NFC()),
    "sentencepiece": sentencepiece(),
}
LARGE, SMALL = TOKENIZERS["large"], TOKENIZERS["small"]
PAIRS = [(a, b) for a in TOKENIZERS for b in TOKENIZERS]


def encode(tokenizer: Any, text: str) -> list[int]:
    return list(tokenizer.encode(text, add_special_tokens=False))


def signal(tokenizer: Any, text: str, top_k: int = K, seed: int = 0) -> TopLogits:
    """A random teacher's rows over the text."""
    gold = np.array(encode(tokenizer, text), dtype=np.int64)
    rng = np.random.default_rng(seed)
    logits = rng.normal(size=(len(gold), true_vocabulary(tokenizer))) * 3
    logits[np.arange(len(gold)), gold] += 6
    return keep_top_k(logits, gold, top_k)


def gold_logprobs(top: TopLogits) -> Any:
    return top.logprobs[top.ids == top.token_ids[:, None]].astype(np.float64)


def student_masses(ids: Any, vocabulary: int, seed: int = 1) -> tuple[Tensor, Tensor]:
    """A random student's log-probabilities of the kept ids, and the log of its mass outside."""
    generator = torch.Generator().manual_seed(seed)
    logprobs = torch.randn(len(ids), vocabulary, generator=generator).double().log_softmax(1)
    wanted = torch.as_tensor(ids)
    kept = logprobs.gather(1, wanted.clamp(min=0)).masked_fill(wanted == ABSENT, -torch.inf)
    return kept, torch.log1p(-kept.exp().sum(1))


def brute_force_pieces(theirs: list[bytes], ours: list[bytes]) -> list[int]:
    ends = [set(np.cumsum([len(part) for part in side]).tolist()) for side in (theirs, ours)]
    return sorted(ends[0] & ends[1])


@pytest.mark.parametrize("name", TOKENIZERS)
def test_equal_tokenizers_cross_to_the_same_rows(name: str) -> None:
    tokenizer = TOKENIZERS[name]
    top = signal(tokenizer, CODE)
    crossed = cross(top, CODE, tokenizer, tokenizer)
    assert crossed.direct.all()
    assert (crossed.token_ids == top.token_ids).all()
    assert (crossed.chunk == np.arange(len(top.token_ids))).all()
    assert (crossed.ids == top.ids).all()
    assert (crossed.logprobs == top.logprobs.astype(np.float32)).all()
    assert (crossed.tail == top.tail.astype(np.float32)).all()
    assert crossed.chunk_logprobs == pytest.approx(gold_logprobs(top))


def test_a_converters_copy_with_padding_rows_crosses_to_the_same_rows() -> None:
    state = json.loads(LARGE.backend_tokenizer.to_str())
    first = len(LARGE)
    state["model"]["vocab"] |= {f"[PAD{number}]": number for number in range(first, first + 9)}
    padded = PreTrainedTokenizerFast(tokenizer_object=Tokenizer.from_str(json.dumps(state)))
    top = signal(LARGE, CODE)
    crossed = cross(top, CODE, padded, LARGE)
    assert (crossed.ids == top.ids).all()
    assert (crossed.tail == top.tail.astype(np.float32)).all()


def test_equal_tokenizers_give_the_direct_losses() -> None:
    top = signal(LARGE, CODE)
    crossed = cross(top, CODE, LARGE, LARGE)
    student = student_masses(top.ids.astype(np.int64), true_vocabulary(LARGE))
    again = student_masses(crossed.ids, true_vocabulary(LARGE))
    direct = forward_kl(
        *student,
        torch.from_numpy(top.logprobs.astype(np.float32)),
        torch.from_numpy(top.tail.astype(np.float32)),
    )
    over = forward_kl(*again, torch.from_numpy(crossed.logprobs), torch.from_numpy(crossed.tail))
    assert torch.equal(direct, over)


def test_pieces_of_one_token_are_the_kl_of_that_token_and_the_tail() -> None:
    top = signal(LARGE, CODE, top_k=1)
    crossed = cross(top, CODE, LARGE, LARGE)
    kept, tail = student_masses(crossed.ids, true_vocabulary(LARGE))
    teacher = torch.from_numpy(crossed.chunk_logprobs).double()
    over_pieces = chunk_divergence(kept[:, 0], torch.from_numpy(crossed.chunk), teacher)
    bucketed = forward_kl(kept, tail, teacher[:, None], torch.log(-torch.expm1(teacher)))
    assert over_pieces == pytest.approx(bucketed, abs=1e-10)


@pytest.mark.parametrize(("teacher", "student"), PAIRS)
def test_nothing_of_the_likelihood_is_lost(teacher: str, student: str) -> None:
    top = signal(TOKENIZERS[teacher], CODE)
    crossed = cross(top, CODE, TOKENIZERS[teacher], TOKENIZERS[student])
    assert crossed.chunk_logprobs.sum() == pytest.approx(gold_logprobs(top).sum(), rel=1e-6)
    assert crossed.token_ids.tolist() == encode(TOKENIZERS[student], CODE)


def test_pieces_are_the_finest_that_both_refine_and_tile_the_bytes() -> None:
    theirs, ours = (spell(tokenizer, encode(tokenizer, CODE)) for tokenizer in (LARGE, SMALL))
    their_chunk, our_chunk = pieces(theirs, ours)
    expected = brute_force_pieces(theirs, ours)
    assert len(expected) == their_chunk[-1] + 1 == our_chunk[-1] + 1
    start = 0
    for number, end in enumerate(expected):
        for side, chunk in ((theirs, their_chunk), (ours, our_chunk)):
            part = b"".join(token for token, own in zip(side, chunk, strict=True) if own == number)
            assert part == CODE.encode()[start:end]
        start = end


@settings(deadline=None, max_examples=150)
@given(
    pair=st.sampled_from(PAIRS),
    text=st.text(st.one_of(st.sampled_from(CODE + "e\u0301a\u030a"), st.characters()), max_size=25)
    .filter(lambda text: "▁" not in text)
    .filter(lambda text: not any(0xD800 <= ord(character) < 0xE000 for character in text)),
)
def test_any_text_is_cut_into_whole_pieces(pair: tuple[str, str], text: str) -> None:
    teacher, student = (TOKENIZERS[name] for name in pair)
    sentence = TOKENIZERS["sentencepiece"]
    top = signal(teacher, text, top_k=4)
    crossed = cross(top, text, teacher, student)
    count = len(crossed.chunk_logprobs)
    assert set(np.diff(crossed.chunk, prepend=-1)) <= {0, 1}
    assert sorted(set(crossed.chunk.tolist())) == list(range(count))
    assert list(crossed.teacher_starts[:1]) == [0][:count]
    assert all(a < b for a, b in pairwise(crossed.teacher_starts))
    assert crossed.chunk_logprobs.sum() == pytest.approx(gold_logprobs(top).sum(), abs=1e-4)
    theirs, ours = spell(teacher, top.token_ids.tolist()), spell(student, crossed.token_ids)
    if b"".join(theirs) == b"".join(ours):
        assert count == len(brute_force_pieces(theirs, ours))
    if "composing" not in pair:
        assert b"".join(ours).decode().removeprefix(" " * (student is sentence)) == text


@settings(deadline=None, max_examples=100)
@given(
    st.lists(st.binary(max_size=3), min_size=1, max_size=12),
    st.lists(st.binary(max_size=3), min_size=1, max_size=12),
)
def test_pieces_of_texts_that_differ_still_hold_tokens_of_both(
    theirs: list[bytes], ours: list[bytes]
) -> None:
    their_chunk, our_chunk = pieces(theirs, ours)
    for chunk in (their_chunk, our_chunk):
        assert set(np.diff(chunk, prepend=-1)) <= {0, 1}
        assert chunk[0] == 0
    assert their_chunk[-1] == our_chunk[-1]


def test_bytes_that_only_one_side_has_stay_with_the_piece_before_them() -> None:
    more, fewer = [b"a", b" x", b" b"], [b"a", b" b"]
    assert [chunk.tolist() for chunk in pieces(more, fewer)] == [[0, 0, 1], [0, 1]]
    assert [chunk.tolist() for chunk in pieces(fewer, more)] == [[0, 1], [0, 0, 1]]
    begun, cut_off = [b" ", b"a", b" b", b" c"], [b"a", b" b"]
    assert [chunk.tolist() for chunk in pieces(begun, cut_off)] == [[0, 0, 1, 1], [0, 1]]


def test_an_emoji_split_over_tokens_is_one_piece_and_the_text_after_it_is_aligned() -> None:
    text = "x = '🐍🦀' + y"
    crossed = cross(signal(LARGE, text), text, LARGE, SMALL)
    parts = spell(SMALL, crossed.token_ids)
    with pytest.raises(UnicodeDecodeError):  # a token alone is no text here
        [part.decode() for part in parts]
    whole: dict[int, bytes] = {}
    for part, number in zip(parts, crossed.chunk, strict=True):
        whole[number] = whole.get(number, b"") + part
    assert " '🐍".encode() in whole.values()  # one token of the teacher, several of the student
    tail = list(whole.values())[-4:]
    assert b"".join(tail).endswith(b"+ y")
    assert len(tail) == 4


def test_characters_that_decode_to_the_same_replacement_are_not_confused() -> None:
    """Comparing decoded tokens takes all halves of characters for the same U+FFFD."""
    text = "🐍🦀🐍é合計🦀 = 1"
    decoded = [LARGE.decode([token]) for token in encode(SMALL, text)[:3]]
    assert len(set(decoded)) < 3
    crossed = cross(signal(SMALL, text), text, SMALL, LARGE)
    assert len(crossed.chunk_logprobs) == len(
        brute_force_pieces(*(spell(t, encode(t, text)) for t in (SMALL, LARGE)))
    )


def test_decomposed_accents_are_one_piece_where_only_one_side_composes_them() -> None:
    text = "name = 'cafe\u0301 x' + other"
    composing = TOKENIZERS["composing"]
    crossed = cross(signal(composing, text), text, composing, SMALL)
    whole: dict[int, bytes] = {}
    for token, number in zip(crossed.token_ids, crossed.chunk, strict=True):
        whole[number] = whole.get(number, b"") + spell(SMALL, [token])[0]
    assert " 'cafe\u0301".encode() in whole.values()
    assert len(whole) > 12


def every_token(tokenizer: Any) -> list[bytes]:
    return spell(tokenizer, range(true_vocabulary(tokenizer)))


def check_rows(crossed: Crossed, top: TopLogits, teacher: Any, student: Any) -> None:
    theirs, ours = (
        [(part, token in special_tokens(t)) for token, part in enumerate(every_token(t))]
        for t in (teacher, student)
    )
    at = crossed.teacher_starts[crossed.chunk]
    for place in range(len(crossed.token_ids)):
        kept = dict(zip(crossed.ids[place], crossed.logprobs[place], strict=True))
        assert crossed.token_ids[place] in kept
        if not crossed.direct[place]:
            assert set(kept) == {crossed.token_ids[place], ABSENT}
            assert (crossed.logprobs[place] == -np.inf).all()
            assert crossed.tail[place] == 0
            continue
        row = top.ids[at[place]], top.logprobs[at[place]].astype(np.float64)
        mass: dict[tuple[bytes, bool], float] = {}
        for token, value in zip(*row, strict=True):
            mass[theirs[token]] = mass.get(theirs[token], 0.0) + np.exp(value)
        outside = np.exp(float(top.tail[at[place]]))
        for spelling, value in mass.items():
            if spelling in ours:
                found = [i for i in kept if i != ABSENT and ours[i] == spelling]
                assert len(found) == 1 or teacher is student
                assert sum(np.exp(kept[i]) for i in found) == pytest.approx(value, rel=1e-5)
            else:
                outside += value
        assert np.exp(crossed.tail[place]) == pytest.approx(outside, rel=1e-5)


@pytest.mark.parametrize(("teacher", "student"), PAIRS)
def test_direct_rows_hold_the_teachers_mass_by_bytes(teacher: str, student: str) -> None:
    top = signal(TOKENIZERS[teacher], CODE, top_k=60)
    crossed = cross(top, CODE, TOKENIZERS[teacher], TOKENIZERS[student])
    assert crossed.direct.any()
    assert teacher == student or not crossed.direct.all()
    check_rows(crossed, top, TOKENIZERS[teacher], TOKENIZERS[student])


def test_two_ids_of_the_same_bytes_become_one() -> None:
    teacher = TOKENIZERS["sentencepiece"]
    vocabulary = teacher.get_vocab()
    text = "x ab"
    gold = np.array(encode(teacher, text))
    logits = np.full((len(gold), true_vocabulary(teacher)), -9.0)
    logits[:, [vocabulary["a"], vocabulary["<0x61>"], *gold]] = 1.0
    top = keep_top_k(logits, gold, 5)
    crossed = cross(top, text, teacher, LARGE)
    assert crossed.direct.any()
    check_rows(crossed, top, teacher, LARGE)
    row = crossed.ids[crossed.direct][0]
    assert (row == LARGE.get_vocab()["a"]).sum() == 1


def test_the_targets_own_token_is_kept_as_the_student_writes_it() -> None:
    student = byte_level(340)
    student.add_tokens([" return"])  # the same bytes as a token that it had, which is not written
    text = "x return a"
    top = signal(LARGE, text)
    crossed = cross(top, text, LARGE, student)
    place = crossed.token_ids.tolist().index(len(student) - 1)
    assert crossed.direct[place]
    own = crossed.ids[place] == crossed.token_ids[place]
    assert crossed.logprobs[place, own] == crossed.chunk_logprobs[crossed.chunk[place]]


def test_an_end_that_only_the_teacher_has_is_left_out() -> None:
    teacher = byte_level(330, special=("<|end|>", "<|turn|>"))
    text = "return a\n```<|end|><|turn|>"
    top = signal(teacher, text)
    crossed = cross(top, text, teacher, SMALL)
    assert spell(SMALL, crossed.token_ids)[-1] == b"<|end|>"
    assert crossed.direct[-1]
    assert crossed.ids[-1, crossed.ids[-1] == crossed.token_ids[-1]].tolist() == [0]
    assert crossed.chunk_logprobs.sum() == pytest.approx(gold_logprobs(top)[:-1].sum(), rel=1e-5)


def test_a_special_token_is_not_the_text_of_its_name() -> None:
    plain = byte_level(300, special=())
    text = "return a<|end|>b"
    crossed = cross(signal(LARGE, text), text, LARGE, plain)
    name = next(iter(special_tokens(LARGE).values()))
    inside = [
        number
        for number, part in zip(crossed.chunk, spell(plain, crossed.token_ids), strict=True)
        if part in (b"<", b"|")
    ]
    assert len(set(inside)) == 1
    assert not crossed.direct[crossed.chunk == inside[0]].any()
    assert name not in token_bytes(plain)


def test_a_signal_of_another_text_is_refused() -> None:
    top = signal(LARGE, "return a + b")
    with pytest.raises(DataError, match="not the target"):
        cross(top, "return a - b", LARGE, SMALL)


def test_other_tokens_of_the_same_text_are_taken() -> None:
    text = "return a"
    letters = np.array([LARGE.get_vocab()[c.replace(" ", "Ġ")] for c in text])
    logits = np.random.default_rng(0).normal(size=(len(letters), true_vocabulary(LARGE)))
    crossed = cross(keep_top_k(logits, letters, K), text, LARGE, LARGE)
    assert crossed.token_ids.tolist() == encode(LARGE, text)
    assert crossed.chunk_logprobs.sum() < 0


def test_sampled_signals_and_lost_gold_tokens_are_refused() -> None:
    top = signal(LARGE, "return a")
    sampled = TopLogits(
        token_ids=top.token_ids, ids=top.ids, logprobs=top.logprobs, tail=top.tail, sampled=True
    )
    with pytest.raises(RecipeError, match=r"teach\.signal=top"):
        cross(sampled, "return a", LARGE, SMALL)
    lost = TopLogits(
        token_ids=top.token_ids,
        ids=np.where(top.ids == top.token_ids[:, None], ABSENT, top.ids),
        logprobs=top.logprobs,
        tail=top.tail,
    )
    with pytest.raises(DataError, match="gold"):
        cross(lost, "return a", LARGE, SMALL)


def test_nothing_crosses_to_nothing() -> None:
    crossed = cross(signal(LARGE, ""), "", LARGE, SMALL)
    assert crossed.ids.shape == (0, K)
    assert len(crossed.chunk_logprobs) == len(crossed.token_ids) == 0


def random_pieces(seed: int) -> tuple[Tensor, Tensor, Tensor]:
    """Log-probabilities of seven tokens in three pieces, and a teacher's likelihoods of these."""
    generator = torch.Generator().manual_seed(seed)
    gold = torch.nn.functional.logsigmoid(torch.randn(7, generator=generator).double())
    teacher = torch.nn.functional.logsigmoid(torch.randn(3, generator=generator).double())
    return gold, torch.tensor([0, 0, 1, 2, 2, 2, 2]), teacher


@pytest.mark.parametrize("temperature", [0.5, 1.0, 20.0])
def test_a_piece_is_compared_by_its_whole_likelihood(temperature: float) -> None:
    gold, chunk, teacher = random_pieces(0)
    found = chunk_divergence(gold, chunk, teacher, temperature)
    for number in range(3):
        a = float(teacher[number].exp()) ** (1 / temperature)
        b = float(gold[chunk == number].sum().exp()) ** (1 / temperature)
        expected = a * np.log(a / b) + (1 - a) * np.log((1 - a) / (1 - b))
        assert float(found[number]) == pytest.approx(expected, abs=1e-12)
    own = torch.stack([gold[chunk == number].sum() for number in range(3)])
    assert chunk_divergence(gold, chunk, own, temperature).abs().max() < 1e-12
    assert (found > 0).all()


def test_the_gradient_of_the_pieces_is_right_and_shared_by_their_tokens() -> None:
    gold, chunk, teacher = random_pieces(1)
    gold.requires_grad_()
    assert torch.autograd.gradcheck(lambda x: chunk_divergence(x, chunk, teacher, 2.0), (gold,))
    chunk_divergence(gold, chunk, teacher).sum().backward()
    assert gold.grad is not None
    assert torch.equal(gold.grad[3:], gold.grad[3].expand(4))


def test_a_large_temperature_compares_log_likelihoods() -> None:
    gold, chunk, teacher = random_pieces(2)
    own, tau = torch.zeros(3).double().index_add(0, chunk, gold), 1e4
    limit = teacher * torch.log(own / teacher) + teacher - own  # with -log p in place of p
    found = chunk_divergence(gold, chunk, teacher, tau)
    assert tau * found == pytest.approx(limit.abs(), rel=1e-2)


@pytest.mark.parametrize("own", [0.0, -1e-9, -0.5, -700.0])
@pytest.mark.parametrize("teacher", [0.0, -1e-9, -0.5, -700.0])
def test_certain_and_impossible_pieces_stay_finite(own: float, teacher: float) -> None:
    gold = torch.tensor([own], requires_grad=True)
    found = chunk_divergence(gold, torch.tensor([0]), torch.tensor([teacher]))
    found.sum().backward()
    assert torch.isfinite(found).all()
    assert gold.grad is not None
    assert torch.isfinite(gold.grad).all()


def dense(seed: int, count: int = 5, vocabulary: int = 40) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return (2 * torch.randn(count, vocabulary, generator=generator)).double().log_softmax(1)


def cut(logprobs: Tensor, top_k: int) -> tuple[Tensor, Tensor]:
    kept = logprobs.topk(top_k, dim=1)[0]
    return kept, torch.log1p(-kept.exp().sum(1))


def test_uld_of_a_model_with_itself_is_0_whatever_the_order() -> None:
    kept, tail = cut(dense(0), 8)
    assert (uld(kept, tail, kept, tail) == 0).all()
    assert (uld(kept, tail, kept.flip(1), tail) == 0).all()


@pytest.mark.parametrize("top_k", [1, 8, 39])
def test_uld_is_a_lower_bound_of_the_dense_one_and_equals_it_at_full_width(top_k: int) -> None:
    p, q = dense(1), dense(2)
    full = (p.exp().sort(1)[0] - q.exp().sort(1)[0]).abs().sum(1)
    found = uld(*cut(q, top_k), *cut(p, top_k))
    assert (found <= full + 1e-12).all()
    assert (found > 0).all()
    if top_k == 39:
        assert found == pytest.approx(full, abs=1e-10)


def test_uld_fills_the_narrower_side_and_leaves_out_what_has_no_row() -> None:
    kept, tail = cut(dense(3), 6)
    filled = torch.nn.functional.pad(kept, (0, 2), value=-torch.inf)
    other = cut(dense(4), 8)
    assert torch.equal(uld(kept, tail, *other), uld(filled, tail, *other))
    nothing = torch.full_like(other[0], -torch.inf), torch.zeros(5).double()
    assert (uld(kept, tail, *nothing) == 0).all()


def test_uld_lowers_the_distance_when_followed() -> None:
    logits = dense(5).clone().requires_grad_()
    teacher = cut(dense(6), 8)
    before = uld(*cut(logits.log_softmax(1), 8), *teacher).sum()
    before.backward()
    assert logits.grad is not None
    after = uld(*cut((logits - 1e-2 * logits.grad).log_softmax(1), 8), *teacher).sum()
    assert after < before


def test_uld_compares_what_both_say_at_the_start_of_a_piece() -> None:
    top = signal(LARGE, CODE)
    crossed = cross(top, CODE, LARGE, SMALL)
    logprobs, tail = at_starts(top, crossed)
    starts = np.unique(crossed.chunk, return_index=True)[1]
    theirs, ours = (spell(LARGE, top.token_ids.tolist()), spell(SMALL, crossed.token_ids))
    for number, place in enumerate(starts):
        there = crossed.teacher_starts[number]
        assert b"".join(theirs[:there]) == b"".join(ours[:place])
        assert (logprobs[place] == top.logprobs[there].astype(np.float32)).all()
        assert tail[place] == np.float32(top.tail[there])
    others = np.setdiff1d(np.arange(len(tail)), starts)
    assert len(others)
    assert (tail[others] == 0).all()
    assert (logprobs[others] == -np.inf).all()


def test_the_students_likeliest_ids_hold_the_gold_one_and_no_padding() -> None:
    generator = torch.Generator().manual_seed(0)
    hidden, weight = torch.randn(9, 4, generator=generator), torch.randn(20, 4, generator=generator)
    bias, gold = torch.randn(20, generator=generator), torch.arange(9)
    logits = (hidden @ weight.T + bias)[:, :15]
    found = likeliest_ids(hidden, weight, gold, 5, bias=bias, rows=15, chunk=4)
    best = logits.topk(5, dim=1)[1]
    assert (found == gold[:, None]).any(1).all()
    assert torch.equal(found[:, :4], torch.where(best == gold[:, None], best, best)[:, :4])
    assert int(found.max()) < 15


@pytest.mark.models
def test_qwens_code_crosses_to_smollm2() -> None:
    names = ("qwen2.5-coder-0.5b-instruct", "smollm2-135m-instruct")
    if not cached_file(find_entry(names[0])).exists():
        pytest.skip(f"{names[0]} is not in the cache")
    qwen, smollm2 = (load_tokenizer(resolve_model(name)) for name in names)
    text = CODE + "<|im_end|>"
    gold = np.array(encode(qwen, text))
    logits = np.random.default_rng(0).normal(size=(len(gold), 1000)).astype(np.float32)
    ids = np.concatenate([gold[:, None], np.tile(np.arange(1000, 1031), (len(gold), 1))], axis=1)
    rows = keep_top_k(logits, np.zeros(len(gold), dtype=int), 32)
    top = TopLogits(token_ids=gold, ids=ids, logprobs=rows.logprobs, tail=rows.tail)
    crossed = cross(top, text, qwen, smollm2)
    assert b"".join(spell(smollm2, crossed.token_ids)) == text.encode()
    assert crossed.chunk_logprobs.sum() == pytest.approx(gold_logprobs(top).sum(), rel=1e-5)
    assert crossed.direct[-1]  # the end of the turn
    assert 0.4 < crossed.direct.mean() < 1.0
