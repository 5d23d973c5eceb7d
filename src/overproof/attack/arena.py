"""One model under attack: a query a round for every problem that stands, all rounds on disk."""

import math
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace

import msgspec

from overproof.attack.config import AttackConfig
from overproof.attack.results import Attacked
from overproof.attack.strengths import measured_strengths
from overproof.engines import load_engine
from overproof.engines.generate import Contender, form_for, generate
from overproof.engines.protocol import Engine
from overproof.models import resolve_model
from overproof.perturbation import perturb
from overproof.perturbation.compose import Step
from overproof.perturbation.distance import edit_distance
from overproof.perturbation.draft import generator_for
from overproof.perturbation.naturalness import perplexity_ratios
from overproof.perturbation.search import Arsenal, Composition, StrategyName, Trial, propose
from overproof.perturbation.variants import Composed, certify_compositions, gold_sandbox
from overproof.progress import muted, say
from overproof.recipe import Recipe
from overproof.records import Certificate, Outcome, Problem, Query, Sample, Variant, content_key
from overproof.sandbox.execute import execute
from overproof.store import RunFolder

SEARCHING = 2
"""Raised when the search changes, so that older queries are made again."""
DRAWS = 6
"""Compositions drawn for one query before the problem sits this round out."""


class Arena:
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
        """Open the tables of the folder and the gold sandbox; engines load when first asked."""
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
        known = measured_strengths() if self.config.prior == "measured" else {}
        arsenal = Arsenal(self.config.operators, known)
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
            rows = certify_compositions(proposals, number, self._gold)
            for row in self._natural(rows):
                variant = row.variant
                if strategy == "null" or variant.prompt not in tried[variant.task_id]:
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

    def _natural(self, rows: Sequence[Composed]) -> list[Composed]:
        """Return those that read naturally enough, by their words and by the judge, if any."""
        rows = [row for row in rows if _certified(row).naturalness >= self.config.min_naturalness]
        limit = self.config.max_perplexity_ratio
        if limit == math.inf or not rows:
            return rows
        pairs = [(self._prompts[row.variant.task_id], row.variant.prompt) for row in rows]
        ratios = perplexity_ratios(pairs, self._engine("judge"))
        return [row for row, ratio in zip(rows, ratios, strict=True) if ratio <= limit]

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


def _certified(row: Composed) -> Certificate:
    certificate = row.variant.certificate
    assert certificate is not None, "only certified variants come here"
    return certificate


def drift(before: str, after: str) -> float:
    """Return how far an answer moved: edit distance over the longer one's length, in [0, 1].

    >>> drift("return a", "return b")
    0.125
    """
    longest = max(len(before), len(after), 1)
    return edit_distance(before, after) / longest
