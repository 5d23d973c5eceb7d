"""On-policy rounds: the student writes, programs are executed, and the teacher reads along.

    lessons = write_rollouts(student, teacher, pairs, recipe, folder, turn=1)

One program per pair, drawn at `distill.on_policy_temperature`, checked as the teacher's are, and
kept whether it passed or not: what the teacher thinks of a wrong program is what there is to learn.
Left out: answers without code, and texts that are too long. Signals are the likeliest K always,
since a reverse KL needs the tail.

Not covered: several programs per pair, and students on servers.
"""

from collections.abc import Sequence

from overproof.engines.generate import Contender, form_for
from overproof.engines.prompts import PromptForm
from overproof.engines.protocol import Request
from overproof.progress import stage
from overproof.recipe import Recipe
from overproof.records import Checks, Lesson, Pair, Solution, content_key
from overproof.sandbox import Pool
from overproof.store import RunFolder, Table
from overproof.teach.checks import find_checks
from overproof.teach.lessons import below_prompt, teacher_form
from overproof.teach.signals import Draft, score_drafts
from overproof.teach.solutions import BATCH, CUT_OFF, judged
from overproof.teach.teacher import engine_of, lazily
from overproof.teach.views import code_target, lesson_prompt


def write_rollouts(
    student: Contender,
    teacher: Contender,
    pairs: Sequence[Pair],
    recipe: Recipe,
    folder: RunFolder,
    turn: int,
) -> list[Lesson]:
    """Return the lessons of one round, by author `student`; rows that exist are reused.

    Rows are keyed by the student's bytes and the round (`turn`): another student writes anew.
    Raises: EngineError if a model cannot run, or the teacher cannot score.
    """
    form, read = form_for(student.source, recipe.models.form), teacher_form(teacher, recipe)
    with lazily(teacher, recipe.models) as load:
        checks = find_checks(load, teacher, read, pairs, recipe, folder.table("checks", Checks))
    programs = _write(
        student, form, pairs, checks, recipe, folder.table("rollouts", Solution), turn
    )
    drafts = [
        _draft(pair, program, form, read)
        for pair, program in zip(pairs, programs, strict=True)
        if program.status != "no_code" and program.completion.strip()
    ]
    with lazily(teacher, recipe.models) as load:
        return score_drafts(
            load,
            teacher,
            drafts,
            recipe,
            folder.table("lessons", Lesson),
            title=f"teach: round {turn}",
            sampled=False,
        )


def _write(
    student: Contender,
    form: PromptForm,
    pairs: Sequence[Pair],
    checks: Sequence[Checks],
    recipe: Recipe,
    table: Table[Solution],
    turn: int,
) -> list[Solution]:
    """Return what the student wrote for each pair, with the verdict on it."""
    temperature, tokens = recipe.distill.on_policy_temperature, recipe.teach.max_new_tokens
    how = (*engine_of(student.source, recipe.models), form.kind, tokens, temperature, recipe.seed)
    examples = {found.pair: found.examples for found in checks}

    def key(pair: Pair) -> str:
        checked = content_key(examples[pair.key])
        return content_key("rollout", student.source.sha256, pair.key, turn, how, checked)

    def request(pair: Pair) -> Request:
        wrapped = form.wrap(pair.prompt, pair.language)
        return Request(
            prompt=wrapped.text,
            stop=wrapped.stop,
            max_new_tokens=tokens,
            temperature=temperature,
            seed=int(key(pair)[:8], 16) % 2**31,
            chat=wrapped.chat,
        )

    with lazily(student, recipe.models) as load, Pool(recipe.limits) as pool:

        def work(part: list[Pair]) -> list[Solution]:
            answers = load().generate([request(pair) for pair in part])
            ran = [examples[pair.key] for pair in part]
            return judged([key(pair) for pair in part], part, form, answers, ran, pool)

        order = sorted(pairs, key=lambda pair: (len(pair.prompt), pair.key))
        with stage(f"rollouts: round {turn}", len(order), "pairs") as advance:
            table.fill(order, key, work, batch=BATCH, on_batch=advance)
    return [table[key(pair)] for pair in pairs]


def _draft(pair: Pair, program: Solution, form: PromptForm, read: PromptForm) -> Draft:
    """Return the student's own text as a target; one that was cut off has no end."""
    text = below_prompt(program.completion, form)
    return Draft(
        pair=pair.key,
        view="text_to_code",
        material=(pair.prompt,),
        prompt=lesson_prompt("text_to_code", (pair.prompt,), read, pair.language),
        target=text if program.detail == CUT_OFF else code_target(text),
        author="student",
        verified=program.status == "verified",
    )
