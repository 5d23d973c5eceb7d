import pytest

from overproof.engines.prompts import PromptForm, extract_solution, render_chat
from overproof.engines.protocol import cut_at_stop

TEMPLATE = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
PROMPT = 'import math\n\n\ndef area(r):\n    """Area of a circle."""\n'
BODY = "    return math.pi * r ** 2"
WHOLE = f"{PROMPT}{BODY}"


def run(program: str) -> float:
    scope: dict[str, object] = {}
    exec(program, scope)
    return scope["area"](2)  # type: ignore[operator, no-any-return]


@pytest.mark.parametrize(
    "completion",
    [
        BODY,
        f"{BODY}\n",
        BODY.lstrip(),  # the first indentation was part of the prompt's last token
        f"{BODY}\n```\nThis returns the area.",
        f"```python\n{WHOLE}\n```",
        f"Sure! Here it is:\n\n```python\n{WHOLE}\n```\nIt uses pi.",
        f"```python\ndef area(r):\n{BODY}\n```",  # without the import
        f"```python\ndef area(r):\n{BODY}",  # the fence was never closed
        f"```py\n{WHOLE}\n```\n\n```python\nprint(area(1))\n```",
        f"def area(r):\n{BODY}\n",
        f"{BODY}\n\n\ndef area_of_two(a, b):\n    return area(a) + area(b",  # cut off
        f"{BODY}\n\n\ndef area(r):\n{BODY}\n",  # wrote the body, then all of it again
        f"```\n{WHOLE}\n```",
    ],
)
def test_the_program_is_found_in_every_usual_answer(completion: str) -> None:
    assert run(extract_solution(PROMPT, completion, "area")) == pytest.approx(12.566, abs=0.01)


@pytest.mark.parametrize("completion", ["", "  \n", "```python\n```", "```\n"])
def test_no_code_gives_an_empty_program(completion: str) -> None:
    assert extract_solution(PROMPT, completion, "area") == ""


def test_a_half_written_body_is_continued() -> None:
    prompt = PROMPT + "    squared = r ** 2\n"
    program = extract_solution(prompt, "    return math.pi * squared", "area")
    assert run(program) == pytest.approx(12.566, abs=0.01)


def test_helpers_above_the_function_come_along() -> None:
    prompt = 'def double(x):\n    return 2 * x\n\n\ndef area(r):\n    """Doubles."""\n'
    program = extract_solution(prompt, "```python\ndef area(r):\n    return double(r)\n```", "area")
    assert run(program) == 4


CHAT = PromptForm(kind="chat", template=TEMPLATE)
BRIEF = PromptForm(kind="brief", template=TEMPLATE)
RAW = PromptForm(kind="raw")


@pytest.mark.parametrize("form", [CHAT, BRIEF])
def test_the_answer_is_begun_with_the_prompt(form: PromptForm) -> None:
    wrapped = form.wrap(PROMPT)
    assert wrapped.text.endswith(f"<|im_start|>assistant\n```python\n{PROMPT.strip()}\n")
    assert wrapped.text.count("def area") == (2 if form is CHAT else 1)
    assert "```" in wrapped.stop


def test_the_raw_form_leaves_no_white_space_at_the_end() -> None:
    assert RAW.wrap("def f():\n    ").text == "def f():"


def test_describing_shows_the_code_and_not_the_target() -> None:
    assert "def area" in CHAT.describe("def area(r):\n    return r").text
    assert RAW.describe("def area(r):\n    return r").text.endswith('"""')


@pytest.mark.parametrize("form", [CHAT, BRIEF, RAW, PromptForm(kind="messages")])
def test_calls_are_asked_for_and_begun_where_that_can_be(form: PromptForm) -> None:
    wrapped = form.calls(PROMPT, "area", 3)
    assert PROMPT.strip() in wrapped.text
    assert "3 " in wrapped.text
    assert wrapped.chat == (form.kind == "messages")
    assert wrapped.text.endswith("area(") == (not wrapped.chat)


def test_a_repair_is_asked_with_what_happened() -> None:
    for form in (CHAT, RAW, PromptForm(kind="messages")):
        wrapped = form.repair(PROMPT, WHOLE, "area(2): expected 12, got {4}")
        assert WHOLE.strip() in wrapped.text
        assert "area(2): expected 12, got {4}" in wrapped.text
    assert CHAT.repair(PROMPT, WHOLE, "x").stop == CHAT.wrap(PROMPT).stop
    assert CHAT.repair(PROMPT, WHOLE, "x").text.endswith(f"```python\n{PROMPT.strip()}\n")


def test_a_template_cannot_run_code() -> None:
    with pytest.raises(Exception, match=r"unsafe|undefined"):
        render_chat("{{ ''.__class__.__mro__[1].__subclasses__() }}", "hi")


@pytest.mark.parametrize(
    ("text", "expected"),
    [("a```b", ("a", True)), ("ab", ("ab", False)), ("a\nif __name__ b```", ("a", True))],
)
def test_text_is_cut_before_the_first_stop(text: str, expected: tuple[str, bool]) -> None:
    assert cut_at_stop(text, ("```", "\nif __name__")) == expected
