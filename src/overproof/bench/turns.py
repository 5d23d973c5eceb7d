"""Whose turn it is, and what a model is asked: shared by `bench` and the timing of a study.

Blocks (first model A, then model B) compare the hours, not the models. Here every prompt is a
block of its own, in which all models answer; the orders are balanced, so that none of them is
first more often than the others, and random, so that nothing periodic can favour one.

    >>> sorted(turn_orders(["a", "b"], 2, seed=0))
    [('a', 'b'), ('b', 'a')]
"""

import random
from collections.abc import Sequence
from itertools import permutations

from overproof.engines import load_engine
from overproof.engines.generate import Contender
from overproof.engines.prompts import PromptForm
from overproof.engines.protocol import Engine, Request
from overproof.recipe import ModelsConfig
from overproof.records import Variant

ALL_ORDERS = 3
"""Models up to which every order is used equally often; beyond it, only every place is."""


def turn_orders(names: Sequence[str], count: int, seed: int) -> list[tuple[str, ...]]:
    """Return an order of the names for each of `count` prompts.

    In every block of n! prompts (n above 3: of n) each order (each place) comes up once.
    """
    generator = random.Random(f"{seed} turns {len(names)}")
    found: list[tuple[str, ...]] = []
    while len(found) < count:
        if len(names) <= ALL_ORDERS:
            block = list(permutations(names))
        else:
            mixed = generator.sample(list(names), len(names))
            block = [tuple(mixed[shift:] + mixed[:shift]) for shift in range(len(mixed))]
        generator.shuffle(block)
        found += block
    return found[:count]


def request_for(
    prompt: str, language: str, form: PromptForm, max_new_tokens: int, *, reuse: bool = False
) -> Request:
    """Return the greedy request for a prompt in a model's form."""
    wrapped = form.wrap(prompt, language)
    return Request(
        prompt=wrapped.text,
        stop=wrapped.stop,
        max_new_tokens=max_new_tokens,
        chat=wrapped.chat,
        reuse=reuse,
    )


def load_all(contenders: Sequence[Contender], models: ModelsConfig) -> dict[str, Engine]:
    """Return every model, loaded; all of them stay loaded, so that they can take turns.

    Raises: EngineError if one cannot run; those that were loaded before are closed.
    """
    engines: dict[str, Engine] = {}
    try:
        for contender in contenders:
            engines[contender.name] = load_engine(
                contender.source, models.engine, models.precision, models.threads, models.server
            )
    except BaseException:
        close_all(engines)
        raise
    return engines


def close_all(engines: dict[str, Engine]) -> None:
    """Give the memory of all models back."""
    for engine in engines.values():
        engine.close()


def mixed_by_task(variants: Sequence[Variant], seed: int) -> list[Variant]:
    """Return the prompts task by task, those of a task in an order that is drawn.

    So an operator is compared with the published prompt within minutes, and neither is always
    first. The tasks are as they come: the first may be the warm-up.
    """
    by_task: dict[str, list[Variant]] = {}
    for variant in variants:
        by_task.setdefault(variant.task_id, []).append(variant)
    for task_id, own in by_task.items():
        random.Random(f"{seed} prompts {task_id}").shuffle(own)
    return [variant for own in by_task.values() for variant in own]
