"""Time the models of a study in pairs: every prompt is answered by all of them, in random order.

Who comes first is `overproof.bench.turns`' business; loads, objectives and costs per solved task
are those of `overproof bench`. A server's times hold the network between here and there.
Not covered: load (one request at a time), energy, the CPU time of a server.
"""

from collections.abc import Sequence

from overproof.bench.turns import close_all, load_all, request_for, turn_orders
from overproof.engines.generate import Contender, form_for
from overproof.engines.protocol import Engine, Stamps
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
    rounds = chosen if config.prompts else []
    names = [contender.name for contender in contenders]
    orders = turn_orders(names, len(rounds), recipe.seed)
    forms = {c.name: form_for(c.source, recipe.models.form) for c in contenders}
    engines: dict[str, Engine] = {}

    def key(name: str, problem: Problem) -> str:
        models = recipe.models
        how = (models.engine, models.precision, models.form, config.max_new_tokens, recipe.seed)
        shas = [contender.source.sha256 for contender in contenders]
        return content_key("timing", name, shas, problem.task_id, problem.prompt, how)

    def answer(name: str, problem: Problem) -> Stamps:
        return engines[name].time(
            request_for(problem.prompt, problem.language, forms[name], config.max_new_tokens)
        )

    try:
        with stage("time", len(rounds), "prompts") as advance:
            for number, (problem, order) in enumerate(zip(rounds, orders, strict=True)):
                if any(key(name, problem) not in table for name in names):
                    engines = engines or load_all(contenders, recipe.models)
                    warmup = number < config.warmup
                    table.append(
                        _timing(
                            key(name, problem),
                            problem,
                            name,
                            position,
                            warmup,
                            answer(name, problem),
                        )
                        for position, name in enumerate(order)
                    )
                advance(1)
    finally:
        close_all(engines)
    return [table[key(name, problem)] for problem in rounds for name in names]


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
