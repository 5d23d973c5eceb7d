r"""Operators on the request: how one asks for the function, in comments above it.

They add comments only; the function and its docstring keep their bytes. Stories and games are in
`stories.py`, remarks and headers in `remarks.py`.

    >>> from overproof.records import Problem
    >>> problem = Problem(
    ...     task_id="t", prompt='def f(x, y):\n    "Add both."\n', entry_point="f",
    ...     canonical_solution="    return x + y\n", test="",
    ... )
    >>> print(instruction_form(problem, random.Random(0), 1.0).prompt)
    # Write a Python function `f` that takes `x` and `y`. Add both.
    def f(x, y):
        "Add both."
    <BLANKLINE>

Not covered: the chat template of a model, which the engines apply.
"""

import ast
import random
import textwrap
from functools import lru_cache

from overproof.perturbation.docstring import example_spans, find_docstring
from overproof.perturbation.draft import Draft, Operator, pick, shuffled
from overproof.perturbation.source import Positions, apply_edits, find_function, parse
from overproof.records import Problem

PERSONAS = (
    "You are a senior Python developer who answers with code only.",
    "You are a patient teacher of programming who values plain, readable code.",
    "You are a careful engineer on a team that reviews every line.",
    "You are a data scientist who writes small, well-tested helpers.",
    "You are a maintainer of a popular open-source library.",
    "You are a winner of programming contests, known for short solutions.",
    "You are an expert in algorithms with twenty years of practice.",
    "You are a helpful coding assistant built into an editor.",
    "You are a student in the second year of a computer science degree.",
    "You are a retired mathematician who programs for pleasure.",
    "You are a consultant who is called when others have given up.",
    "You are a robot whose only language is Python.",
)
PERSONA_TASKS = (
    "Complete `{name}` as its docstring says.",
    "Your next task is the body of `{name}`.",
    "A colleague has left `{name}` unfinished; finish it.",
    "Write what is missing in `{name}`.",
)
GREETINGS = (
    *("Hello!", "Hi there,", "Good morning!", "Dear colleague,", "Hi, I hope you are well.", ""),
    *("Hey,", "Good afternoon,"),
)
POLITE = (
    "Could you please complete `{name}` for me?",
    "I would be grateful if you could write the body of `{name}`.",
    "Would you be so kind as to finish `{name}`?",
    "May I ask you to fill in `{name}` below?",
    "If it is not too much trouble, please implement `{name}`.",
    "It would help me a lot if you could complete `{name}`.",
)
THANKS = ("Thank you very much!", "Many thanks in advance.", "Thanks a lot!", "I appreciate it.")
HURRIES = (
    "The demo starts in five minutes and `{name}` is still empty.",
    "Need `{name}` right now, my manager is standing behind me.",
    "Production is down until `{name}` is written.",
    "I have to catch a train, so `{name}` must be ready in a moment.",
    "The release is waiting for `{name}` and nothing else.",
    "No time to explain, just finish `{name}`.",
    "The deadline for `{name}` was yesterday.",
    "The customer is on the phone and asks for `{name}`.",
)
URGES = ("Quick, please!", "ASAP!!", "Hurry.", "Just the code.", "Be fast.", "As fast as you can!")
SPEAKERS = (("User", "Assistant"), ("Human", "AI"), ("Me", "You"), ("Q", "A"), ("Ana", "Bot"))
OPENINGS = (
    ("Hi, can you help me with some Python?", "Of course. What do you need?"),
    ("Are you good at programming?", "I do my best. What is it about?"),
    ("I am stuck with a function.", "Show me what you have so far."),
    ("Quick question about a script of mine.", "Go ahead."),
    ("I have one more function to write today.", "Let us do it together."),
    ("Do you know Python?", "Yes, what would you like to write?"),
)
ASKS = (
    ("I need the body of `{name}`; the docstring says what it does.", "Here is the function:"),
    ("Please complete `{name}`, it is described in its docstring.", "Sure, here you are:"),
    ("`{name}` below is still empty. Can you fill it in?", "Yes, that would be:"),
    ("Write `{name}` so that it does what its docstring says.", "Done:"),
)
CONCRETE = (
    "When you write it, {}.",
    "Please {}.",
    "In the body, {}.",
    "For the solution: {}.",
    "As for the code, {}.",
    "To be concrete, {}.",
)
LONGEST_LINE = 100


