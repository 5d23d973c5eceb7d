"""From a run folder or a sample file to what another tool reads: the command `convert`.

for line in convert(Path("runs/demo"), "evalplus", Path("samples.jsonl"), model="teacher"):
    print(line)
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

from overproof.errors import UnknownNameError, UsageError
from overproof.interchange.answers import answers_of
from overproof.interchange.every_eval_ever import write_every_eval_ever
from overproof.interchange.inspect_files import write_inspect
from overproof.interchange.lm_eval_files import write_lm_eval
from overproof.interchange.runs import is_run, read_run
from overproof.interchange.sample_files import SAMPLE_FORMATS, write_samples
from overproof.records import Problem
from overproof.suites import load_suites

RESULT_FORMATS = ("lm-eval", "every-eval-ever", "inspect")
"""What the results of a run are written as."""
FORMATS = (*SAMPLE_FORMATS, *RESULT_FORMATS)


def convert(
    source: Path,
    to: str,
    out: Path,
    *,
    problems: Sequence[Problem] = (),
    model: str = "",
    operator: str = "nominal",
    form: str = "",
    model_id: str = "",
) -> Iterator[str]:
    """Write samples or results in another tool's form and yield what there is to say.

    Results come from a run folder alone; without `model`, those of all its models.

    Raises: UnknownNameError; UsageError; what reading and writing raise.
    """
    if to not in FORMATS:
        raise UnknownNameError("format", to, FORMATS)
    if to in SAMPLE_FORMATS:
        answers = answers_of(source, problems, model=model, operator=operator, form=form)
        known = list(problems) or _suite(source)
        yield from write_samples(answers, known, to, out)
        yield f"{len(answers)} answers written as {to}: {out}"
        return
    if not is_run(source):
        raise UsageError(
            f"{source}: results of {to} are made of a run folder",
            hint="`overproof eval --out FOLDER` makes one; samples: --to human-eval and others",
        )
    run = read_run(source, problems)
    names = [run.only_model(model)] if model else run.models
    if model_id and len(names) > 1:
        raise UsageError("one --model-id for several models", hint="choose one with --model")
    for name in names:
        if to == "lm-eval":
            yield from write_lm_eval(run, name, out)
        elif to == "inspect":
            yield from write_inspect(run, name, out / name if len(names) > 1 else out)
        else:
            yield from write_every_eval_ever(run, name, out, model_id)


def _suite(source: Path) -> list[Problem]:
    return read_run(source).problems if is_run(source) else load_suites(["humaneval"])
