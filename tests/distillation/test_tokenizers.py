"""Tokenizers compared by what they encode, on the catalogue's own and on small ones made here."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

from overproof.catalog import cached_file, find_entry
from overproof.distillation.tokenizers import (
    PROBES,
    check_same_tokenizer,
    compare_tokenizers,
    shared_ids,
    special_tokens,
    spell,
    token_bytes,
    true_vocabulary,
)
from overproof.engines.prepare import load_tokenizer
from overproof.errors import EngineError
from overproof.models import resolve_model

CORPUS = [
    "def add(a, b):\n    return a + b\n",
    "for item in range(10):\n    print(item, item ** 2)\n",
    "class Stack:\n    def push(self, item):\n        self.items.append(item)\n",
]


def wrapped(tokenizer: Tokenizer) -> Any:
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<|end|>")


def byte_level(size: int = 400, *, special: tuple[str, ...] = ("<|end|>",)) -> Any:
    """A byte-level BPE with an end token and `size` entries."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        show_progress=False,
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        special_tokens=list(special),
    )
    tokenizer.train_from_iterator(CORPUS, trainer)
    return wrapped(tokenizer)


def sentencepiece() -> Any:
    """A BPE over ▁ with bytes to fall back on, as Llama 2 has it."""
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>"))
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Split("▁", "merged_with_next")
    trainer = trainers.BpeTrainer(
        vocab_size=200, show_progress=False, special_tokens=["<unk>", "<|end|>"]
    )
    tokenizer.train_from_iterator(CORPUS, trainer)
    state = json.loads(tokenizer.to_str())
    vocabulary = state["model"]["vocab"]
    for byte in range(256):
        vocabulary[f"<0x{byte:02X}>"] = len(vocabulary)
    state["model"] |= {"byte_fallback": True, "fuse_unk": True}
    return wrapped(Tokenizer.from_str(json.dumps(state)))


@pytest.fixture(scope="module")
def small() -> Any:
    return byte_level()


@pytest.fixture(scope="module")
def llama() -> Any:
    return sentencepiece()


def padded(tokenizer: Any, rows: int) -> Any:
    """The same tokenizer with rows that a converter added to fill the matrix."""
    state = json.loads(tokenizer.backend_tokenizer.to_str())
    vocabulary = state["model"]["vocab"]
    first = max(tokenizer.get_vocab().values()) + 1
    for number in range(first, first + rows):
        vocabulary[f"[PAD{number}]"] = number
    return wrapped(Tokenizer.from_str(json.dumps(state)))


def test_bytes_of_every_token_spell_every_probe(small: Any) -> None:
    parts = token_bytes(small)
    for probe in PROBES:
        ids = small.encode(probe, add_special_tokens=False)
        assert b"".join(parts[token] or b"?" for token in ids) == probe.encode()


@settings(deadline=None, max_examples=50)
@given(text=st.text(st.characters(codec="utf-8", exclude_characters="▁"), max_size=30))
def test_any_text_is_spelled_by_both_kinds(text: str) -> None:
    for tokenizer, begins in ((byte_level_kept, b""), (sentencepiece_kept, b" ")):
        ids = tokenizer.encode(text, add_special_tokens=False)
        spelled = b"".join(spell(tokenizer, ids))
        assert spelled == (begins + text.encode() if text else b"")


byte_level_kept, sentencepiece_kept = byte_level(), sentencepiece()


def test_a_sentencepiece_vocabulary_is_read_by_its_marks(llama: Any) -> None:
    vocabulary, parts = llama.get_vocab(), token_bytes(llama)
    assert parts[vocabulary["▁return"]] == b" return"
    assert parts[vocabulary["<0xF0>"]] == b"\xf0"
    assert parts[vocabulary["<unk>"]] is None
    assert parts[vocabulary["<|end|>"]] is None


def test_special_tokens_have_no_bytes_but_a_name(small: Any) -> None:
    assert special_tokens(small) == {small.eos_token_id: b"<|end|>"}
    assert token_bytes(small)[small.eos_token_id] is None
    assert spell(small, [small.eos_token_id]) == [b"<|end|>"]


def test_added_tokens_that_are_not_special_are_text(small: Any) -> None:
    own = byte_level()
    before = true_vocabulary(own)
    own.add_tokens(["        "])
    assert true_vocabulary(own) == before + 1
    assert token_bytes(own)[before] == b" " * 8
    assert true_vocabulary(small) == before


def test_rows_that_pad_the_vocabulary_are_no_part_of_it(small: Any) -> None:
    longer = padded(small, 7)
    assert len(longer) == len(small) + 7
    assert true_vocabulary(longer) == true_vocabulary(small) == len(small)
    found = compare_tokenizers(longer, small)
    assert found.same
    assert found.length == len(small)
    assert compare_tokenizers(small, padded(small, 3)).same
    with pytest.raises(EngineError, match="is not in the tokenizer"):
        spell(longer, [len(small)])


