"""The adversary that searches: robust pass@1 against the number of queries.

    overproof attack --model qwen2.5-coder-0.5b-instruct --budget 20 \
        --strategy random --strategy evolution

Only problems that the model solves as published are attacked. A query is one certified variant,
answered and executed; a problem falls with the first that fails. All problems advance together,
a query a round, so the model works in batches and the search can learn from one problem for the
others. Every round is on disk: a killed search goes on where it was.

Covered: strategies side by side on the same problems, white-box guidance by loss, a gate of
naturalness, transfer of what was found to other models.
Not covered: operators on half-written bodies (another nominal), sampling above temperature 0.
"""

import math
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import msgspec

from overproof.engines import load_engine
from overproof.engines.generate import Contender, form_for, generate, name_contenders
from overproof.engines.protocol import Engine
from overproof.errors import UsageError
from overproof.measure.intervals import mcnemar_p, newcombe, wilson
from overproof.models import resolve_model
from overproof.perturb import get_operator, perturb
from overproof.perturb.compose import Step
from overproof.perturb.distance import edit_distance
from overproof.perturb.draft import generator_for
from overproof.perturb.presets import expand, get_preset, names_in
from overproof.perturb.search import Arsenal, Composition, StrategyName, Trial, propose
from overproof.perturb.variants import Composed, certify_compositions, gold_sandbox
from overproof.progress import muted, say
from overproof.recipe import Recipe, dump_recipe
from overproof.records import Outcome, Problem, Query, Sample, Variant, content_key, encode_row
from overproof.sandbox.execute import execute
from overproof.store import RunFolder, write_atomically
from overproof.suites import load_suites

SEARCHING = 1
"""Raised when the search changes, so that older queries are made again."""
DRAWS = 6
"""Compositions drawn for one query before the problem sits this round out."""


@dataclass(frozen=True, kw_only=True)
class AttackConfig:
    """How the adversary searches."""

    strategies: tuple[StrategyName, ...] = ("random", "evolution")
    """Searches that are run side by side on the same problems."""
    budget: int = 20
    """Queries per problem."""
    operators: tuple[str, ...] = ()
    """What may be composed; each compared with the published prompt."""
    guide: Literal["drift", "loss"] = "drift"
    """What a search climbs: how far the answer drifted, or the model's loss on a right answer."""
    candidates: int = 4
    """With `loss`: compositions scored for one query."""
    max_steps: int = 4
    """Operators in one composition."""
    min_naturalness: float = 0.8
    """Variants below are not used; see `Certificate.naturalness`."""
    max_perplexity_ratio: float = math.inf
    """Variants above are not used; needs a judge."""
    seed: int = 0


@dataclass(frozen=True, kw_only=True)
class Attacked:
    """What one strategy did to one model."""

    model: str
    strategy: str
    total: int
    """Problems of the suite that were judged."""
    solved: int
    """Solved as published."""
    broken_at: dict[str, int]
    """Task to the number of the query that broke it."""
    budget: int
    queries: int = 0
    scored: int = 0
    found: list[Variant] = field(default_factory=list)
    """The first variant that broke each problem."""

    def robust(self, queries: int) -> int:
        """Return how many problems are solved and stand after this many queries."""
        return self.solved - sum(number <= queries for number in self.broken_at.values())

    def curve(self) -> list[dict[str, float]]:
        """Return robust pass@1 with its 95 % Wilson interval after 0 … budget queries."""
        points = []
        for queries in range(self.budget + 1):
            low, high = wilson(self.robust(queries), self.total)
            value = self.robust(queries) / self.total
            points.append({"queries": queries, "value": value, "low": low, "high": high})
        return points


def attack(
    model: str, recipe: Recipe, config: AttackConfig, out: Path, judge: str = ""
) -> list[Attacked]:
    """Search for variants that break a model; one result per strategy, files in `out`.

    Raises: UsageError for operators that start from another nominal; OverproofError of any
    kind; a rerun goes on.
    """
    check_config(config, judge)
    folder = RunFolder(out)
    with folder.locked(), ExitStack() as stack:
        problems = load_suites(recipe.suites.names, recipe.suites.problems)
        (contender,) = name_contenders([resolve_model(model)])
        write_atomically(out / "recipe.yaml", dump_recipe(recipe).encode())
        arena = _Arena(contender, problems, recipe, config, folder, stack, judge)
        arena.judge_nominal()
        found = [arena.search(strategy) for strategy in config.strategies]
        _write(found, config, recipe, folder)
    return found


