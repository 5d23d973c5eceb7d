"""A real, tiny Qwen2, and examples with a random teacher's signal."""

from typing import Any

import numpy as np
import pytest
import torch

from overproof.distillation.examples import Example, direct_signal
from overproof.engines.sparse import keep_top_k
from overproof.records import View

V = 64
VIEWS: tuple[View, ...] = ("text_to_code", "code_to_text", "text_to_code", "repair")


def make_tiny(**changes: Any) -> Any:
    """Return a real Qwen2 of two layers, the same each time for the same changes."""
    from transformers import Qwen2Config, Qwen2ForCausalLM

    torch.manual_seed(0)
    sizes: dict[str, Any] = {
        "vocab_size": V,
        "hidden_size": 32,
        "intermediate_size": 48,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "max_position_embeddings": 128,
    }
    return Qwen2ForCausalLM(Qwen2Config(**{**sizes, **changes}))


@pytest.fixture(scope="session")
def tiny() -> Any:
    return make_tiny()


def make_examples(count: int = 6, *, vectors: bool = False, policy: bool = False) -> list[Example]:
    rng = np.random.default_rng(0)
    made = []
    for number in range(count):
        length = 3 + number
        gold = rng.integers(0, V, length)
        top = keep_top_k(rng.normal(size=(length, V)) * 2, gold, 8)
        prompt = rng.integers(0, V, 4 + number % 3).tolist()
        view = VIEWS[number % 2 if vectors else number % 4]
        made.append(
            Example(
                key=f"key{number}",
                pair=f"pair{number // 2}",
                view=view,
                clean=prompt,
                twins=[rng.integers(0, V, 6).tolist() for _ in range(2 if number % 4 == 0 else 0)],
                span=(1, len(prompt) - 1),
                signal=direct_signal(top),
                weights=np.ones(length, dtype=np.float32),
                verified=number % 4 == 0,
                on_policy=policy and number == count - 1,
                vector=rng.normal(size=12) if vectors else None,
            )
        )
    return made
