"""GGUF files: the same weights, read by other programs; quantisers; fields with and without a base.

The readers are not ours: transformers loads the file by itself, llama.cpp runs it.
"""

import json
from collections.abc import Callable
from pathlib import Path

import gguf
import numpy as np
import pytest

from overproof.errors import DataError, EngineError
from overproof.models import resolve_model
from overproof.ship.agreement import coarse_divergence
from overproof.ship.export import Wanted, Written, export
from overproof.ship.fields import built_fields, complete, copied_fields, differing
from overproof.ship.ggml import dequantise, quantise, row_bytes
from overproof.ship.gguf_file import read_back, read_config, write_gguf
from overproof.ship.header import read_header
from overproof.ship.layout import plan_tensors
from overproof.ship.probe import PROBE

Make = Callable[..., Path]
PROMPTS = ("def f(x):\n", "def g(y):\n", "def add(a, b):\n")


def written(folder: Path, target: Path, quantisation: str) -> Path:
    config = read_config(folder)
    fields = complete(built_fields(folder, config), folder, config, "tiny", quantisation)
    write_gguf(folder, target, quantisation, fields)
    return target


def test_each_format_is_as_near_as_its_bits_allow() -> None:
    weights = np.random.default_rng(1).standard_normal((64, 512)).astype(np.float32)
    error = {}
    for kind in ("F16", "Q8_0", "Q6_K", "Q5_0", "Q4_K", "Q4_0"):
        packed = quantise(weights, kind)
        assert packed.shape == (64, row_bytes(kind, 512))
        off = dequantise(packed, kind).reshape(weights.shape) - weights
        error[kind] = float(np.sqrt((off**2).mean() / (weights**2).mean()))
    assert list(error.values()) == sorted(error.values())  # fewer bits, more error
    assert error["Q4_K"] < 0.85 * error["Q4_0"]
    assert (error["F16"], error["Q8_0"]) < (0.001, 0.01)


def test_ggml_and_gguf_write_the_same_q8_0() -> None:
    from overproof.ship import ggml

    weights = np.random.default_rng(2).standard_normal((8, 256)).astype(np.float32)
    packed = np.zeros((8, row_bytes("Q8_0", 256)), dtype=np.uint8)
    kind = int(gguf.GGMLQuantizationType.Q8_0)
    ggml._ggml_quantiser()(kind, weights.ctypes.data, packed.ctypes.data, 0, 8, 256, None)
    np.testing.assert_array_equal(packed, quantise(weights, "Q8_0"))


def test_q4_k_m_gives_more_bits_where_llama_cpp_does() -> None:
    config = {"model_type": "qwen2", "num_hidden_layers": 24, "num_attention_heads": 4}
    shapes = {"model.embed_tokens.weight": (512, 1024)}
    for block in range(24):
        for part in ("self_attn.q_proj", "self_attn.v_proj", "mlp.down_proj"):
            shapes[f"model.layers.{block}.{part}.weight"] = (1024, 1024)
    kinds = {one.name: one.kind for one in plan_tensors(config, shapes, "q4_k_m")}
    assert kinds["token_embd.weight"] == "Q6_K"  # tied: it is the output, too
    more = [block for block in range(24) if kinds[f"blk.{block}.attn_v.weight"] == "Q6_K"]
    assert more == [0, 1, 2, 5, 8, 11, 14, 17, 20, 21, 22, 23]
    assert {kinds[f"blk.{block}.attn_q.weight"] for block in range(24)} == {"Q4_K"}
    untied = plan_tensors(config, {**shapes, "lm_head.weight": (512, 1024)}, "q4_k_m")
    kinds = {one.name: one.kind for one in untied}
    assert (kinds["output.weight"], kinds["token_embd.weight"]) == ("Q6_K", "Q4_K")


@pytest.mark.parametrize("kind", ["llama", "qwen2"])
@pytest.mark.parametrize("tied", [True, False])
def test_transformers_reads_the_same_weights(
    kind: str, tied: bool, tmp_path: Path, checkpoint: Make
) -> None:
    import torch
    import transformers

    folder = checkpoint(tmp_path / "tiny", kind, tied)
    file = written(folder, tmp_path / "tiny.gguf", "f16")
    load = transformers.AutoModelForCausalLM.from_pretrained
    ours = load(folder, dtype=torch.float32)
    theirs = load(
        tmp_path,
        gguf_file=file.name,
        dtype=torch.float32,
        config=transformers.AutoConfig.from_pretrained(folder),
        quantization_config=transformers.GgufConfig(dequantize=True),
    )
    assert ours.state_dict().keys() == theirs.state_dict().keys()
    for name, tensor in ours.state_dict().items():
        torch.testing.assert_close(theirs.state_dict()[name], tensor, rtol=0, atol=0)


@pytest.mark.parametrize("quantisation", ["f16", "q8_0", "q4_k_m"])
def test_the_official_reader_and_ours_agree(
    quantisation: str, tmp_path: Path, checkpoint: Make
) -> None:
    file = written(checkpoint(tmp_path / "tiny"), tmp_path / "tiny.gguf", quantisation)
    official, ours = gguf.GGUFReader(file), read_header(file)
    assert [tensor.name for tensor in official.tensors] == list(ours.tensors)
    for tensor in official.tensors:
        mine = ours.tensors[tensor.name]
        assert tensor.tensor_type.name == mine.kind
        np.testing.assert_array_equal(np.asarray(tensor.data), np.asarray(mine.data))
    for key, field in ours.fields.items():
        assert official.fields[key].contents() == field.value


