"""A first recipe, commented, from what somebody wants to do: the command `init`.

    answers = answers_from("gate", ["released.gguf", "candidate.gguf"], ["humaneval", "rust"])
    print(starter_recipe("gate", answers), next_lines(Path("gate.yaml"), "gate", answers))

Limits: it knows the keys that most people change; `docs/reference/recipe.md` has all.
"""

import json
import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

import yaml

from overproof.engines import default_precision
from overproof.errors import UnknownNameError, UsageError
from overproof.evaluation import SERVER_MAX_NEW_TOKENS, engine_for
from overproof.languages import NAMES, is_language
from overproof.models import Form, model_form
from overproof.pairs.specs import parse_source
from overproof.plugins import plugins
from overproof.suites import SUITES

Task = Literal["evaluate", "distil", "gate"]
TASKS: tuple[str, ...] = get_args(Task)

MODELS: dict[str, tuple[str, ...]] = {
    "evaluate": ("qwen2.5-coder-0.5b-instruct",),
    "distil": ("qwen2.5-coder-1.5b-instruct", "qwen2.5-coder-0.5b-instruct"),
    "gate": ("qwen2.5-coder-0.5b-instruct", "candidate.gguf"),
}
"""What is proposed to each task."""
DATA: dict[str, tuple[str, ...]] = {
    "evaluate": ("humaneval",),
    "distil": ("stdlib",),
    "gate": ("humaneval",),
}
ASKED: dict[str, tuple[str, str]] = {
    "evaluate": (
        "Which models? Several with commas",
        "On what? Suites, files of problems, languages",
    ),
    "distil": (
        "Which teacher, which student?",
        "From what? Sources of code, languages",
    ),
    "gate": (
        "Which model is out, which one wants to be?",
        "On what? Suites, files of problems, languages",
    ),
}
"""The second and the third question of each task."""
BUILT_IN = ("stdlib", "installed")
"""Sources of pairs that every Python has."""
GATE = "pass@1 >= -0.07"
"""What an equal model passes on HumanEval in four of five tries; see docs/guides/gate.md."""


@dataclass(frozen=True, kw_only=True)
class Answers:
    """What somebody wants to do, with which models, on or from what."""

    task: Task
    models: tuple[str, ...]
    data: tuple[str, ...]
    """Suites or files of problems; of `distil`, sources of pairs."""
    languages: tuple[str, ...] = ()
    """Beside Python, or in place of it where only they are named."""


def answers_from(
    task: str, models: Sequence[str], data: Sequence[str], languages: Sequence[str] = ()
) -> Answers:
    """Return checked answers; names of languages among the data are taken for what they are.

    Raises: UsageError for a number of models that the task has no place for; UnknownNameError.
    """
    if task not in TASKS:
        raise UnknownNameError("task", task, TASKS)
    if task != "evaluate" and len(models) != 2:
        what = "a teacher and a student" if task == "distil" else "the released and the candidate"
        raise UsageError(f"{task} takes {what}, got {len(models)} models", hint="--model, twice")
    forms = [form_of(name) for name in models]
    served = [name for name, form in zip(models, forms, strict=True) if form == "server"]
    if task != "distil" and 0 < len(served) < len(models):
        raise UsageError(
            f"a table has one engine, but {served[0]} is on a server and others are not",
            hint="serve all of them, or make a recipe for each",
        )
    spoken = [*languages, *(name for name in data if is_language(name))]
    for name in languages:
        if not is_language(name):
            raise UnknownNameError("language", name, NAMES)
    chosen = [name for name in data if not is_language(name)]
    for name in chosen:
        check_source(name) if task == "distil" else check_suite(name)
    return Answers(
        task=task,  # type: ignore[arg-type]  # one of TASKS
        models=tuple(models),
        data=tuple(chosen),
        languages=tuple(dict.fromkeys(spoken)),
    )


def form_of(name: str) -> Form:
    """Return the form of a model's name; a file or folder need not be there yet.

    Raises: as `model_form`.
    """
    path = Path(name).expanduser()
    if not path.exists() and (name.endswith(".gguf") or name.startswith((".", "/", "~"))):
        return "gguf" if name.endswith(".gguf") else "folder"
    return model_form(name)


def check_suite(name: str) -> None:
    """Refuse what is neither a suite nor a file. Raises: UnknownNameError."""
    known = (*SUITES, *plugins("suite"))
    if name not in known and not Path(name).expanduser().exists():
        hint = "or a language, or the path of a file of problems"
        raise UnknownNameError("suite", name, known, hint=hint)


def check_source(name: str) -> None:
    """Refuse a source of pairs that is misspelt or not there. Raises: UsageError."""
    spec = parse_source(name)
    named = spec.kind == "hub" or spec.place in BUILT_IN or spec.place.startswith("installed:")
    if not named and not Path(spec.place).expanduser().exists() and "*" not in spec.place:
        raise UsageError(
            f"no such file, folder or source of pairs: {name}",
            hint="stdlib, installed, installed:NAME, mbpp:FILE, hub:OWNER/NAME, or a path",
        )


def starter_recipe(name: str, answers: Answers) -> str:
    """Return the YAML of a recipe of this name, with a comment beside what one may change."""
    write = _distil if answers.task == "distil" else _measure
    return "\n".join(write(name, answers)) + "\n"


def next_lines(path: Path, name: str, answers: Answers) -> list[str]:
    """Return the commands that come next, to be typed as they are."""
    recipe = shlex.quote(str(path))
    if answers.task == "distil":
        small = "pairs.limit=10 distill.steps=8 suites.problems=3"
        return [
            f"overproof run {recipe} {small} --out {shlex.quote(f'runs/{name}-small')}",
            f"overproof run {recipe}",
        ]
    named = "".join(f" --model {shlex.quote(model)}" for model in answers.models)
    first = f"overproof eval --recipe {recipe}" + (named if len(answers.models) > 2 else "")
    if answers.task == "evaluate":
        return [first]
    folder = shlex.quote(f"runs/{name}")
    sides = " ".join(f"--model {shlex.quote(label)}" for label in labels(answers.models))
    return [first, f"overproof compare {folder} {sides} --gate {shlex.quote(GATE)}"]


