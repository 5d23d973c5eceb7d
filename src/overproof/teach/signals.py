"""The teacher reads targets after their prompts: signals go to the cache, rows to the run folder.

    lessons = score_drafts(load, teacher, drafts, recipe, folder.table("lessons", Lesson))

A signal that is in the cache already, from this run or another, is not computed again.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Literal

from overproof.engines.generate import Contender
from overproof.engines.protocol import TopLogits
from overproof.engines.sparse import captured_mass
from overproof.progress import stage
from overproof.recipe import Recipe, TeachConfig
from overproof.records import Lesson, View, content_key
from overproof.store import Table
from overproof.teach.cache import has_logits, load_logits, save_logits
from overproof.teach.teacher import Load, engine_of

BATCH = 16
"""Texts whose rows are written together; a killed run has their signals all the same."""
CHARS_PER_TOKEN = 4
"""More than code has, so that hopeless targets are left out before the teacher reads them."""


@dataclass(frozen=True, kw_only=True)
class Draft:
    """A lesson that the teacher has not read yet."""

    pair: str
    """Key of the pair."""
    view: View
    material: tuple[str, ...]
    prompt: str
    """What the teacher sees."""
    target: str
    author: Literal["teacher", "human", "student"]
    verified: bool = False


def score_drafts(
    load: Load,
    teacher: Contender,
    drafts: Sequence[Draft],
    recipe: Recipe,
    table: Table[Lesson],
    *,
    title: str = "teach: signals",
    sampled: bool | None = None,
) -> list[Lesson]:
    """Return a lesson per draft whose target is short enough, its signal in the cache.

    `sampled` replaces the recipe's kind of signal. `load` returns the teacher; it is called only if
    a signal is missing.
    Raises: EngineError if the teacher cannot run or cannot score.
    """
    draws = recipe.teach.signal == "sampled" if sampled is None else sampled
    limit = recipe.teach.max_target_tokens
    keyed = [
        (draft, signal_key(teacher, draft, recipe, draws))
        for draft in drafts
        if len(draft.target) <= CHARS_PER_TOKEN * limit
    ]

    def read(item: tuple[Draft, str]) -> Lesson:
        top = _signal(load, *item, recipe.teach, draws)
        return _lesson(*item, len(top.token_ids), captured_mass(top))

    def work(part: list[tuple[Draft, str]]) -> list[Lesson]:
        missing = any(not has_logits(key) for _, key in part)
        with ThreadPoolExecutor(load().parallel_scores if missing else 1) as pool:
            return list(pool.map(read, part))

    with stage(title, len(keyed), "texts") as advance:
        rows = table.fill(keyed, lambda item: item[1], work, batch=BATCH, on_batch=advance)
    for item in keyed:
        if not has_logits(item[1]):  # the cache was emptied since
            read(item)
    # a row says what a signal is like; who wrote its target, and whether it passed, is of this run
    lessons = [
        _lesson(*item, found.tokens, found.captured_mass)
        for item, found in zip(keyed, rows, strict=True)
    ]
    return [lesson for lesson in lessons if lesson.tokens <= limit]


def _signal(load: Load, draft: Draft, key: str, config: TeachConfig, sampled: bool) -> TopLogits:
    """Return the signal of a draft, from the cache or from the teacher."""
    if has_logits(key):
        return load_logits(key)
    top = load().score(
        draft.prompt,
        draft.target,
        config.top_k,
        temperature=config.temperature,
        sampled=sampled,
        seed=int(key[:8], 16),
    )
    save_logits(key, top)
    return top


def signal_key(teacher: Contender, draft: Draft, recipe: Recipe, sampled: bool) -> str:
    """Return the hash of all that determines a signal."""
    config = recipe.teach
    how: tuple[object, ...] = (*engine_of(teacher.source, recipe.models), config.top_k)
    if sampled or config.temperature != 1:
        how = (*how, "sampled" if sampled else "top", config.temperature)
    return content_key("logits", teacher.source.sha256, draft.prompt, draft.target, how)


def _lesson(draft: Draft, key: str, tokens: int, mass: float) -> Lesson:
    return Lesson(
        key=key,
        pair=draft.pair,
        view=draft.view,
        material=draft.material,
        target=draft.target,
        author=draft.author,
        verified=draft.verified,
        tokens=tokens,
        captured_mass=round(mass, 4),
    )
