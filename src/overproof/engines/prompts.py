r"""From a prompt of a suite to the text that a model sees, and from its answer to a program.

Four forms. `chat`, for instruct models: the problem in a user turn, and the assistant's turn
already begun with a fence and the prompt itself, so that the model writes the body and stops at
the closing fence. `brief`: the same with the problem in the assistant's turn alone, at half the
prompt tokens. `raw`, for base models: the prompt as it is, ended by what begins a new block.
`messages`, for servers: the user's turn of `chat`, without a template; the model writes fences and
whole function itself.

In each of them a model can also be asked to describe a function, to mend one, to fill in the middle
of one, and for calls of one.

    >>> PromptForm(kind="raw").wrap("def f(x):\n    ").text
    'def f(x):'
    >>> extract_solution("def f(x):\n    ", "return x", "f")
    'def f(x):\n    return x\n'
"""

import re
import warnings
from dataclasses import dataclass
from typing import Any, Literal

from overproof.engines.foreign import assemble
from overproof.languages import load_language

INSTRUCTION = (
    "Complete the following {title} function. "
    "Answer with the whole function in one markdown code block."
)
BRIEF_INSTRUCTION = (
    "Complete a {title} function. Answer with the whole function in one markdown code block."
)
DESCRIBE_INSTRUCTION = "Write the docstring of the following {title} function: its text only."
REPAIR_INSTRUCTION = (
    "The following {title} function is wrong. What happened: {complaint}\n"
    "{code}\nCorrect it. Answer with the whole function in one markdown code block."
)
INFILL_INSTRUCTION = (
    "Lines are missing from the following {title} function, where {gap} stands. "
    "Answer with these lines only, in one markdown code block."
)
CALLS_INSTRUCTION = (
    "Write {count} different calls of the following Python function, one a line, with literal "
    "arguments only: usual cases and edge cases. Answer with one markdown code block."
)
GAP = "<missing lines>"
RAW_STOP = ("\ndef ", "\nclass ", "\nif ", "\nprint(", "\nassert ", "\n```", "\n@", "\n#")
CHAT_STOP = ("```", "\nif __name__", "\nprint(", "\nassert ", "\n# Test", "\n# Example")

INFILL_TOKENS = (
    ("<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>"),
    ("<fim_prefix>", "<fim_suffix>", "<fim_middle>"),
    ("<｜fim▁begin｜>", "<｜fim▁hole｜>", "<｜fim▁end｜>"),
)
"""What stands before the beginning, before the end and before the middle: Qwen2.5-Coder's, those of
StarCoder, and DeepSeek-Coder's."""

MESSAGES_STOP = ("\n```\n\n",)
"""A closing fence and prose after it; a fence that opens is followed by code."""
FENCE = r"^[ \t]*```[\w+-]*[ \t]*$"

FormName = Literal["chat", "brief", "raw", "messages"]


@dataclass(frozen=True, kw_only=True)
class Wrapped:
    """A prompt as the model sees it, and where its answer ends."""

    text: str
    stop: tuple[str, ...]
    chat: bool = False
    """Whether `text` is a user's turn that still needs the chat template."""