def check_config(config: AttackConfig, judge: str = "") -> None:
    """Refuse what cannot be compared with the published prompt, or makes no sense.

    Raises: UsageError, UnknownNameError.
    """
    for name in config.operators:
        if (operator := get_operator(name)).control != "nominal":
            raise UsageError(
                f"operator {name!r} starts from {operator.control}, not from the published prompt",
                hint="attack with the families text, names, layout and prompt",
            )
    if not config.operators:
        raise UsageError("no operator to attack with", hint="--operators NAME,NAME or a preset")
    if config.budget < 1 or config.max_steps < 1 or config.candidates < 1:
        raise UsageError("budget, max_steps and candidates must be at least 1")
    if config.max_perplexity_ratio < math.inf and not judge:
        raise UsageError(
            "a limit on the perplexity ratio needs a model that tells it", hint="--judge MODEL"
        )


def attack_config(
    operators: str, max_perplexity_ratio: float | None, **settings: Any
) -> AttackConfig:
    """Return the configuration that these options make; without operators, all that may be used.

    Raises: UnknownNameError.
    """
    names = expand(names_in(operators)) if operators else default_operators()
    limit = math.inf if max_perplexity_ratio is None else max_perplexity_ratio
    return AttackConfig(operators=names, max_perplexity_ratio=limit, **settings)


def default_operators() -> tuple[str, ...]:
    """Return every operator that is compared with the published prompt and drops nothing of it."""
    return tuple(
        name
        for name in get_preset("all")
        if get_operator(name).control == "nominal" and not get_operator(name).rewrites
    )


