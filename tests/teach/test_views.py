"""Prompts of the four views, and the cut that fills in the middle."""

import ast
import textwrap

import pytest

from overproof.engines.prompts import INFILL_TOKENS, PromptForm, infill_tokens_of
from overproof.errors import DataError
from overproof.records import Pair, View
from overproof.teach.views import MATERIAL, code_target, cut_middle, lesson_prompt

TEMPLATE = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
CHAT = PromptForm(kind="chat", template=TEMPLATE)
BRIEF = PromptForm(kind="brief", template=TEMPLATE)
RAW = PromptForm(kind="raw")
PROMPT = 'def half(n):\n    """Return half."""\n'
WRONG = PROMPT + "    return n * 2\n"
COMPLAINT = "wrong_answer: example 1 of 1, half(4): expected 2, got 8"
PARTS: dict[View, tuple[str, ...]] = {
    "text_to_code": (PROMPT,),
    "code_to_text": ("def half(n):\n    return n // 2\n",),
    "repair": (PROMPT, WRONG, COMPLAINT),
    "fill_in_middle": (PROMPT, "    return n\n"),
}


@pytest.mark.parametrize("form", [CHAT, BRIEF, RAW], ids=lambda form: form.kind)
@pytest.mark.parametrize("view", MATERIAL)
def test_all_material_is_shown_and_the_target_goes_on_below(view: View, form: PromptForm) -> None:
    text = lesson_prompt(view, PARTS[view], form)
    for part in PARTS[view]:
        assert part.strip() in text
    assert "<|im_start|>" not in text or text.count("<|im_start|>assistant\n") == 1
    assert text.endswith("\n") or view == "code_to_text"


@pytest.mark.parametrize("form", [CHAT, BRIEF, RAW], ids=lambda form: form.kind)
@pytest.mark.parametrize("view", ["text_to_code", "repair"])
def test_prompt_and_body_are_a_program(view: View, form: PromptForm) -> None:
    text = lesson_prompt(view, PARTS[view], form) + code_target("    return n // 2\n\n")
    program = text[text.rindex("def half") :].removesuffix("\n```")
    scope: dict[str, object] = {}
    exec(program, scope)
    assert scope["half"](4) == 2  # type: ignore[operator]


def test_a_perturbed_prompt_takes_the_place_of_the_first_material() -> None:
    assert "Retrun" in lesson_prompt("text_to_code", (PROMPT.replace("Return", "Retrun"),), CHAT)


def test_another_language_is_called_by_its_name() -> None:
    text = lesson_prompt("code_to_text", ("function f(){}",), CHAT, "javascript")
    assert "JavaScript function" in text and "```javascript" in text
    assert "// <missing lines>" in lesson_prompt("fill_in_middle", ("a", "b"), RAW, "javascript")


def test_a_models_own_tokens_fill_in_the_raw_form() -> None:
    first, second, third = INFILL_TOKENS[0]
    form = PromptForm(kind="raw", infill_tokens=INFILL_TOKENS[0])
    assert lesson_prompt("fill_in_middle", ("a\n", "c\n"), form) == f"{first}a\n{second}c\n{third}"
    chat = PromptForm(kind="chat", template=TEMPLATE, infill_tokens=INFILL_TOKENS[0])
    assert first not in lesson_prompt("fill_in_middle", ("a\n", "c\n"), chat)


@pytest.mark.models
def test_tokens_for_filling_in_are_found_in_the_vocabulary() -> None:
    from tokenizers import Tokenizer, models

    from overproof.engines.prepare import load_tokenizer
    from overproof.models import resolve_model

    assert infill_tokens_of(load_tokenizer(resolve_model("smollm2-135m-instruct"))) == ()
    words = {token: number for number, token in enumerate(INFILL_TOKENS[1])}
    assert (
        infill_tokens_of(Tokenizer(models.WordLevel(words, INFILL_TOKENS[1][0])))
        == (INFILL_TOKENS[1])
    )


def test_material_of_an_older_row_is_refused() -> None:
    with pytest.raises(DataError, match="got 0 parts") as caught:
        lesson_prompt("repair", (), CHAT)
    assert "lessons.jsonl" in caught.value.hint


PROGRAMS = {
    "plain": """
def f(x):
    y = x + 1
    z = y * 2
    return z
""",
    "documented": '''
def f(x):
    """Do it."""
    y = x
    return y
''',
    "nested": """
def f(x):
    for i in x:
        if i:
            a = i
            b = a
        else:
            b = 0
    return b
""",
    "elif": """
def f(x):
    if x:
        a = 1
    elif x is None:
        a = 2
        b = 3
    return a
""",
    "try": """
def f(x):
    try:
        y = g(x)
    except ValueError:
        y = 0
    finally:
        h()
    return y
""",
    "match": """
def f(x):
    match x:
        case 1:
            y = 2
            z = 3
        case _: y = 0
    return y
""",
    "head of two lines": """
def f(x):
    if (x and
            x > 1): y = 1
    else: y = 2
    z = y
    return z
""",
    "two on a line": """
def f(x):
    a = 1; b = 2
    c = 3
    return a + b + c
""",
    "long string": '''
def f(x):
    text = """
one
two
"""
    more = x
    return text + more
''',
    "decorated": """
def f(x):
    @g
    def h():
        return x
    y = h()
    return y
""",
    "around": """
import os


def f(x):
    y = os.sep
    z = y
    return z


TAIL = f(1)
""",
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_middle_is_whole_statements_and_the_parts_are_the_program(name: str) -> None:
    program = PROGRAMS[name]
    cuts = {cut_middle(program, "f", seed) for seed in range(40)}
    assert None not in cuts
    for cut in cuts:
        assert cut is not None
        before, middle, after = cut
        assert before + middle + after == program
        assert before.endswith("\n") and middle.endswith("\n")
        ast.parse(textwrap.dedent(middle))
        assert "def f(x):\n" in before and after.strip()
        assert '"""Do it."""' not in middle
        assert middle.count("\n") <= 0.6 * program.count("\n")
    assert len(cuts) > 1 or name in ("documented", "long string", "head of two lines")
    assert cut_middle(program, "f", 3) == cut_middle(program, "f", 3)


@pytest.mark.parametrize(
    "program",
    [
        "def f(x):\n    return x\n",  # nothing would follow
        "def f(x): return x\n",
        "def g(x):\n    y = x\n    return y\n",  # another function
        "def f(x:\n",
        "def f(x):\n    y = x\x0c\n    return y\n",  # lines end elsewhere too
        "",
    ],
)
def test_what_has_no_middle_is_left_out(program: str) -> None:
    assert cut_middle(program, "f", 0) is None


def test_every_pair_of_statements_has_a_middle(pairs: list[Pair]) -> None:
    assert all(cut_middle(pair.prompt + pair.body, pair.name, 0) for pair in pairs)
