"""A real model there and back: GGUF to a checkpoint folder, and to GGUF again."""

from pathlib import Path

import pytest

from overproof.engines.prepare import load_tokenizer, load_weights
from overproof.models import resolve_model
from overproof.ship.export import Wanted, Written, export

pytestmark = [pytest.mark.models, pytest.mark.slow]
PROMPTS = (
    'def add(a, b):\n    """Return the sum."""\n',
    'def is_even(n):\n    """Return whether n is even."""\n',
    'def first(items):\n    """Return the first item."""\n',
)


def test_a_model_survives_the_round_trip(tmp_path: Path) -> None:
    source = resolve_model("smollm2-135m-instruct")
    model, folder = load_weights(source, "bfloat16"), tmp_path / "smollm2"
    model.config.name_or_path = ""
    model.save_pretrained(folder)
    load_tokenizer(source).save_pretrained(folder)
    wanted = Wanted(
        out=tmp_path / "out",
        quantisations=("f16", "q8_0", "q4_k_m"),
        base="smollm2-135m-instruct",
        own_prompts=PROMPTS,
        threads=1,
    )
    news = list(export(resolve_model(str(folder)), wanted))
    half, eight, four = (one.record for one in news if isinstance(one, Written))
    assert half["weights"]["exact"]
    assert half["tokens"]["differ"] == []
    assert half["answers"]["same_answers"] == len(PROMPTS)
    assert half["answers"]["kl"] < 1e-3
    assert eight["answers"]["kl"] < 0.02
    assert half["answers"]["kl"] <= eight["answers"]["kl"] < four["answers"]["kl"] < 0.3
