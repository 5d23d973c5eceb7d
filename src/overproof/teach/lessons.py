"""From pairs to lessons: a target in each direction, with the teacher's logits over it.

text → code: the prompt of the pair; the target is the teacher's verified solution, or the
function's own body where the teacher's could not be verified. code → text: the function; the
target is its docstring. The teacher always sees the clean prompt.

    lessons = teach(teacher, pairs, recipe, folder)
"""

from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Literal

from overproof.engines import load_engine
from overproof.engines.generate import Contender, form_for
from overproof.engines.prompts import PromptForm
from overproof.engines.protocol import Engine, cpu_threads
from overproof.engines.sparse import captured_mass
from overproof.errors import DataError
from overproof.progress import stage
from overproof.recipe import Recipe
from overproof.records import Lesson, Pair, Solution, content_key
from overproof.store import RunFolder
from overproof.teach.logits import logits_path, save_logits
from overproof.teach.solutions import write_solutions

END_OF_CODE = "\n```"
CHARS_PER_TOKEN = 4
"""More than code has, so that hopeless targets are left out before the teacher reads them."""


@dataclass(frozen=True, kw_only=True)
class Taught:
    """All lessons of a run, and what became of the pairs."""

    lessons: list[Lesson]
    counts: dict[str, int]
    """Solutions by status, targets left out for their length."""


@dataclass(frozen=True)
class _Draft:
    pair: Pair
    view: Literal["text_to_code", "code_to_text"]
    prompt: str
    target: str
    author: Literal["teacher", "human"]


def teach(teacher: Contender, pairs: Sequence[Pair], recipe: Recipe, folder: RunFolder) -> Taught:
    """Return a lesson per pair and view; solutions, logits and rows that exist are reused.

    Raises: EngineError if the teacher cannot run or cannot score; DataError if nothing is left.
    """
    models, config = recipe.models, recipe.teach
    form = form_for(teacher.source, models.form)
    engines: list[Engine] = []

    def load() -> Engine:
        if not engines:
            engines.append(
                load_engine(teacher.source, models.engine, models.precision, models.threads)
            )
        return engines[0]

    try:
        solutions = write_solutions(
            load,
            models,
            teacher.source.sha256,
            form,
            pairs,
            config,
            recipe.limits,
            folder.table("solutions", Solution),
        )
        drafts = [
            draft
            for pair, solution in zip(pairs, solutions, strict=True)
            for draft in _drafts(pair, solution, form, recipe)
        ]
        fitting = [
            draft
            for draft in drafts
            if len(draft.target) <= CHARS_PER_TOKEN * config.max_target_tokens
        ]
        lessons = _score(load, teacher, fitting, recipe, folder)
    finally:
        for engine in engines:
            engine.close()
    if not lessons:
        raise DataError(
            "no pair is left to learn from",
            hint="raise teach.max_target_tokens, or add sources to pairs.sources",
        )
    counts = Counter(f"solution {solution.status}" for solution in solutions)
    counts["target too long"] = len(drafts) - len(lessons)
    return Taught(lessons=lessons, counts=dict(sorted(counts.items())))


def lesson_prompt(pair: Pair, view: str, form: PromptForm, prompt: str | None = None) -> str:
    """Return what a model sees before the target; `prompt` replaces the pair's own (perturbed)."""
    if view == "code_to_text":
        return form.describe(pair.code).text
    return form.wrap(pair.prompt if prompt is None else prompt).text


def _drafts(pair: Pair, solution: Solution, form: PromptForm, recipe: Recipe) -> list[_Draft]:
    drafts = []
    if "text_to_code" in recipe.teach.views:
        verified = solution.status == "verified"
        body = solution.completion if verified else pair.body
        drafts.append(
            _Draft(
                pair,
                "text_to_code",
                lesson_prompt(pair, "text_to_code", form),
                body.rstrip() + END_OF_CODE,
                "teacher" if verified else "human",
            )
        )
    if "code_to_text" in recipe.teach.views:
        prompt = lesson_prompt(pair, "code_to_text", form)
        drafts.append(_Draft(pair, "code_to_text", prompt, pair.text.strip(), "human"))
    return drafts


def _cached(key: str) -> bool:
    return logits_path(key).exists()


def _score(
    load: Callable[[], Engine],
    teacher: Contender,
    drafts: Sequence[_Draft],
    recipe: Recipe,
    folder: RunFolder,
) -> list[Lesson]:
    table = folder.table("lessons", Lesson)
    top_k = recipe.teach.top_k

    def key(draft: _Draft) -> str:
        how = (recipe.models.engine, recipe.models.precision, top_k)
        return content_key("logits", teacher.source.sha256, draft.prompt, draft.target, how)

    def score(draft: _Draft) -> Lesson:
        top = load().score(draft.prompt, draft.target, top_k)
        save_logits(key(draft), top)
        return Lesson(
            key=key(draft),
            pair=draft.pair.key,
            view=draft.view,
            target=draft.target,
            author=draft.author,
            tokens=len(top.token_ids),
            captured_mass=round(captured_mass(top), 4),
        )

    def work(part: list[_Draft]) -> list[Lesson]:
        with ThreadPoolExecutor(load().parallel_scores) as pool:
            return list(pool.map(score, part))

    lost = [draft for draft in drafts if key(draft) in table and not _cached(key(draft))]
    for draft in lost:  # the cache was emptied since
        save_logits(key(draft), load().score(draft.prompt, draft.target, top_k))
    with stage("teach: logits", len(drafts), "texts") as advance:
        lessons = table.fill(
            list(drafts), key, work, batch=cpu_threads(recipe.models.threads), on_batch=advance
        )
    limit = recipe.teach.max_target_tokens
    return [lesson for lesson in lessons if lesson.tokens <= limit]