def test_a_name_like_a_padding_row_counts_elsewhere(small: Any) -> None:
    state = json.loads(small.backend_tokenizer.to_str())
    state["model"]["vocab"]["[PAD7]"] = len(small)
    own = wrapped(Tokenizer.from_str(json.dumps(state)))
    assert token_bytes(own)[-1] == b"[PAD7]"
    assert true_vocabulary(own) == len(small) + 1


def test_a_letter_is_preferred_to_its_byte_and_the_own_number_to_both(llama: Any) -> None:
    state = json.loads(llama.backend_tokenizer.to_str())
    vocabulary = state["model"]["vocab"]
    turned = {number: len(vocabulary) + 1 - number for number in range(2, len(vocabulary))}
    for name in vocabulary:  # bytes first, as Llama has them
        vocabulary[name] = turned.get(vocabulary[name], vocabulary[name])
    bytes_first = wrapped(Tokenizer.from_str(json.dumps(state)))
    names = bytes_first.get_vocab()
    assert names["<0x61>"] < names["a"]
    assert shared_ids(byte_level_kept, bytes_first)[byte_level_kept.get_vocab()["a"]] == names["a"]
    assert shared_ids(llama, llama).tolist() == list(range(len(llama)))


def test_tokens_that_only_one_defines_refute_nothing(small: Any) -> None:
    more = byte_level()
    more.add_special_tokens({"additional_special_tokens": ["<|tool|>"]})
    found = compare_tokenizers(more, small)
    assert found.same
    assert found.length == len(small)
    mapping = shared_ids(more, small)
    assert mapping.tolist() == [*range(len(small)), -1]


def test_a_smaller_vocabulary_is_another_tokenizer_with_a_reason(small: Any) -> None:
    found = compare_tokenizers(small, byte_level(300))
    assert not found.same
    assert found.length == 0
    assert "the teacher makes" in found.reason
    assert "the first that differ are" in found.reason
    with pytest.raises(EngineError, match="different tokenizers: of 'def add"):
        check_same_tokenizer(small, byte_level(300))


def test_two_ids_that_changed_places_are_found_although_no_probe_holds_them(small: Any) -> None:
    state = json.loads(small.backend_tokenizer.to_str())
    vocabulary = state["model"]["vocab"]
    used = {token for probe in PROBES for token in small.encode(probe)}
    first, second = [name for name, number in vocabulary.items() if number not in used][-2:]
    vocabulary[first], vocabulary[second] = vocabulary[second], vocabulary[first]
    found = compare_tokenizers(small, wrapped(Tokenizer.from_str(json.dumps(state))))
    assert not found.same
    assert f"2 of {len(small)} ids stand for other text" in found.reason


def test_another_normal_form_is_another_tokenizer(small: Any) -> None:
    composing = byte_level()
    composing.backend_tokenizer.normalizer = normalizers.NFC()
    assert not compare_tokenizers(composing, small).same


def test_equal_bytes_map_to_each_other_and_special_tokens_to_their_namesakes(small: Any) -> None:
    other = byte_level(300, special=("<|other|>", "<|end|>"))
    mapping, theirs, ours = shared_ids(small, other), token_bytes(small), token_bytes(other)
    assert (mapping >= 0).sum() > 256
    for number, own in enumerate(mapping):
        if theirs[number] is None:
            assert own == other.eos_token_id
        elif own >= 0:
            assert ours[own] == theirs[number]
        else:
            assert theirs[number] not in ours


def test_a_vocabulary_that_is_not_understood_is_refused() -> None:
    tokenizer = Tokenizer(models.WordPiece({"[UNK]": 0, "d": 1, "##ef": 2}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    with pytest.raises(EngineError, match="cannot be told"):
        true_vocabulary(wrapped(tokenizer))


@pytest.mark.models
def test_smollm2_knows_every_byte_of_plain_code() -> None:
    tokenizer = load_tokenizer(resolve_model("smollm2-135m-instruct"))
    assert true_vocabulary(tokenizer) == 49152
    known = {part for part in token_bytes(tokenizer) if part and len(part) == 1}
    assert known >= {bytes([byte]) for byte in (9, 10, *range(32, 127))}


@pytest.mark.models
def test_qwen_models_share_their_tokenizer_and_smollm2_has_another() -> None:
    names = ("qwen2.5-coder-0.5b-instruct", "smollm2-135m-instruct")
    if not cached_file(find_entry(names[0])).exists():
        pytest.skip(f"{names[0]} is not in the cache")
    qwen, smollm2 = (load_tokenizer(resolve_model(name)) for name in names)
    assert true_vocabulary(qwen) == 151_665
    assert compare_tokenizers(qwen, qwen).length == 151_665
    assert not compare_tokenizers(qwen, smollm2).same
    mapping = shared_ids(qwen, smollm2)
    assert mapping[qwen.convert_tokens_to_ids("<|im_end|>")] == 2
    assert (mapping >= 0).sum() > 39_000
