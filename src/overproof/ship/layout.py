"""From the tensors of a checkpoint to those of a GGUF file: names, order of rows, formats.

Covered: the architectures `llama` and `qwen2`, tied and untied embeddings.
Not covered: experts, other architectures, rope factors (see `fields`).

    plan_tensors(config, weights.shapes, "q4_k_m")
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from overproof.errors import EngineError
from overproof.ship.ggml import fitting, gguf_package

ARCHITECTURES = ("llama", "qwen2")
"""By `model_type` of config.json; GGUF calls them the same."""
FILE_TYPES = {"f16": 1, "q8_0": 7, "q4_k_m": 15}
"""Numbers of `general.file_type`. Source: llama.cpp, include/llama.h, llama_ftype."""


@dataclass(frozen=True, kw_only=True)
class Planned:
    """One tensor to write."""

    ours: str
    """Its name in the checkpoint."""
    name: str
    """Its name in the GGUF file."""
    shape: tuple[int, ...]
    kind: str
    """Its format there."""
    heads: int = 0
    """If above 0, its rows are reordered for this many heads."""


def check_architecture(config: Mapping[str, Any]) -> str:
    """Return the architecture. Raises: EngineError if there is no layout for it."""
    kind = str(config.get("model_type", ""))
    if kind not in ARCHITECTURES:
        raise EngineError(
            f"no GGUF layout for models of type {kind!r}, only for {', '.join(ARCHITECTURES)}",
            hint="export it --to safetensors, and use llama.cpp's convert_hf_to_gguf.py on that",
        )
    return kind


def plan_tensors(
    config: Mapping[str, Any], shapes: Mapping[str, Sequence[int]], quantisation: str
) -> list[Planned]:
    """Return what to write, embeddings first, then block by block.

    Raises: EngineError for an architecture or a tensor that has no place in GGUF.
    """
    gguf = gguf_package()
    architecture = check_architecture(config)
    blocks = int(config["num_hidden_layers"])
    arch = gguf.MODEL_ARCH[architecture.upper()]
    names = gguf.get_tensor_name_map(arch, blocks)
    tied = "lm_head.weight" not in shapes
    planned = []
    for ours, shape in shapes.items():
        if ours.endswith("rotary_emb.inv_freq"):
            continue  # follows from the config
        name = names.get_name(ours, try_suffixes=(".weight", ".bias"))
        if name is None:
            raise EngineError(
                f"{ours} has no place in a GGUF file of type {architecture}",
                hint="is it a merged model? An adapter's own tensors must be merged first",
            )
        kind = _format(name, shape, quantisation, blocks, tied)
        heads = _heads(name, config) if architecture == "llama" else 0
        planned.append(Planned(ours=ours, name=name, shape=tuple(shape), kind=kind, heads=heads))
    return sorted(planned, key=lambda tensor: _place(tensor.name))


def reorder(rows: Any, heads: int) -> Any:
    """Return the rows of a query or key projection in the order that GGUF's llama expects.

    A checkpoint keeps the two halves of each head that rope turns one after the other, llama.cpp
    interleaves them. Shapes: (heads * d, C) to the same.
    Source: llama.cpp, convert_hf_to_gguf.py, LlamaModel.permute.

    >>> import numpy as np
    >>> reorder(np.arange(8)[:, None], 2)[:, 0].tolist()
    [0, 2, 1, 3, 4, 6, 5, 7]
    """
    halves = rows.reshape(heads, 2, rows.shape[0] // heads // 2, -1)
    return halves.swapaxes(1, 2).reshape(rows.shape)


def _heads(name: str, config: Mapping[str, Any]) -> int:
    heads = int(config["num_attention_heads"])
    if ".attn_q." in name:
        return heads
    if ".attn_k." in name:
        return int(config.get("num_key_value_heads") or heads)
    return 0


def _format(name: str, shape: Sequence[int], quantisation: str, blocks: int, tied: bool) -> str:
    """Return the format of a tensor: vectors stay float32, matrices as the mix says."""
    if len(shape) == 1:
        return "F32"
    if quantisation == "f16":
        return "F16"
    if quantisation == "q8_0":
        return fitting("Q8_0", shape[-1])
    return fitting("Q6_K" if _needs_bits(name, blocks, tied) else "Q4_K", shape[-1])


def _needs_bits(name: str, blocks: int, tied: bool) -> bool:
    """Whether Q4_K_M gives this matrix six bits: the output, some value and down projections.

    Source: llama.cpp, src/llama-quant.cpp: the mix of LLAMA_FTYPE_MOSTLY_Q4_K_M.
    """
    if name == "output.weight" or (tied and name == "token_embd.weight"):
        return True
    if not any(part in name for part in (".attn_v.", ".ffn_down.")):
        return False
    block = int(name.split(".")[1])
    first, last = blocks // 8, 7 * blocks // 8
    return block < first or block >= last or (block - first) % 3 == 2


def _place(name: str) -> tuple[int, int, str]:
    """Return where a tensor stands in the file."""
    parts = name.split(".")
    if parts[0] == "blk":
        return (1, int(parts[1]), name)
    return (0 if parts[0] == "token_embd" else 2, 0, name)
