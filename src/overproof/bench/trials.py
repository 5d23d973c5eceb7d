"""The stage that times: turns in pairs and phases under load, one `Trial` row each, resumable.

A turn is one prompt, answered by all models in the order that is drawn for it; a warm answer comes
after a request with the same prompt that is not timed. A phase is one round of prompts, answered
by one model under a load; the models follow each other in a drawn order, and all of them get the
same prompts at the same times.
Limits: CPU seconds are this process's, so a server has none; under load they cannot be told apart
by request, only by phase.

    trials = Stage(contenders, prompts, recipe, config, table).run()
"""

import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

from overproof.bench.config import BenchConfig, Cache, Load
from overproof.bench.machine import Meter, Usage
from overproof.bench.pacing import Paced, closed_loop, open_loop, poisson_offsets_s
from overproof.bench.rows import Reply, Trial
from overproof.bench.turns import close_all, load_all, request_for, turn_orders
from overproof.engines.generate import Contender, form_for
from overproof.engines.prompts import extract_solution
from overproof.engines.protocol import Engine, Request, Stamps
from overproof.errors import EngineError, UsageError
from overproof.progress import say, stage
from overproof.recipe import Recipe
from overproof.records import Variant, content_key
from overproof.store import Table

BENCHING = 1
"""Raised when the way of timing changes, so that older trials are made again."""
CACHING = ("server", "xllamacpp")
"""Engines that keep what they read of a prompt."""
ALONE = ("transformers",)
"""Engines that answer one request at a time: others wait here."""