@dataclass(frozen=True, kw_only=True)
class PromptForm:
    """How a model is asked."""

    kind: FormName
    template: str = ""
    """The model's chat template, in Jinja; not used by `raw` and `messages`."""
    infill_tokens: tuple[str, ...] = ()
    """The model's own tokens for filling in, from `infill_tokens_of`; used by `raw` only."""

    def wrap(self, prompt: str, language: str = "python") -> Wrapped:
        """Return the text that asks for the function that `prompt` begins.

        The raw form leaves no white space at the end: it would split the first token of the
        answer in two, which costs base models more than most perturbations do.
        """
        python = language == "python"
        if self.kind == "raw":
            stop = RAW_STOP if python else load_language(language).translation.stop
            return Wrapped(text=prompt.rstrip(), stop=stop)
        title, fence, _ = _signs(language)
        begun = f"```{fence}\n{prompt.strip()}\n"
        user = BRIEF_INSTRUCTION.format(title=title)
        if self.kind in ("chat", "messages"):
            user = f"{INSTRUCTION.format(title=title)}\n{begun}```"
        if self.kind == "messages":
            return Wrapped(text=user, stop=MESSAGES_STOP, chat=True)
        stop = CHAT_STOP if python else CHAT_STOP[:1]
        return Wrapped(text=render_chat(self.template, user) + begun, stop=stop)

    def describe(self, code: str, language: str = "python") -> Wrapped:
        """Return the text that asks for a function's docstring: the direction code to text."""
        title, fence, mark = _signs(language)
        if self.kind == "raw":
            begun = '# Docstring\n"""' if language == "python" else f"{mark} Docstring:\n"
            stop = ('"""',) if language == "python" else ("\n\n",)
            return Wrapped(text=f"{code.strip()}\n\n{begun}", stop=stop)
        question = DESCRIBE_INSTRUCTION.format(title=title)
        return self._turn(f"{question}\n```{fence}\n{code.strip()}\n```", "", ())

    def repair(
        self, prompt: str, program: str, complaint: str, language: str = "python"
    ) -> Wrapped:
        """Return the text that asks for the function which `prompt` begins, after a wrong one."""
        title, fence, mark = _signs(language)
        asked = self.wrap(prompt, language)
        if self.kind == "raw":
            wrong = f"{program.strip()}\n\n\n{mark} This is wrong. What happened: {complaint}\n"
            return Wrapped(text=f"{wrong}{mark} Corrected:\n\n{asked.text}", stop=asked.stop)
        code = f"```{fence}\n{program.strip()}\n```"
        user = REPAIR_INSTRUCTION.format(title=title, complaint=complaint, code=code)
        return self._turn(user, f"```{fence}\n{prompt.strip()}\n", asked.stop)

    def infill(self, prefix: str, suffix: str, language: str = "python") -> Wrapped:
        """Return the text that asks for what stands between two parts of a function."""
        title, fence, mark = _signs(language)
        if self.kind == "raw" and self.infill_tokens:
            first, second, third = self.infill_tokens
            return Wrapped(text=f"{first}{prefix}{second}{suffix}{third}", stop=())
        code = f"{prefix}{mark} {GAP}\n{suffix.rstrip()}\n"
        if self.kind == "raw":
            return Wrapped(text=f"{code}\n\n{mark} The {GAP[1:-1]}:\n", stop=("\n\n\n",))
        question = INFILL_INSTRUCTION.format(title=title, gap=f"{mark} {GAP}")
        return self._turn(f"{question}\n```{fence}\n{code}```", f"```{fence}\n", ("```",))

    def calls(self, prompt: str, entry_point: str, count: int) -> Wrapped:
        """Return the text that asks for calls of a Python function; an answer begins in one."""
        begun = f"{entry_point}("
        if self.kind == "raw":
            text = f"{prompt.rstrip()}\n    ...\n\n\n# {count} calls with literal arguments:\n"
            return Wrapped(text=text + begun, stop=("\ndef ", "\nclass ", "\n\n\n"))
        question = CALLS_INSTRUCTION.format(count=count)
        return self._turn(
            f"{question}\n```python\n{prompt.strip()}\n    ...\n```",
            f"```python\n{begun}",
            ("```",),
        )

    def ask(self, question: str) -> Wrapped:
        """Return the text that asks a question in plain words."""
        if self.kind == "raw":
            return Wrapped(text=f"{question}\n\nAnswer:", stop=("\n\n",))
        return self._turn(question, "", ())

    def close(self, completion: str) -> str:
        r"""Return the answer with the closing fence that the stop string of `messages` took.

        >>> PromptForm(kind="messages").close("```\ndef f(): ...")
        '```\ndef f(): ...\n```'
        """
        is_open = len(re.findall(FENCE, completion, re.MULTILINE)) % 2 == 1
        return f"{completion}\n```" if self.kind == "messages" and is_open else completion

    def _turn(self, user: str, begun: str, stop: tuple[str, ...]) -> Wrapped:
        """Return a user's turn, and how the answer begins where that can be said."""
        if self.kind == "messages":
            return Wrapped(text=user, stop=(), chat=True)
        return Wrapped(text=render_chat(self.template, user) + begun, stop=stop)


