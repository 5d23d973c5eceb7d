"""What makes a training another one."""

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from overproof.catalog import ModelSource
from overproof.distillation.arm import Arm, Signals, _key
from overproof.recipe import load_recipe

RECIPE = load_recipe("demo")
SOURCE = ModelSource(name="tiny", kind="folder", path=Path("tiny"), sha256="0" * 64)
SIGNALS = Signals(teacher=SOURCE, lessons=[], pairs=[])


def key_of(**changes: Any) -> str:
    config = dataclasses.replace(RECIPE.distill, **changes)
    return _key(Arm(name="distilled", config=config), SOURCE, SIGNALS, RECIPE)


def test_the_same_training_has_the_same_folder_whoever_holds_the_weights() -> None:
    assert key_of(sharding="fsdp2") == key_of(sharding="none") == key_of(report_to=("trackio",))


@pytest.mark.parametrize("change", [{"steps": 7}, {"method": "full"}, {"kd_weight": 0.1}], ids=str)
def test_another_training_has_another_folder(change: dict[str, Any]) -> None:
    assert key_of(**change) != key_of()