@dataclass(frozen=True)
class Asked:
    """When a request was due and what came of it."""

    due_ns: int
    sent_ns: int
    stamps: Stamps | None
    before: Usage
    after: Usage
    failure: str = ""


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a request stands in its trial."""

    cache: Cache = "cold"
    repeat: int = 0
    position: int
    warmup: bool


class Stage:
    """All models with their prompts, through all loads."""

    def __init__(
        self,
        contenders: Sequence[Contender],
        variants: Sequence[Variant],
        recipe: Recipe,
        config: BenchConfig,
        table: Table[Trial],
    ) -> None:
        """Keep what is asked; models load when something is missing.

        Raises: UsageError for a warm cache in an engine that has none.
        """
        if "warm" in config.caches and recipe.models.engine not in CACHING:
            raise UsageError(
                f"{recipe.models.engine} keeps nothing of a prompt: warm would be cold",
                hint=f"--cache cold, or another engine: {', '.join(CACHING)}",
            )
        self.contenders, self.variants = contenders, variants
        self.recipe, self.config, self._table = recipe, config, table
        self._forms = {c.name: form_for(c.source, recipe.models.form) for c in contenders}
        self._names = [contender.name for contender in contenders]
        self._engines: dict[str, Engine] = {}
        self._alone = threading.Lock()
        self.failures = 0
        models = recipe.models
        self._identity = (
            BENCHING,
            [(contender.name, contender.source.sha256) for contender in contenders],
            (models.engine, models.precision, models.form, models.threads),
            recipe.sampling.max_new_tokens,
            recipe.seed,
        )

    def run(self) -> list[Trial]:
        """Return all trials, in order; those that the table holds are not made again.

        Raises: EngineError if a model cannot be loaded, or does not answer its first request.
        """
        try:
            return [trial for load in self.config.loads for trial in self._run(load)]
        finally:
            close_all(self._engines)

    def _run(self, load: Load) -> Iterator[Trial]:
        units = list(self._turns() if load.kind == "paired" else self._phases(load))
        unit = "turns" if load.kind == "paired" else "phases"
        with stage(f"bench: {load}", len(units), unit) as advance:
            for key, make in units:
                if key not in self._table:
                    if not self._engines:
                        self._load()
                    self._table.append([self._checked(make())])
                advance(1)
                yield self._table[key]

    def _checked(self, trial: Trial) -> Trial:
        """Return a trial; if nothing was answered, find out whether anybody is there at all.

        Raises: EngineError if not, so that what nobody answered is not kept as an answer.
        """
        if all(reply.failure for reply in trial.replies):
            self._greet()
        return trial

    def _greet(self) -> None:
        """Ask every model for two tokens. Raises: EngineError if one does not answer."""
        for name in self._names:
            greeting = replace(self._request(name, self.variants[0]), max_new_tokens=2)
            self._engines[name].time(greeting)

    def _load(self) -> None:
        if self.recipe.models.engine == "server":
            from overproof.engines.server import ServerEngine

            levels = [int(load.level) for load in self.config.loads if load.kind == "closed"]
            most = max([self.config.most_in_flight, *levels])
            for contender in self.contenders:
                self._engines[contender.name] = ServerEngine(
                    contender.source, connections=most, retries=0
                )
        else:
            self._engines = load_all(self.contenders, self.recipe.models)
        self._greet()  # a server that is not there; memory that a first answer takes

    # Turns

    def _turns(self) -> Iterator[tuple[str, Callable[[], Trial]]]:
        """Yield key and work of every turn: a task's prompts stand together, in mixed order."""
        prompts = self._warmups() + list(self.variants)
        for repeat in range(self.config.repeats):
            chosen = prompts if repeat == 0 else list(self.variants)
            orders = turn_orders(self._names, len(chosen), self.recipe.seed)
            for number, (variant, order) in enumerate(zip(chosen, orders, strict=True)):
                warmup = repeat == 0 and number < self.config.warmup
                order = order[::-1] if repeat % 2 else order
                key = content_key(
                    "turn", self._identity, variant.key, order, repeat, warmup, self.config.caches
                )
                yield key, partial(self._turn, key, number, variant, order, repeat, warmup)

    def _turn(
        self,
        key: str,
        number: int,
        variant: Variant,
        order: Sequence[str],
        repeat: int,
        warmup: bool,
    ) -> Trial:
        meter, began_ns = Meter(), time.perf_counter_ns()
        replies = []
        for position, name in enumerate(order):
            for cache in self.config.caches:
                asked = self._ask(name, variant, meter, cache=cache)
                place = Place(cache=cache, repeat=repeat, position=position, warmup=warmup)
                replies.append(self._reply(key, began_ns, name, variant, asked, place))
        return self._trial(key, "paired", number, "", meter.read(), replies)

    # Phases

    def _phases(self, load: Load) -> Iterator[tuple[str, Callable[[], Trial]]]:
        """Yield key and work of every phase: in each round, all models one after the other."""
        nominal = [variant for variant in self.variants if variant.operator == "nominal"]
        rounds = min(self.config.rounds, len(nominal))
        orders = turn_orders(self._names, rounds, self.recipe.seed)
        for number, order in enumerate(orders):
            part = nominal[number::rounds]
            for name in order:
                key = content_key(
                    "phase", self._identity, str(load), number, name, order,
                    [variant.key for variant in part], self.config.warmup,
                )  # fmt: skip
                yield key, partial(self._phase, key, load, number, name, part)

    def _phase(
        self, key: str, load: Load, number: int, name: str, part: Sequence[Variant]
    ) -> Trial:
        least = int(load.level) if load.kind == "closed" else 0
        dropped = max(self.config.warmup, least)  # a closed loop starts with a burst
        early = self._warmups(dropped)
        prompts = [*early, *part]
        meter, began_ns = Meter(), time.perf_counter_ns()
        calls = [partial(self._ask, name, variant, meter) for variant in prompts]
        if load.kind == "closed":
            filler = partial(self._ask, name, part[0], meter)
            paced = closed_loop(calls, int(load.level), filler)
        else:
            seed = f"{self.recipe.seed} {load} {number}"
            paced = open_loop(
                calls, poisson_offsets_s(load.level, len(calls), seed), self.config.most_in_flight
            )
        replies = [
            self._reply(
                key, began_ns, name, variant, _due(call),
                Place(position=position, warmup=position < len(early)), shared=True,
            )
            for position, (variant, call) in enumerate(zip(prompts, paced, strict=True))
        ]  # fmt: skip
        counted = [call.result for call in paced[len(early) :]]
        first = min((asked.before for asked in counted), key=lambda usage: usage.seconds)
        last = max((asked.after for asked in counted), key=lambda usage: usage.seconds)
        return self._trial(key, str(load), number, name, last.since(first), replies)

    # One request

    def _ask(self, name: str, variant: Variant, meter: Meter, *, cache: Cache = "cold") -> Asked:
        """Answer one request; a failure is a result, not an end."""
        engine = self._engines[name]
        request = self._request(name, variant, reuse=cache == "warm")
        due_ns, before = time.perf_counter_ns(), meter.read()
        try:
            if cache == "warm":
                engine.time(replace(request, max_new_tokens=1))
                due_ns, before = time.perf_counter_ns(), meter.read()
            if engine.name in ALONE:
                with self._alone:
                    stamps = engine.time(request)
            else:
                stamps = engine.time(request)
        except EngineError as error:
            return Asked(due_ns, due_ns, None, before, meter.read(), error.message)
        return Asked(due_ns, stamps.sent_ns, stamps, before, meter.read())

    def _request(self, name: str, variant: Variant, *, reuse: bool = False) -> Request:
        budget = self.recipe.sampling.max_new_tokens
        form = self._forms[name]
        return request_for(variant.prompt, variant.language, form, budget, reuse=reuse)

    def _warmups(self, count: int | None = None) -> list[Variant]:
        """Return prompts for the start, again from the first where there are not enough."""
        count = self.config.warmup if count is None else count
        return [self.variants[number % len(self.variants)] for number in range(count)]

    def _reply(
        self,
        trial: str,
        began_ns: int,
        name: str,
        variant: Variant,
        asked: Asked,
        place: Place,
        *,
        shared: bool = False,
    ) -> Reply:
        """Return the row of an answer; what was used is not told apart if others `shared` it."""
        stamps = asked.stamps or Stamps(sent_ns=asked.sent_ns, token_ns=(), cpu_seconds=0.0)
        used = asked.after.since(asked.before)
        here = not shared and stamps.cpu_seconds > 0
        if asked.failure:
            self.failures += 1
            if self.failures == 1:
                say(f"bench: no answer, counted against the model: {asked.failure}")
        closed = self._forms[name].close(stamps.text)
        solution = extract_solution(variant.prompt, closed, variant.entry_point, variant.language)
        return Reply(
            key=content_key("reply", trial, name, place.cache, place.position),
            task_id=variant.task_id,
            variant=variant.key,
            operator=variant.operator,
            seed=variant.seed,
            model=name,
            cache=place.cache,
            repeat=place.repeat,
            position=place.position,
            warmup=place.warmup,
            scheduled_ms=_ms(asked.due_ns - began_ns),
            sent_ms=_ms(asked.sent_ns - began_ns),
            pieces_ms=tuple(_ms(stamp - stamps.sent_ns) for stamp in stamps.pieces_ns),
            ended_ms=_ms(max(0, stamps.ended_ns - stamps.sent_ns)),
            completion_tokens=stamps.told_tokens or len(stamps.pieces_ns),
            counted="engine" if stamps.told_tokens else "pieces",
            prompt_tokens=stamps.prompt_tokens,
            cached_tokens=stamps.cached_tokens,
            cpu_seconds=0.0 if shared else round(stamps.cpu_seconds, 4),
            joules=None if shared else used.joules,
            others=used.others if here else None,
            completion=stamps.text,
            solution="" if asked.failure else solution,
            finish_reason=stamps.finish_reason,
            failure=asked.failure,
        )

    def _trial(
        self,
        key: str,
        load: str,
        number: int,
        model: str,
        used: Usage,
        replies: Sequence[Reply],
    ) -> Trial:
        served = self.recipe.models.engine == "server"
        return Trial(
            key=key,
            load=load,
            number=number,
            model=model,
            seconds=round(used.seconds, 4),
            cpu_seconds=0.0 if served else round(used.cpu_seconds, 4),
            joules=used.joules,
            others=None if served else used.others,
            load_average=round(os.getloadavg()[0], 2),
            replies=tuple(replies),
        )


def _due(paced: Paced[Asked]) -> Asked:
    """Return what came of a call, due when the load wanted it."""
    asked = paced.result
    sent_ns = max(asked.sent_ns, paced.due_ns)
    return replace(asked, due_ns=paced.due_ns, sent_ns=sent_ns)


def _ms(nanoseconds: int) -> float:
    return round(nanoseconds / 1e6, 4)
