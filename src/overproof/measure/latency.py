"""Time the models in pairs: every prompt is answered by all of them, in random order.

Blocks (first model A, then model B) compare the hours, not the models: a model against itself
came out twice as slow that way on a busy machine. Here each prompt is a block of its own.
A server's times hold the network between here and there.
Not covered: load (one request at a time), energy, the CPU time of a server.
"""

import random
from collections.abc import Sequence

from overproof.engines import load_engine
from overproof.engines.generate import Contender, form_for
from overproof.engines.prompts import PromptForm
from overproof.engines.protocol import Engine, Request, Stamps
from overproof.progress import stage
from overproof.recipe import Recipe
from overproof.records import Problem, Timing, content_key
from overproof.store import Table
from overproof.suites.load import spread


def time_models(
    contenders: Sequence[Contender],
    problems: Sequence[Problem],
    recipe: Recipe,
    table: Table[Timing],
) -> list[Timing]:
    """Return one timing per prompt and model; prompts that the table holds are not timed again.

    The first `latency.warmup` prompts are timed and marked, so that they can be dropped.
    Raises: EngineError if a model cannot run.
    """
    config = recipe.latency
    chosen = spread(list(problems), min(config.prompts + config.warmup, len(problems)))
    rounds = list(enumerate(chosen)) if config.prompts else []
    forms = {c.name: form_for(c.source, recipe.models.form) for c in contenders}
    engines: dict[str, Engine] = {}

    def key(name: str, problem: Problem) -> str:
        models = recipe.models
        how = (models.engine, models.precision, models.form, config.max_new_tokens, recipe.seed)
        shas = [contender.source.sha256 for contender in contenders]
        return content_key("timing", name, shas, problem.task_id, problem.prompt, how)

    def load() -> None:
        for contender in contenders:
            if contender.name not in engines:
                engines[contender.name] = load_engine(
                    contender.source,
                    recipe.models.engine,
                    recipe.models.precision,
                    recipe.models.threads,
                )

    try:
        with stage("time", len(rounds), "prompts") as advance:
            for number, problem in rounds:
                if any(key(contender.name, problem) not in table for contender in contenders):
                    load()
                    names = [contender.name for contender in contenders]
                    random.Random(f"{recipe.seed} {problem.task_id}").shuffle(names)
                    table.append(
                        _timing(
                            key(name, problem),
                            problem,
                            name,
                            position,
                            number < config.warmup,
                            engines[name].time(
                                _request(problem, forms[name], config.max_new_tokens)
                            ),
                        )
                        for position, name in enumerate(names)
                    )
                advance(1)
    finally:
        for engine in engines.values():
            engine.close()
    return [table[key(c.name, problem)] for _, problem in rounds for c in contenders]


def _request(problem: Problem, form: PromptForm, max_new_tokens: int) -> Request:
    wrapped = form.wrap(problem.prompt, problem.language)
    return Request(
        prompt=wrapped.text,
        stop=wrapped.stop,
        max_new_tokens=max_new_tokens,
        chat=wrapped.chat,
    )


def _timing(
    key: str, problem: Problem, name: str, position: int, warmup: bool, stamps: Stamps
) -> Timing:
    first = stamps.token_ns[0] if stamps.token_ns else stamps.sent_ns
    last = stamps.token_ns[-1] if stamps.token_ns else stamps.sent_ns
    return Timing(
        key=key,
        task_id=problem.task_id,
        model=name,
        position=position,
        warmup=warmup,
        ttft_ms=round((first - stamps.sent_ns) / 1e6, 3),
        e2e_ms=round((last - stamps.sent_ns) / 1e6, 3),
        completion_tokens=len(stamps.token_ns),
        cpu_seconds=round(stamps.cpu_seconds, 4),
    )