class _Arena:
    """One model with its problems, tables and engine, through all strategies."""

    def __init__(
        self,
        contender: Contender,
        problems: list[Problem],
        recipe: Recipe,
        config: AttackConfig,
        folder: RunFolder,
        stack: ExitStack,
        judge: str,
    ) -> None:
        self.contender, self.problems, self.recipe = contender, problems, recipe
        self.config = config
        self._folder, self._stack, self._judge_name = folder, stack, judge
        self._variants = folder.table("variants", Variant)
        self._samples = folder.table("samples", Sample)
        self._outcomes = folder.table("outcomes", Outcome)
        self._queries = folder.table("queries", Query)
        self._engines: dict[str, Engine] = {}
        self._gold = stack.enter_context(gold_sandbox(recipe.limits))
        self._answers: dict[str, str] = {}
        self._prompts = {problem.task_id: problem.prompt for problem in problems}
        self.solved: list[Problem] = []
        self.judged = 0

    def judge_nominal(self) -> None:
        """Find out what the model solves as published."""
        rows = perturb(self.problems, [], [0]).variants
        results = self._ask(rows)
        self.judged = sum(outcome.status != "harness_error" for _, outcome in results)
        by_task = {problem.task_id: problem for problem in self.problems}
        for sample, outcome in results:
            if outcome.passed:
                self.solved.append(by_task[sample.task_id])
                self._answers[sample.task_id] = sample.completion
        say(f"attack: {len(self.solved)} of {self.judged} problems are solved as published")

    def search(self, strategy: StrategyName) -> Attacked:
        """Run one strategy to the end of its budget."""
        arsenal = Arsenal(self.config.operators)
        history: dict[str, list[Trial]] = {problem.task_id: [] for problem in self.solved}
        result = Attacked(
            model=self.contender.name,
            strategy=strategy,
            total=self.judged,
            solved=len(self.solved),
            broken_at={},
            budget=self.config.budget,
        )
        queries = scored = 0
        standing = list(self.solved)
        for number in range(1, self.config.budget + 1):
            if not standing:
                break
            with muted():
                rows = self._round(strategy, number, standing, history, arsenal)
            trials = []
            for row in rows:
                scored += row.scored
                if not row.status:
                    continue
                queries += 1
                failed = row.status not in ("passed", "harness_error")
                steps = tuple(Step(name, seed) for name, seed in row.steps)
                trials.append(Trial(steps, failed, row.pressure))
                history[row.task_id].append(trials[-1])
                if failed:
                    result.broken_at[row.task_id] = number
                    result.found.append(self._variants[row.variant])
            arsenal.learn(trials)
            standing = [each for each in standing if each.task_id not in result.broken_at]
            stand = f"{len(standing)} of {len(self.solved)} problems stand"
            say(f"attack: {strategy}, query {number} of {self.config.budget}: {stand}")
        return replace(result, queries=queries, scored=scored)

    def _round(
        self,
        strategy: StrategyName,
        number: int,
        standing: Sequence[Problem],
        history: dict[str, list[Trial]],
        arsenal: Arsenal,
    ) -> list[Query]:
        """Return one query per standing problem; what is on disk is not made again."""
        keys = {each.task_id: self._query_key(strategy, each, number) for each in standing}
        missing = [each for each in standing if keys[each.task_id] not in self._queries]
        if missing:
            chosen = self._choose(strategy, number, missing, history, arsenal)
            asked = {row.variant.task_id: row for row in chosen}
            self._variants.append(row.variant for row in chosen)
            results = {
                sample.task_id: (sample, outcome)
                for sample, outcome in self._ask([row.variant for row in chosen])
            }
            self._queries.append(
                self._query(strategy, number, keys[each.task_id], each, asked, results)
                for each in missing
            )
        return [self._queries[keys[each.task_id]] for each in standing]

    def _query(
        self,
        strategy: str,
        number: int,
        key: str,
        problem: Problem,
        asked: "dict[str, _Chosen]",
        results: dict[str, tuple[Sample, Outcome]],
    ) -> Query:
        """Return the row of one query; without a status where there was nothing to ask."""
        chosen = asked.get(problem.task_id)
        row = Query(
            key=key,
            task_id=problem.task_id,
            model=self.contender.name,
            strategy=strategy,
            number=number,
            steps=(),
            variant="",
            status="",
            pressure=0.0,
            scored=0,
        )
        if chosen is None:
            return row
        sample, outcome = results[problem.task_id]
        pressure = chosen.loss
        if pressure is None:
            pressure = drift(self._answers[problem.task_id], sample.completion)
        return replace(
            row,
            steps=tuple((step.operator, step.seed) for step in chosen.steps),
            variant=chosen.variant.key,
            status=outcome.status,
            pressure=round(pressure, 6),
            scored=chosen.scored,
        )

    def _choose(
        self,
        strategy: StrategyName,
        number: int,
        problems: Sequence[Problem],
        history: dict[str, list[Trial]],
        arsenal: Arsenal,
    ) -> "list[_Chosen]":
        """Return the variant that each problem is asked next; problems without one are absent."""
        guided = self.config.guide == "loss" and strategy not in ("random", "null")
        wanted = self.config.candidates if guided else 1
        found: dict[str, list[Composed]] = {problem.task_id: [] for problem in problems}
        tried: dict[str, set[str]] = {
            problem.task_id: {self._prompts[problem.task_id]} for problem in problems
        }
        if strategy == "null":
            tried = {task: set() for task in tried}
        for query in self._queries.rows():
            if query.variant and query.strategy == strategy and query.task_id in tried:
                tried[query.task_id].add(self._variants[query.variant].prompt)
        for draw in range(DRAWS * wanted):
            short = [each for each in problems if len(found[each.task_id]) < wanted]
            if not short:
                break
            proposals: list[tuple[Problem, Composition]] = []
            for problem in short:
                place = f"{strategy}/{self.config.seed}/{number}/{draw}"
                rng = generator_for(problem.task_id, place, number)
                trials = history[problem.task_id]
                steps = propose(strategy, trials, arsenal, rng, self.config.max_steps)
                proposals.append((problem, steps))
            for row in certify_compositions(proposals, number, self._gold):
                variant = row.variant
                if strategy != "null" and variant.prompt in tried[variant.task_id]:
                    continue
                if self._natural(variant):
                    tried[variant.task_id].add(variant.prompt)
                    found[variant.task_id].append(row)
        if not guided:
            return [_Chosen(rows[0].variant, rows[0].steps) for rows in found.values() if rows]
        return self._most_damaging(found)

    def _most_damaging(self, found: dict[str, list[Composed]]) -> "list[_Chosen]":
        """Score all candidates and return, per problem, the one with the greatest loss."""
        form = form_for(self.contender.source, self.recipe.models.form)
        texts = [
            (form.wrap(row.variant.prompt).text, row.variant.canonical_solution)
            for rows in found.values()
            for row in rows
        ]
        losses = iter(self._engine(self.contender.name).losses(texts))
        chosen = []
        for rows in found.values():
            ranked = [(next(losses), row) for row in rows]
            if ranked:
                loss, best = max(ranked, key=lambda pair: pair[0])
                chosen.append(_Chosen(best.variant, best.steps, loss, len(ranked)))
        return chosen

    def _natural(self, variant: Variant) -> bool:
        certificate = variant.certificate
        assert certificate is not None, "only certified variants come here"
        if certificate.naturalness < self.config.min_naturalness:
            return False
        if self.config.max_perplexity_ratio == math.inf:
            return True
        before, after = self._engine("judge").losses(
            [("", self._prompts[variant.task_id]), ("", variant.prompt)]
        )
        return math.exp(after - before) <= self.config.max_perplexity_ratio

    def _ask(self, variants: Sequence[Variant]) -> list[tuple[Sample, Outcome]]:
        """Let the model answer, and execute what it wrote."""
        self._variants.append(variants)
        samples = generate(
            self.contender,
            variants,
            self.recipe.models,
            self.recipe.sampling,
            self.recipe.seed,
            self._samples,
            engine=self._engine(self.contender.name),
        )
        outcomes = execute(samples, variants, self.problems, self.recipe.limits, self._outcomes)
        return list(zip(samples, outcomes, strict=True))

    def _engine(self, name: str) -> Engine:
        """Return the model under attack, or the judge, loaded once."""
        if name not in self._engines:
            models = self.recipe.models
            own = name == self.contender.name
            source = self.contender.source if own else resolve_model(self._judge_name)
            kind = models.engine if own else "ctranslate2"
            engine = load_engine(source, kind, models.precision if own else "", models.threads)
            self._stack.callback(engine.close)
            self._engines[name] = engine
        return self._engines[name]

    def _query_key(self, strategy: str, problem: Problem, number: int) -> str:
        settings = msgspec.to_builtins(replace(self.config, strategies=(), budget=0))
        settings["max_perplexity_ratio"] = str(self.config.max_perplexity_ratio)
        how = msgspec.to_builtins((self.recipe.models, self.recipe.sampling, self.recipe.limits))
        parts = (self.contender.source.sha256, problem.task_id, problem.prompt, number)
        return content_key("query", SEARCHING, strategy, settings, how, self._judge_name, parts)