def labels(models: Sequence[str]) -> list[str]:
    """Return the names that models have in a table.

    >>> labels(["a/old.gguf", "org/new@main", "http://host:1/v1#served"])
    ['old', 'new', 'served']
    """
    found = []
    for model in models:
        name = model.rpartition("#")[2] if "://" in model else model.partition("@")[0]
        found.append(Path(name).name.removesuffix(".gguf"))
    return found


def _measure(name: str, answers: Answers) -> list[str]:
    engine = engine_for({form_of(model) for model in answers.models})
    roles = ("the released one", "the candidate") if answers.task == "gate" else ("", "")
    budget = SERVER_MAX_NEW_TOKENS if engine == "server" else 320
    python = bool(answers.data) or not answers.languages
    suites = [
        *(answers.data or (("humaneval",) if python else ())),
        *(f"multicode:{language}" for language in answers.languages),
    ]
    return [
        f"# Measures models as they are. {next_lines(Path(f'{name}.yaml'), name, answers)[0]}",
        "# Change a value here, or on the command line: sampling.num_samples=10",
        f"name: {_scalar(name)}  # the run folder is runs/{name}",
        "models:",
        "  # two models that are compared, or one twice; others by --model",
        *_keys(
            2,
            ("teacher", _scalar(answers.models[0]), roles[0]),
            ("student", _scalar(answers.models[-1]), roles[1]),
            ("engine", engine, "ctranslate2, transformers, xllamacpp or server"),
            ("precision", _scalar(default_precision(engine)), "of that engine"),
        ),
        "suites:",
        *_keys(
            2,
            ("names", _flow(suites), "`overproof suite list`, or files of problems"),
            ("problems", "null", "only so many of each, evenly spread; null: all"),
        ),
        "perturb:",
        *_keys(
            2,
            ("operators", _flow(["quick"]), "`overproof operators list`; []: none"),
            ("seeds", "2", "draws per random operator"),
        ),
        "sampling:",
        *_keys(
            2,
            ("num_samples", "1", "per prompt; more need a temperature above 0"),
            ("temperature", "0.0", "0 is greedy"),
            ("max_new_tokens", str(budget), "budget of one answer"),
        ),
        "latency:",
        *_keys(2, ("prompts", "0", "timed in pairs, in random order; 0: none")),
    ]


def _distil(name: str, answers: Answers) -> list[str]:
    teacher, student = answers.models
    suites = ["humaneval", *(f"multicode:{each}" for each in answers.languages if each != "python")]
    served = form_of(teacher) == "server"
    tokenizer = ["  # a teacher on a server needs a model with the same tokenizer, hub id or path:"]
    tokenizer += ["  # tokenizer: org/name"]
    return [
        f"# Distils the teacher into the student and compares. overproof run {name}.yaml",
        "# Change a value here, or on the command line: distill.steps=20",
        f"name: {_scalar(name)}  # the run folder is runs/{name}",
        "models:",
        *_keys(
            2,
            ("teacher", _scalar(teacher), "catalogue name, hub id, folder, GGUF file or server"),
            ("student", _scalar(student), "its weights are trained"),
            ("engine", "ctranslate2", "runs every model of the table"),
            ("precision", "int8", "of that engine"),
        ),
        *(tokenizer if served else []),
        "pairs:",
        *_keys(
            2,
            ("sources", _flow(answers.data or DATA["distil"]), "where functions are read"),
            ("languages", _flow(answers.languages or ("python",)), "of folders and data sets"),
            ("limit", "400", "pairs at most; null: all"),
        ),
        "teach:",
        *_keys(2, ("solutions", "true", "the teacher writes programs; those that pass are taught")),
        "distill:",
        *_keys(
            2,
            ("steps", "100", "optimizer steps"),
            ("batch_size", "4", "examples in one forward pass"),
            ("learning_rate", "2.0e-4", "its peak"),
            ("robust_weight", "0.3", "learning from perturbed prompts; 0: none"),
        ),
        "suites:",
        *_keys(
            2,
            ("names", _flow(suites), "what is measured; `overproof suite list`"),
            ("problems", "null", "only so many of each, evenly spread; null: all"),
        ),
        "perturb:",
        *_keys(
            2,
            ("operators", _flow(["quick"]), "`overproof operators list`"),
            ("seeds", "1", "draws per random operator"),
        ),
    ]


def _keys(indent: int, *rows: tuple[str, str, str]) -> list[str]:
    """Return `key: value  # comment` lines with the comments below each other."""
    begun = [f"{' ' * indent}{key}: {value}" for key, value, _ in rows]
    width = max(map(len, begun))
    told = [f"  # {comment}" if comment else "" for *_, comment in rows]
    return [f"{line:<{width}}{tail}".rstrip() for line, tail in zip(begun, told, strict=True)]


def _flow(values: Sequence[str]) -> str:
    return f"[{', '.join(map(_scalar, values))}]"


def _scalar(text: str) -> str:
    """Return text as YAML that is read back as that text.

    >>> _scalar("humaneval"), _scalar("no"), _scalar("http://h:1/v1#m")
    ('humaneval', '"no"', '"http://h:1/v1#m"')
    """
    plain = re.fullmatch(r"[\w./+-]+(:[\w./+-]+)*", text) and yaml.safe_load(text) == text
    return text if plain else json.dumps(text, ensure_ascii=False)
