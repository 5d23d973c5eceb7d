r"""The Modelfile from which Ollama makes a model of a GGUF file: the chat template in Go.

    ollama create coder -f Modelfile && ollama run coder

Ollama cannot run Jinja: the template is written for the families whose turns are known here, if
the model's own template renders a probe the way they do; for others, Ollama's own guess is kept.

>>> turn = "<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n"
>>> begun = "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
>>> family_of("{% for m in messages %}" + turn + "{% endfor %}" + begun).name
'ChatML'
"""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Family:
    """How the turns of a conversation are written."""

    name: str
    turn: str
    """One turn, with {role} and {text}."""
    answer: str
    """What begins the assistant's turn."""
    end: str
    """What ends a turn: a stop string."""


FAMILIES = (
    Family(
        "ChatML",
        "<|im_start|>{role}\n{text}<|im_end|>\n",
        "<|im_start|>assistant\n",
        "<|im_end|>",
    ),
    Family(
        "Llama 3",
        "<|start_header_id|>{role}<|end_header_id|>\n\n{text}<|eot_id|>",
        "<|start_header_id|>assistant<|end_header_id|>\n\n",
        "<|eot_id|>",
    ),
)
PROBE = (("system", "Be brief."), ("user", "One?"), ("assistant", "Two."), ("user", "Three?"))


def family_of(template: str) -> Family | None:
    """Return the family that writes turns as this Jinja template does, or None."""
    rendered = _render(template, PROBE)
    for family in FAMILIES:
        turns = "".join(family.turn.format(role=role, text=text) for role, text in PROBE)
        if rendered == turns + family.answer:
            return family
    return None


def default_system(template: str, family: Family) -> str:
    """Return the system message that a template puts in where none is given, or ""."""
    rendered = _render(template, PROBE[1:2])
    expected = family.turn.format(role="user", text=PROBE[1][1]) + family.answer
    before, after = family.turn.format(role="system", text="\0").split("\0")
    head = rendered.removesuffix(expected)
    if head == rendered or not (head.startswith(before) and head.endswith(after)):
        return ""
    return head[len(before) : len(head) - len(after)]


def modelfile(file: str, template: str, licence: str = "") -> str:
    """Return a Modelfile for a GGUF file in the same folder.

    Source: Ollama, docs/modelfile.md: FROM, TEMPLATE, SYSTEM, PARAMETER, LICENSE.
    """
    lines = [f"FROM ./{file}", "PARAMETER temperature 0"]
    family = family_of(template) if template else None
    if not template:
        lines.append('TEMPLATE """{{ .Prompt }}"""')
    elif family is None:
        lines.append("# TEMPLATE: not known here; Ollama reads it from the file, as far as it can")
    else:
        lines.append(f'TEMPLATE """{_in_go(family)}"""')
        lines.append(f'PARAMETER stop "{family.end}"')
        if system := default_system(template, family):
            lines.append(f'SYSTEM """{system}"""')
    if licence:
        lines.append(f'LICENSE """{licence}"""')
    return "\n".join(lines) + "\n"


def _in_go(family: Family) -> str:
    """Return the template over all messages, the system's own first."""
    system = family.turn.format(role="system", text="{{ .System }}")
    turn = family.turn.format(role="{{ .Role }}", text="{{ .Content }}")
    return (
        f"{{{{ if .System }}}}{system}{{{{ end }}}}"
        f'{{{{ range .Messages }}}}{{{{ if ne .Role "system" }}}}{turn}{{{{ end }}}}{{{{ end }}}}'
        f"{family.answer}"
    )


def _render(template: str, turns: Any) -> str:
    """Return a conversation up to the beginning of the assistant's turn; "" if it cannot be."""
    from jinja2.exceptions import TemplateError
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True)
    messages = [{"role": role, "content": text} for role, text in turns]
    try:
        return environment.from_string(template).render(
            messages=messages, add_generation_prompt=True, tools=None, bos_token="", eos_token=""
        )
    except (TemplateError, TypeError):
        return ""
