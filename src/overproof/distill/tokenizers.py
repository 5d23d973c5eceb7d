"""Teacher and student must encode alike: compared by what they encode, not by a size.

Sibling models pad their vocabulary to different sizes (151,936 and 152,064 rows for one and the
same tokenizer), so equal sizes prove nothing and unequal ones refute nothing.
"""

from typing import Any

from overproof.errors import EngineError

PROBES = (
    "def add(a: int, b: int) -> int:\n    return a + b\n",
    '    """Straße, naïve, 你好, 🐍, \\t tab and  two  spaces."""\n',
    "for i in range(10):\n\tprint(f'{i:>3} != {i**2}')\r\n",
)


def check_same_tokenizer(teacher: Any, student: Any) -> None:
    """Make sure that cached teacher tokens mean the same to the student.

    Raises: EngineError saying where they differ.
    """
    for probe in PROBES:
        ours = student.encode(probe, add_special_tokens=False)
        theirs = teacher.encode(probe, add_special_tokens=False)
        if ours != theirs:
            raise EngineError(
                f"teacher and student encode {probe[:30]!r} differently: {len(theirs)} tokens "
                f"{theirs[:4]}… against {len(ours)} tokens {ours[:4]}…",
                hint="choose a student with the teacher's tokenizer (same model family)",
            )