@pytest.mark.parametrize("kind", ["llama", "qwen2"])
def test_llama_cpp_writes_what_the_checkpoint_writes(
    kind: str, tmp_path: Path, checkpoint: Make
) -> None:
    folder = checkpoint(tmp_path / "tiny", kind)
    wanted = Wanted(
        out=tmp_path / "out", quantisations=("f16", "q4_k_m"), own_prompts=PROMPTS, threads=1
    )
    news = list(export(resolve_model(str(folder)), wanted))
    half, quarter = (one.record for one in news if isinstance(one, Written))
    assert half["weights"]["exact"]
    assert half["tokens"] == {"texts": len(PROBE) + 3, "differ": []}
    assert half["answers"]["kl"] < 1e-3  # a wrong order of rows: above 1
    assert half["answers"]["same_next_token"] > 0.95
    assert half["answers"]["kl"] < quarter["answers"]["kl"] < 0.5
    assert half["answers"]["widest_margin"] < 0.05  # ties, nothing else
    assert quarter["answers"]["decided_otherwise"] > half["answers"]["decided_otherwise"]
    assert quarter["answers"]["widest_margin"] > half["answers"]["widest_margin"]
    assert quarter["formats"]["Q4_K"] > 10
    assert quarter["size_bytes"] < 0.5 * half["size_bytes"]
    record = json.loads((tmp_path / "out" / "export.json").read_text())
    assert [row["quantise"] for row in record["files"]] == ["f16", "q4_k_m"]
    modelfile = (tmp_path / "out" / "Modelfile").read_text()
    assert "FROM ./tiny-q4_k_m.gguf" in modelfile
    assert "<|im_start|>{{ .Role }}" in modelfile


def test_a_base_file_gives_its_fields_if_it_is_the_same_model(
    tmp_path: Path, checkpoint: Make
) -> None:
    folder = checkpoint(tmp_path / "tiny")
    base = read_header(written(folder, tmp_path / "base.gguf", "f16"))
    config = read_config(folder)
    copied = copied_fields(base)
    assert differing(copied, folder, config) == []
    again = complete(copied, folder, config, "tiny", "f16")
    made = complete(built_fields(folder, config), folder, config, "tiny", "f16")
    assert again.keys() == made.keys()
    for key, field in again.items():
        real = isinstance(field.value, float)  # float32 in the file
        assert field.value == (pytest.approx(made[key].value) if real else made[key].value)
    other = {**config, "num_hidden_layers": 9}
    assert "block_count" in differing(copied, folder, other)[0]


def test_a_padded_vocabulary_gets_tokens_that_are_never_used(
    tmp_path: Path, checkpoint: Make
) -> None:
    folder = checkpoint(tmp_path / "tiny")
    config = read_config(folder)
    fields = complete(built_fields(folder, config), folder, config, "tiny", "f16")
    tokens = fields["tokenizer.ggml.tokens"].value
    assert len(tokens) == config["vocab_size"]
    assert tokens[-1] == "[PAD271]"
    assert fields["tokenizer.ggml.token_type"].value[-1] == 5
    short = {**config, "vocab_size": 100}
    with pytest.raises(DataError, match="261 tokens, but the model has 100 rows"):
        complete(built_fields(folder, config), folder, short, "tiny", "f16")


def test_what_cannot_be_written_is_refused(tmp_path: Path, checkpoint: Make) -> None:
    folder = checkpoint(tmp_path / "tiny")
    config = read_config(folder)
    with pytest.raises(EngineError, match="no GGUF layout for models of type 'gpt2'"):
        plan_tensors({**config, "model_type": "gpt2"}, {}, "f16")
    with pytest.raises(EngineError, match="has no place"):
        plan_tensors(config, {"model.layers.0.lora_A.weight": (4, 4)}, "f16")
    scaled = {**config, "rope_parameters": {"rope_type": "llama3"}}
    with pytest.raises(EngineError, match="scaled"):
        built_fields(folder, scaled)
    rule = {"type": "Whitespace"}
    tokenizer = json.loads((folder / "tokenizer.json").read_text())
    (folder / "tokenizer.json").write_text(json.dumps({**tokenizer, "pre_tokenizer": rule}))
    with pytest.raises(EngineError, match="no known name in GGUF"):
        built_fields(folder, config)


def test_reading_back_finds_a_damaged_file(tmp_path: Path, checkpoint: Make) -> None:
    folder = checkpoint(tmp_path / "tiny")
    file = written(folder, tmp_path / "tiny.gguf", "f16")
    assert read_back(folder, file, "f16")["exact"]
    data = bytearray(file.read_bytes())
    data[-1000] ^= 0x10
    file.write_bytes(data)
    assert not read_back(folder, file, "f16")["exact"]
    file.write_bytes(data[:200])
    with pytest.raises(DataError, match="damaged GGUF header"):
        read_header(file)


def test_the_divergence_is_that_of_the_coarse_distributions() -> None:
    from overproof.engines.sparse import keep_top_k

    random = np.random.default_rng(3)
    logits = random.standard_normal((5, 40)).astype(np.float32)
    other = logits + 0.3 * random.standard_normal((5, 40)).astype(np.float32)
    gold = [1, 2, 3, 4, 5]
    ours, theirs = (keep_top_k(rows, gold, 39) for rows in (logits, other))
    p, q = (np.exp(rows) / np.exp(rows).sum(1, keepdims=True) for rows in (logits, other))
    whole = (p * np.log(p / q)).sum(1)
    found = coarse_divergence(ours, theirs)
    assert found == pytest.approx(whole, rel=0.05)
    assert coarse_divergence(ours, ours) == pytest.approx(np.zeros(5), abs=1e-6)
    coarser = coarse_divergence(*(keep_top_k(rows, gold, 8) for rows in (logits, other)))
    assert (coarser <= whole + 1e-3).all()
