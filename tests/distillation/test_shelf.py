"""Examples on disk: the same as in memory, and no memory for them."""

import dataclasses
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from overproof.distillation.batches import collate
from overproof.distillation.examples import Example
from overproof.distillation.schedule import make_schedule
from overproof.distillation.shelf import ROWS, Shelf, put_on_shelf
from overproof.errors import RowError
from overproof.recipe import DistillConfig

from .conftest import make_examples
from .shared_cases import crossed_examples


def assert_same(one: Any, two: Any) -> None:
    for field in dataclasses.fields(one):
        left, right = getattr(one, field.name), getattr(two, field.name)
        if dataclasses.is_dataclass(left):
            assert_same(left, right)
        elif field.name == "vector" and left is not None:
            assert np.allclose(left, right, atol=1e-6)
        elif isinstance(left, np.ndarray):
            assert left.shape == right.shape and np.array_equal(left, right), field.name
        else:
            assert left == right, field.name


@pytest.mark.parametrize(
    "made",
    [
        make_examples(ROWS + 5, policy=True),
        make_examples(3, vectors=True),
        crossed_examples(7),
        [],
    ],
    ids=["several batches", "vectors", "crossed", "none"],
)
def test_what_is_read_is_what_was_put_there(made: list[Example], tmp_path: Path) -> None:
    shelf = put_on_shelf(tmp_path / "deep" / "a.arrow", iter(made), "x")
    assert len(shelf) == len(made)
    for one, two in zip(made, shelf, strict=True):
        assert_same(one, two)
    if made:
        assert_same(made[-1], shelf[-1])
        assert [one.key for one in shelf[1:3]] == [one.key for one in made[1:3]]
        with pytest.raises(IndexError):
            shelf[len(made)]


def test_a_shelf_is_written_once_for_what_it_is_made_of(tmp_path: Path) -> None:
    path = tmp_path / "a.arrow"
    put_on_shelf(path, make_examples(3), "x")
    assert len(put_on_shelf(path, iter(()), "x")) == 3  # as it was
    assert len(put_on_shelf(path, make_examples(2), "y")) == 2
    assert [file.name for file in tmp_path.iterdir()] == ["a.arrow"]


def test_a_failure_leaves_nothing_and_a_damaged_file_is_written_anew(tmp_path: Path) -> None:
    path = tmp_path / "a.arrow"

    def failing() -> Any:
        yield make_examples(1)[0]
        raise KeyError

    with pytest.raises(KeyError):
        put_on_shelf(path, failing(), "x")
    assert not list(tmp_path.iterdir())
    put_on_shelf(path, make_examples(3), "x")
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(RowError, match="missing or damaged"):
        Shelf(path)
    assert len(put_on_shelf(path, make_examples(3), "x")) == 3


@pytest.mark.parametrize("paired", [False, True])
def test_the_order_of_training_is_that_of_a_list(paired: bool, tmp_path: Path) -> None:
    made = make_examples(21, vectors=paired)
    shelf = put_on_shelf(tmp_path / "a.arrow", made, "x")
    one, two = (make_schedule(each, 40, 5, step_size=4, paired=paired) for each in (made, shelf))
    assert [example.key for example in one] == [example.key for example in two]
    assert one.digest == two.digest != make_schedule(made, 40, 6, step_size=4).digest
    assert one.tokens(17) == two.tokens(17) > 0
    config = DistillConfig()
    batches = [collate([each[place] for place in range(4)], config, 0) for each in (one, two)]
    assert all((batches[0][name] == value).all() for name, value in batches[1].items())


HUGE = """
import resource, sys
from pathlib import Path
import numpy as np
sys.path.insert(0, {tests!r})
from distillation.conftest import make_examples
from overproof.distillation.batches import collate
from overproof.distillation.examples import Example, direct_signal
from overproof.distillation.schedule import make_schedule
from overproof.distillation.shelf import put_on_shelf
from overproof.engines.sparse import keep_top_k
from overproof.recipe import DistillConfig
import dataclasses, torch

def mib():
    lines = Path("/proc/self/status").read_text().splitlines()
    found = dict(line.split(":") for line in lines if line.startswith("Vm"))
    return int(found["VmRSS"].split()[0]) // 1024, int(found["VmHWM"].split()[0]) // 1024

rng = np.random.default_rng(0)
plain = make_examples(1)[0]
top = keep_top_k(rng.normal(size=(400, 999)).astype(np.float32), rng.integers(0, 999, 400), 32)
long = dataclasses.replace(plain, signal=direct_signal(top), weights=np.ones(400), twins=[])

def look(count):
    rows = (dataclasses.replace(long, key=f"key{{n}}") for n in range(count))
    shelf = put_on_shelf(Path({folder!r}) / f"{{count}}.arrow", rows, "x")
    schedule = make_schedule(shelf, count, 0, step_size=8)
    seen = 0
    for start in range(0, count, 4):
        batch = collate([schedule[place] for place in range(start, start + 4)], DistillConfig(), 0)
        seen += len(batch["gold"])
    assert seen == 400 * count
    return shelf.path.stat().st_size >> 20

look(64)
for count in (256, 3200):
    size = look(count)
    print(size, *mib())
"""


def test_memory_does_not_grow_with_the_number_of_examples(tmp_path: Path) -> None:
    script = HUGE.format(tests=str(Path(__file__).parent.parent), folder=str(tmp_path))
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    few, many = ([int(word) for word in line.split()] for line in done.stdout.splitlines())
    assert many[0] > 300 and many[0] > 10 * few[0]  # MiB on disk
    assert many[1] - few[1] < 60  # MiB resident, afterwards
    assert many[2] - few[2] < 60  # and at the worst moment
    print(few, many)