def null(problem: Problem, rng: random.Random, intensity: float) -> Draft | None:
    """Change nothing: what still differs between two runs is noise."""
    return Draft(problem.prompt, problem.entry_point)


def instruction_form(problem: Problem, rng: random.Random, intensity: float) -> Draft | None:
    """Ask for the function in words before the code, as one asks a chat model."""
    function = entry_function(problem)
    if function is None:
        return None
    names = [f"`{argument.arg}`" for argument in [*function.args.posonlyargs, *function.args.args]]
    listed = " and ".join(filter(None, (", ".join(names[:-1]), *names[-1:])))
    takes = f" that takes {listed}" if names else ""
    lead = _lead(problem) or "Its docstring says what it must return."
    text = f"Write a Python function `{problem.entry_point}`{takes}. {lead}"
    # Leading blank lines of the prompt stay between the request and the code.
    return Draft(as_comment(text) + problem.prompt, problem.entry_point)


def concretised_instruction(problem: Problem, rng: random.Random, intensity: float) -> Draft | None:
    """Ask for one to three features that a right solution does have, above the function."""
    features = shuffled(rng, _features(problem))
    chosen = features[: 1 + int(rng.random() * min(3, len(features)))]
    if not chosen:
        return None
    wishes = [pick(rng, phrasings) for phrasings in chosen]
    listed = " and ".join(filter(None, (", ".join(wishes[:-1]), wishes[-1])))
    return above(problem, pick(rng, CONCRETE).format(listed))


def persona(problem: Problem, rng: random.Random, intensity: float) -> Draft | None:
    """Give the model a role before it is asked."""
    return above(problem, f"{pick(rng, PERSONAS)} {_named(problem, pick(rng, PERSONA_TASKS))}")


def polite_request(problem: Problem, rng: random.Random, intensity: float) -> Draft | None:
    """Ask for the function politely, above it."""
    greeting, request = pick(rng, GREETINGS), _named(problem, pick(rng, POLITE))
    if greeting.endswith(",") and not request.startswith("I "):
        request = request[0].lower() + request[1:]
    return above(problem, f"{greeting} {request} {pick(rng, THANKS)}".strip())


def hurried_request(problem: Problem, rng: random.Random, intensity: float) -> Draft | None:
    """Ask for the function in a hurry, above it."""
    return above(problem, f"{_named(problem, pick(rng, HURRIES))} {pick(rng, URGES)}")


def chat_transcript(problem: Problem, rng: random.Random, intensity: float) -> Draft | None:
    """Put the function at the end of a conversation, written as comments."""
    asks, answers = pick(rng, SPEAKERS)
    turns = (*pick(rng, OPENINGS), *pick(rng, ASKS))
    lines = [
        f"{answers if index % 2 else asks}: {_named(problem, turn)}"
        for index, turn in enumerate(turns)
    ]
    return above(problem, *lines)


def above(problem: Problem, *paragraphs: str) -> Draft | None:
    """Return the prompt with comments above the entry point's `def`; None without a function."""
    function = entry_function(problem)
    if function is None:
        return None
    start = Positions(problem.prompt + problem.canonical_solution).line_start(function)
    comment = "".join(as_comment(text) for text in paragraphs)
    return Draft(apply_edits(problem.prompt, [(start, start, comment)]), problem.entry_point)


def below(problem: Problem, text: str) -> Draft | None:
    """Put a comment at the prompt's end, indented like the body; None without a body."""
    function = entry_function(problem)
    positions = Positions(problem.prompt + problem.canonical_solution)
    indent = positions.indent(function.body[-1]) if function else None
    if not indent:
        return None
    prompt = problem.prompt if problem.prompt.endswith("\n") else f"{problem.prompt}\n"
    return Draft(f"{prompt}{indent}# {text}\n", problem.entry_point)


