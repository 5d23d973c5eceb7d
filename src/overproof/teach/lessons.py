"""From pairs to lessons: a target in each view of a pair, with the teacher's signal over it.

text → code: the prompt of the pair; the target is the teacher's verified solution, or the
function's own body where the teacher's could not be verified. code → text: the function; the target
is its docstring. repair: a solution that failed its checks, and what happened; the target is the
function's own body. fill in the middle: both ends of the function. The teacher always sees the
clean prompt.

    lessons = teach(teacher, pairs, recipe, folder)
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from overproof.engines.generate import Contender, form_for
from overproof.engines.prompts import PromptForm
from overproof.errors import DataError, EngineError
from overproof.recipe import Recipe
from overproof.records import Checks, Lesson, OwnProblem, Pair, Solution, View
from overproof.store import RunFolder
from overproof.teach.checks import find_checks
from overproof.teach.problems import write_problems
from overproof.teach.signals import Draft, score_drafts
from overproof.teach.solutions import complaint, write_solutions
from overproof.teach.teacher import lazily
from overproof.teach.views import code_target, cut_middle, lesson_prompt


@dataclass(frozen=True, kw_only=True)
class Taught:
    """All lessons of a run, and what became of the pairs."""

    lessons: list[Lesson]
    counts: dict[str, int]
    """Solutions by status, lessons by view, targets left out for their length."""


def teach(teacher: Contender, pairs: Sequence[Pair], recipe: Recipe, folder: RunFolder) -> Taught:
    """Return the lessons of each pair; checks, solutions, signals and rows that exist are reused.

    Raises: EngineError if the teacher cannot run or cannot score; DataError if nothing is left.
    """
    form = teacher_form(teacher, recipe)
    with lazily(teacher, recipe.models) as load:
        checks = find_checks(load, teacher, form, pairs, recipe, folder.table("checks", Checks))
        solutions = write_solutions(
            load, teacher, form, pairs, checks, recipe, folder.table("solutions", Solution)
        )
        drafts = [
            draft
            for pair, solution, found in zip(pairs, solutions, checks, strict=True)
            for draft in _drafts(pair, solution, found, form, recipe)
        ]
        lessons = score_drafts(load, teacher, drafts, recipe, folder.table("lessons", Lesson))
    if not lessons:
        raise DataError(
            "no pair is left to learn from",
            hint="raise teach.max_target_tokens, or add sources to pairs.sources",
        )
    counts = Counter(f"solution {solution.status}" for solution in solutions)
    counts["solution verified by written calls"] = sum(
        solution.status == "verified" and solution.written for solution in solutions
    )
    counts.update(f"lessons {lesson.view}" for lesson in lessons)
    counts["target too long"] = len(drafts) - len(lessons)
    return Taught(lessons=lessons, counts=dict(sorted(counts.items())))


def make_up(
    teacher: Contender, pairs: Sequence[Pair], recipe: Recipe, folder: RunFolder
) -> list[Pair]:
    """Return the pairs that the teacher makes up, `teach.own_problems` being asked for.

    Raises: EngineError if the teacher cannot run, or has no chat template.
    """
    if not recipe.teach.own_problems:
        return []
    form = teacher_form(teacher, recipe)
    with lazily(teacher, recipe.models) as load:
        table = folder.table("problems", OwnProblem)
        return write_problems(load, teacher, form, pairs, recipe, table)


def teacher_form(teacher: Contender, recipe: Recipe) -> PromptForm:
    """Return the form in which the teacher is asked.

    Raises: EngineError for a server whose tokenizer is not known: what it reads must be text with
    the template already around it.
    """
    form = form_for(teacher.source, recipe.models.form)
    if form.kind == "messages":
        raise EngineError(
            f"{teacher.source.name}: a server as teacher reads text, not messages",
            hint="name its tokenizer, whose chat template is then used, or use models.form=raw",
        )
    return form


def _drafts(
    pair: Pair, solution: Solution, checks: Checks, form: PromptForm, recipe: Recipe
) -> Iterator[Draft]:
    """Yield what is taught about a pair."""
    own = code_target(pair.body)
    for view in recipe.teach.views:
        if view == "text_to_code":
            by_teacher = solution.status == "verified"
            yield _draft(
                pair,
                view,
                (pair.prompt,),
                code_target(below_prompt(solution.completion, form)) if by_teacher else own,
                form,
                by_teacher=by_teacher,
                verified=by_teacher or checks.passed,
            )
        elif view == "code_to_text":
            yield _draft(pair, view, (pair.code,), pair.text.strip(), form)
        elif view == "repair":
            if wrong := complaint(solution):
                material = (pair.prompt, solution.solution, wrong)
                yield _draft(pair, view, material, own, form, verified=checks.passed)
        elif parts := _middle(pair, recipe.seed):
            yield _draft(pair, view, (parts[0], parts[2]), parts[1], form)


def _draft(
    pair: Pair,
    view: View,
    material: tuple[str, ...],
    target: str,
    form: PromptForm,
    *,
    by_teacher: bool = False,
    verified: bool = False,
) -> Draft:
    return Draft(
        pair=pair.key,
        view=view,
        material=material,
        prompt=lesson_prompt(view, material, form, pair.language),
        target=target,
        author="teacher" if by_teacher else "human",
        verified=verified,
    )


def _middle(pair: Pair, seed: int) -> tuple[str, str, str] | None:
    if pair.language != "python":
        return None
    return cut_middle(pair.prompt + pair.body, pair.name, seed)


def below_prompt(completion: str, form: PromptForm) -> str:
    """Return a completion as it stands below its prompt: the raw form's begins with a line end."""
    return completion.removeprefix("\n") if form.kind == "raw" else completion