@dataclass(frozen=True)
class _Chosen:
    variant: Variant
    steps: Composition
    loss: float | None = None
    scored: int = 0


def drift(before: str, after: str) -> float:
    """Return how far an answer moved: edit distance over the longer one's length, in [0, 1].

    >>> drift("return a", "return b")
    0.125
    """
    longest = max(len(before), len(after), 1)
    return edit_distance(before, after) / longest


def compare(
    first: Attacked, second: Attacked, queries: int, tasks: Sequence[str]
) -> dict[str, Any]:
    """Return the paired difference in robust pass@1 after this many queries, first - second."""
    stands = [
        (
            first.broken_at.get(task, queries + 1) > queries,
            second.broken_at.get(task, queries + 1) > queries,
        )
        for task in tasks
    ]
    both = sum(a and b for a, b in stands)
    only_first = sum(a and not b for a, b in stands)
    only_second = sum(b and not a for a, b in stands)
    neither = first.total - both - only_first - only_second
    low, high = newcombe(both, only_first, only_second, neither)
    return {
        "first": first.strategy,
        "second": second.strategy,
        "queries": queries,
        "value": (only_first - only_second) / first.total,
        "low": low,
        "high": high,
        "p": mcnemar_p(only_second, only_first),
    }


def summary_lines(found: Sequence[Attacked]) -> Iterator[str]:
    """Yield robust pass@1 against queries for every strategy, and the paired differences."""
    budget = found[0].budget
    marks = sorted({0, 1, 2, 5, 10, 20, 50, budget} & set(range(budget + 1)))
    yield f"robust pass@1 of {found[0].model} after so many queries, %, 95 % interval"
    yield f"{'queries':>7}  " + "  ".join(f"{each.strategy:<20}" for each in found)
    for mark in marks:
        cells = []
        for each in found:
            point = each.curve()[mark]
            interval = f"[{100 * point['low']:.1f}, {100 * point['high']:.1f}]"
            cells.append(f"{100 * point['value']:5.1f} {interval:<14}")
        yield f"{mark:>7}  " + "  ".join(cells)
    for each in found:
        means = f"{each.queries} queries" + (f", {each.scored} scored" if each.scored else "")
        yield f"{each.strategy}: {len(each.broken_at)} of {each.solved} broken, {means}"
    for row in differences(found):
        interval = f"[{100 * row['low']:+.1f}, {100 * row['high']:+.1f}]"
        yield (
            f"{row['first']} minus {row['second']} at {row['queries']} queries: "
            f"{100 * row['value']:+.1f} points {interval}, McNemar p = {row['p']:.3g}"
        )