def render_chat(template: str, user: str) -> str:
    """Return the conversation up to the beginning of the assistant's turn."""
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True)
    return environment.from_string(template).render(
        messages=[{"role": "user", "content": user}],
        add_generation_prompt=True,
        tools=None,
        bos_token="",
        eos_token="",
    )


def extract_solution(
    prompt: str, completion: str, entry_point: str, language: str = "python"
) -> str:
    r"""Return the program in a completion, or "" if there is none.

    The completion may be the rest of the function, the whole function, either of them inside a
    fenced block, with prose around it. Where the completion defines the entry point itself, what
    stands above the function in the prompt (imports, helpers) is put before it.
    """
    code = _code_of(completion)
    if not code.strip():
        return ""
    if language != "python":
        return assemble(prompt, code, entry_point, load_language(language))
    defined = re.search(rf"^(async\s+)?def\s+{re.escape(entry_point)}\b", code, re.MULTILINE)
    if defined and not code.lstrip("\n")[:1].isspace():
        return f"{_preamble(prompt, entry_point)}{_longest_valid(code, '')}\n"
    # the answer's first line may have lost the indentation that a prompt's end stood for
    head = prompt.rstrip() + "\n"
    candidates = (code, "    " + code.lstrip()) if not code[:1].isspace() else (code,)
    for candidate in candidates:
        if _parses(head + candidate):
            return f"{head}{candidate.rstrip()}\n"
    return f"{head}{_longest_valid(candidates[-1], head).rstrip()}\n"


def infill_tokens_of(tokenizer: Any) -> tuple[str, ...]:
    """Return a model's own tokens for filling in the middle, or none."""
    vocabulary = tokenizer.get_vocab()
    for tokens in INFILL_TOKENS:
        if all(token in vocabulary for token in tokens):
            return tokens
    return ()


def _signs(language: str) -> tuple[str, str, str]:
    """Return a language's title, the name of its fence, and what begins a comment."""
    if language == "python":
        return "Python", "python", "#"
    known = load_language(language)
    return known.title, known.fence, known.translation.comment


def _code_of(completion: str) -> str:
    """Return the first fenced block, or the text before a closing fence, or all of it."""
    fences = list(re.finditer(FENCE, completion, re.MULTILINE))
    if not fences:
        return completion
    first = fences[0]
    opens = first.group().strip() != "```" or (
        len(fences) > 1 and not _parses_as_body(completion[: first.start()])
    )
    if not opens:
        return completion[: first.start()]
    end = fences[1].start() if len(fences) > 1 else len(completion)
    return completion[first.end() : end].strip("\n")


def _preamble(prompt: str, entry_point: str) -> str:
    """Return what stands above the entry point in the prompt: imports, constants, helpers."""
    above = re.split(
        rf"^(?:async\s+)?def\s+{re.escape(entry_point)}\b", prompt, maxsplit=1, flags=re.MULTILINE
    )
    return above[0] if len(above) == 2 else ""


def _longest_valid(code: str, head: str) -> str:
    """Return `code` without the lines at its end that keep it from parsing, if that helps."""
    lines = code.rstrip().split("\n")
    for end in range(len(lines), 0, -1):
        if _parses(head + "\n".join(lines[:end])) and any(line.strip() for line in lines[:end]):
            return "\n".join(lines[:end])
    return code


def _parses(source: str) -> bool:
    """Return whether it compiles: `return` outside a function parses, but does not."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compile(source, "<completion>", "exec", dont_inherit=True)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True


def _parses_as_body(text: str) -> bool:
    """Return whether the text can stand as (the rest of) a function body."""
    if not text.strip():
        return False
    body = text if text[:1].isspace() else "    " + text
    return _parses("def _():\n" + body.strip("\n"))