def as_comment(text: str) -> str:
    """Return a paragraph as comment lines of at most 100 characters."""
    lines = textwrap.wrap(text, LONGEST_LINE - 2, break_long_words=False, break_on_hyphens=False)
    return "".join(f"# {line}\n" for line in lines)


def entry_function(problem: Problem) -> ast.FunctionDef | ast.AsyncFunctionDef | None:
    """Return the entry point in the syntax tree of prompt and solution."""
    return find_function(parse(problem.prompt + problem.canonical_solution), problem.entry_point)


def _named(problem: Problem, text: str) -> str:
    """Return a sentence about the entry point."""
    return text.replace("{name}", problem.entry_point)


def _lead(problem: Problem) -> str:
    """Return what the docstring says before its first example, as one line."""
    prompt = problem.prompt
    found = find_docstring(prompt, problem.entry_point, problem.canonical_solution)
    if found is None:
        return ""
    text = prompt[found.inner_start : found.inner_end]
    first = min((start for start, _ in example_spans(text, problem.entry_point)), default=None)
    return " ".join(text[:first].split())


FEATURES: tuple[tuple[type[ast.AST], tuple[str, ...]], ...] = (
    (ast.For, ("go through the values with a `for` loop", "use a `for` loop")),
    (ast.While, ("use a `while` loop", "repeat the step with a `while` loop")),
    (ast.ListComp, ("use a list comprehension", "build the list with a comprehension")),
    (ast.GeneratorExp, ("use a generator expression", "feed a generator to a function")),
    (ast.If, ("tell the cases apart with `if`", "branch with an `if` statement")),
    (ast.IfExp, ("use a conditional expression", "write a choice as `a if c else b`")),
    (ast.Dict, ("make use of a dictionary", "keep something in a dictionary")),
    (ast.AugAssign, ("update a variable in place", "use an augmented assignment")),
    (ast.Lambda, ("use a `lambda`", "pass a `lambda` where a function is wanted")),
    (ast.Slice, ("make use of slicing", "take parts with a slice")),
    (ast.Assign, ("keep an intermediate value in a variable", "name what you compute on the way")),
    (ast.Compare, ("compare two values", "rely on a comparison")),
    (ast.BinOp, ("use plain arithmetic operators", "combine values with an operator")),
    (ast.Return, ("end with a `return` statement", "hand the outcome back with `return`")),
)
CALLS = ("call `{}`", "make use of `{}`", "let `{}` do a part of the work")
BUILTINS = (
    *("len", "range", "sorted", "sum", "max", "min", "abs", "set", "list", "str", "int", "zip"),
    *("enumerate", "all", "any", "map", "filter", "ord", "chr", "round", "tuple", "reversed"),
)


@lru_cache(maxsize=1024)
def _features(problem: Problem) -> tuple[tuple[str, ...], ...]:
    """Return what the canonical solution does, each in several words."""
    function = entry_function(problem)
    nodes = (
        [node for statement in function.body for node in ast.walk(statement)] if function else []
    )
    kinds = {type(node) for node in nodes}
    called = {
        node.func.id
        for node in nodes
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }
    found = [phrasings for kind, phrasings in FEATURES if kind in kinds]
    found += [tuple(each.format(name) for each in CALLS) for name in BUILTINS if name in called]
    return tuple(found)


CONTROLS = (Operator("null", "null", null, "own", True, 0.0),)
OPERATORS = (
    Operator("instruction_form", "prompt", instruction_form, "own", False, 1.0),
    Operator("concretised_instruction", "prompt", concretised_instruction, "COCO", True, 1.0),
    Operator("persona", "prompt", persona, "own", True, 1.0),
    Operator("polite_request", "prompt", polite_request, "own", True, 1.0),
    Operator("hurried_request", "prompt", hurried_request, "own", True, 1.0),
    Operator("chat_transcript", "prompt", chat_transcript, "own", True, 1.0),
)
