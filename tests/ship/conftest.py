"""A checkpoint folder small enough to export in a test: random weights, a real tokenizer's form."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

ROWS, WIDTH, HEADS, BLOCKS = 272, 256, 4, 4
CHATML = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n"
    "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
SPECIAL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")


def byte_letters() -> list[str]:
    """Return the letters that stand for the 256 bytes in a byte-level vocabulary."""
    from tokenizers.pre_tokenizers import ByteLevel

    return sorted(ByteLevel.alphabet())


def tokenizer_json() -> dict[str, Any]:
    tokens = [*SPECIAL, *byte_letters(), "de", "def"]
    added = [
        {
            "id": number,
            "content": token,
            "special": True,
            "normalized": False,
            "single_word": False,
            "lstrip": False,
            "rstrip": False,
        }
        for number, token in enumerate(SPECIAL)
    ]
    level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True}
    return {
        "version": "1.0",
        "added_tokens": added,
        "normalizer": None,
        "pre_tokenizer": {**level, "use_regex": True},
        "post_processor": None,
        "decoder": {**level, "use_regex": True},
        "model": {
            "type": "BPE",
            "vocab": {token: number for number, token in enumerate(tokens)},
            "merges": [["d", "e"], ["de", "f"]],
        },
    }


def config_of(kind: str, tied: bool) -> dict[str, Any]:
    name = {"llama": "LlamaForCausalLM", "qwen2": "Qwen2ForCausalLM"}[kind]
    return {
        "architectures": [name],
        "model_type": kind,
        "hidden_size": WIDTH,
        "intermediate_size": 512,
        "num_hidden_layers": BLOCKS,
        "num_attention_heads": HEADS,
        "num_key_value_heads": 2,
        "max_position_embeddings": 2048,
        "rms_norm_eps": 1e-6,
        "rope_parameters": {"rope_type": "default", "rope_theta": 10000.0},
        "tie_word_embeddings": tied,
        "vocab_size": ROWS,
        "bos_token_id": 0,
        "eos_token_id": 2,
    }


def tensors_of(kind: str, tied: bool) -> dict[str, Any]:
    random = np.random.default_rng(0)

    def matrix(*shape: int) -> Any:
        return (random.standard_normal(shape) * 0.1).astype(np.float16)

    half = WIDTH // 2
    tokens = [*SPECIAL, *byte_letters()]
    legible = [len(token) == 1 and "!" <= token <= "~" for token in tokens]
    legible += [False] * (ROWS - len(legible))

    def vocabulary() -> Any:
        """Rows of which only printable letters have a chance to be written."""
        return matrix(ROWS, WIDTH) * np.array(legible, np.float16)[:, None]

    found = {"model.embed_tokens.weight": vocabulary()}
    for block in range(BLOCKS):
        at = f"model.layers.{block}"
        rows = {"q_proj": WIDTH, "k_proj": half, "v_proj": half, "o_proj": WIDTH}
        for name, count in rows.items():
            found[f"{at}.self_attn.{name}.weight"] = matrix(count, WIDTH)
            if kind == "qwen2" and name != "o_proj":
                found[f"{at}.self_attn.{name}.bias"] = matrix(count)
        found[f"{at}.mlp.gate_proj.weight"] = matrix(512, WIDTH)
        found[f"{at}.mlp.up_proj.weight"] = matrix(512, WIDTH)
        found[f"{at}.mlp.down_proj.weight"] = matrix(WIDTH, 512)
        found[f"{at}.input_layernorm.weight"] = np.ones(WIDTH, np.float16)
        found[f"{at}.post_attention_layernorm.weight"] = np.ones(WIDTH, np.float16)
    found["model.norm.weight"] = np.ones(WIDTH, np.float16)
    if not tied:
        found["lm_head.weight"] = vocabulary()
    return found


def make_checkpoint(folder: Path, kind: str = "llama", tied: bool = True) -> Path:
    """Write a folder as training does: weights, config, tokenizer, template, card, record."""
    from safetensors.numpy import save_file

    folder.mkdir(parents=True)
    save_file(tensors_of(kind, tied), folder / "model.safetensors", metadata={"format": "pt"})
    (folder / "config.json").write_text(json.dumps(config_of(kind, tied)))
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer_json()))
    names = {"bos_token": SPECIAL[0], "eos_token": SPECIAL[2], "pad_token": SPECIAL[0]}
    settings = {"tokenizer_class": "PreTrainedTokenizerFast", **names}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    (folder / "chat_template.jinja").write_text(CHATML)
    (folder / "README.md").write_text(
        "---\nlicense: apache-2.0\nbase_model: tiny\ntags: [code]\n---\n\n# tiny: kd\n"
    )
    (folder / "training.json").write_text(json.dumps({"steps": 7, "tokens": 900, "seen": []}))
    return folder


@pytest.fixture
def checkpoint() -> Callable[..., Path]:
    """Return the function that writes a checkpoint folder."""
    return make_checkpoint
