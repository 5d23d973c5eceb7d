r"""What a variant changed, to be read: words taken out and put in.

>>> marked(word_difference("Return the sum.", "Retrun the the sum."))
'[-Return-]{+Retrun the+} the sum.'
"""

import difflib
import re
from collections.abc import Sequence
from typing import Literal, NamedTuple

TOKEN = re.compile(r"\w+|\n|[^\S\n]+|[^\w\s]")


class Piece(NamedTuple):
    """A stretch of text that stayed, went or came."""

    kind: Literal["same", "gone", "new"]
    text: str


def word_difference(before: str, after: str) -> list[Piece]:
    """Return the pieces that turn one text into the other, word by word."""
    old, new = TOKEN.findall(before), TOKEN.findall(after)
    matcher = difflib.SequenceMatcher(None, old, new, autojunk=False)
    pieces: list[Piece] = []
    for tag, start, end, new_start, new_end in matcher.get_opcodes():
        if tag == "equal":
            pieces.append(Piece("same", "".join(old[start:end])))
            continue
        if start < end:
            pieces.append(Piece("gone", "".join(old[start:end])))
        if new_start < new_end:
            pieces.append(Piece("new", "".join(new[new_start:new_end])))
    return pieces


def marked(pieces: Sequence[Piece]) -> str:
    """Return the pieces as one text, [-gone-] and {+new+}, for terminals without colours."""
    marks = {"same": "{}", "gone": "[-{}-]", "new": "{{+{}+}}"}
    return "".join(marks[piece.kind].format(piece.text) for piece in pieces)