def differences(found: Sequence[Attacked]) -> list[dict[str, Any]]:
    """Return every later strategy against the first one, after 5 queries and at the end."""
    rows = []
    for later in found[1:]:
        tasks = sorted({*later.broken_at, *found[0].broken_at})
        standing = found[0].solved - len(tasks)
        padded = [*tasks, *(f"standing {number}" for number in range(standing))]
        marks = sorted({min(5, later.budget), later.budget})
        rows += [compare(later, found[0], mark, padded) for mark in marks]
    return rows


def transfer_lines(
    names: Sequence[str], found: Sequence[Attacked], recipe: Recipe, out: Path
) -> Iterator[str]:
    """Ask other models the variants that broke this one, and yield what share breaks them.

    Only problems that the other model solves as published count.
    Raises: what resolving and running a model raises.
    """
    if not names:
        return
    broken = {row.key: row for each in found if each.strategy != "null" for row in each.found}
    folder = RunFolder(out)
    problems = load_suites(recipe.suites.names, recipe.suites.problems)
    attacked = {row.task_id for row in broken.values()}
    problems = [problem for problem in problems if problem.task_id in attacked]
    nominal = perturb(problems, [], [0]).variants
    with folder.locked():
        for contender in name_contenders([resolve_model(name) for name in names]):
            samples = generate(
                contender,
                [*nominal, *broken.values()],
                recipe.models,
                recipe.sampling,
                recipe.seed,
                folder.table("samples", Sample),
            )
            outcomes = execute(
                samples,
                [*nominal, *broken.values()],
                problems,
                recipe.limits,
                folder.table("outcomes", Outcome),
            )
            verdicts = {
                sample.variant: outcome for sample, outcome in zip(samples, outcomes, strict=True)
            }
            solved = {row.task_id for row in nominal if verdicts[row.key].passed}
            tried = [row for row in broken.values() if row.task_id in solved]
            fell = sum(not verdicts[row.key].passed for row in tried)
            low, high = wilson(fell, len(tried)) if tried else (0.0, 1.0)
            yield (
                f"transfer to {contender.name}: {fell} of {len(tried)} variants break it too, on "
                f"problems that it solves as published [{100 * low:.1f}, {100 * high:.1f}] %"
            )


def _write(
    found: Sequence[Attacked], config: AttackConfig, recipe: Recipe, folder: RunFolder
) -> None:
    """Write the curves and, as a dataset, the variants that broke the model."""
    settings = asdict(config) | {"max_perplexity_ratio": str(config.max_perplexity_ratio)}
    results = [
        {
            "model": each.model,
            "strategy": each.strategy,
            "problems": each.total,
            "solved": each.solved,
            "broken": len(each.broken_at),
            "queries": each.queries,
            "scored": each.scored,
            "curve": each.curve(),
        }
        for each in found
    ]
    folder.write_json(
        "attack.json",
        {"settings": settings, "results": results, "differences": differences(found)},
    )
    rows = {row.key: row for each in found if each.strategy != "null" for row in each.found}
    content = b"".join(encode_row(row) + b"\n" for row in rows.values())
    write_atomically(folder.path / "found.jsonl", content)
