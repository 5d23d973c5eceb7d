"""Read the log-probabilities of given text off servers, in the shapes in which they tell them.

Three ways, the best first; which of them a server knows is found out by asking:

    prompt   `prompt_logprobs`, one request: vLLM
    echo     `echo` with `logprobs`, one request: vLLM, SGLang, llama-cpp-python
    ahead    the server writes on, greedily, from within the target, and tells log-probabilities of
             what it writes; where it writes something else, it is asked again from the next token
             of the target: llama-server, and whatever else takes token ids and tells `logprobs`

The third takes one request for a text that the model itself would write, and as many more as there
are tokens that it would not. There, the target's own token is known only where it is among the K.

Tokens are sent as ids, so that server and tokenizer cannot disagree on where they end; what the
server calls them is compared with the tokenizer all the same. Tokens that are told by their text,
and that several ids share, are left out: their mass counts as the tail.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from overproof.errors import EngineError

WAYS = ("prompt", "echo", "ahead")
BY_ID = "token_id:"
"""What vLLM puts before the number of a token that it tells by id."""
NOTHING = -9999.0
"""vLLM's word for minus infinity; it also fills lists with it."""
BROKEN = "\ufffd"
"""Stands for bytes that are no whole character."""
FIRST_WINDOW, LARGEST_WINDOW = 8, 64
"""Tokens that a server writes ahead in one request."""

Row = dict[int, float]
"""Log-probability by token id, for one place of a text."""
Write = Callable[[list[int], int], "list[Told]"]
"""From token ids and a number of tokens to what a server tells of those that it writes."""


@dataclass(frozen=True)
class Told:
    """What a server tells of one token: its id, if known, and the likeliest in its place."""

    id: int | None
    row: Row


class TokenNames:
    """A tokenizer, for what servers call its tokens."""

    def __init__(self, tokenizer: Any) -> None:
        """Keep the tokenizer."""
        self.tokenizer = tokenizer
        self.size = len(tokenizer)
        self._known: dict[str, int | None] = {}

    def encode(self, text: str) -> list[int]:
        """Return the ids of a text, with no special tokens but those it spells out."""
        return list(self.tokenizer.encode(text, add_special_tokens=False))

    def id_of(self, name: str | int) -> int | None:
        """Return the id of a token that is told by number or by text; None if it is not one id."""
        if isinstance(name, int):
            return self._within(name)
        if name.startswith(BY_ID):
            return self._within(int(name.removeprefix(BY_ID)))
        if name not in self._known:
            ids = [] if BROKEN in name else self.encode(name)
            self._known[name] = self._within(ids[0]) if len(ids) == 1 else None
        return self._known[name]

    def check(self, token: int, name: str) -> None:
        """Make sure that a server calls a token by its text. Raises: EngineError."""
        ours = str(self.tokenizer.decode([token], clean_up_tokenization_spaces=False))
        if not name or BROKEN in name + ours or name.strip() == ours.strip():
            return  # part of a character, or a token that is not shown
        if name != f"{BY_ID}{token}":
            raise EngineError(
                f"token {token} is {ours!r} for the tokenizer and {name!r} for the server",
                hint="name the tokenizer of the model that is served",
            )

    def _within(self, token: int) -> int | None:
        return token if 0 <= token < self.size else None


def read_prompt(
    choice: dict[str, Any], start: int, gold: Sequence[int], names: TokenNames
) -> list[Row] | None:
    """Return the rows of vLLM's `prompt_logprobs` from `start` on; None if there are none.

    Raises: EngineError if they are not those of the text.
    """
    listed = choice.get("prompt_logprobs")
    if not isinstance(listed, list) or len(listed) < start + len(gold):
        return None
    rows = []
    for token, found in zip(gold, listed[start:], strict=False):
        told = found.get(str(token)) if isinstance(found, dict) else None
        if not isinstance(told, dict):
            raise _foreign(f"prompt_logprobs without token {token} of the text")
        names.check(token, str(told.get("decoded_token") or ""))
        row = {int(known): _number(entry["logprob"]) for known, entry in found.items()}
        rows.append(_cleaned(row, names, token))
    return rows


def read_echo(
    choice: dict[str, Any], start: int, gold: Sequence[int], names: TokenNames
) -> list[Row] | None:
    """Return the rows of echoed text from `start` on; None if it was not echoed.

    Raises: EngineError if they are not those of the text.
    """
    told = _listed(choice)
    if len(told) < start + len(gold):
        return None
    rows = []
    for token, listed in zip(gold, told[start:], strict=False):
        if listed.id not in (None, token):
            raise _foreign(f"token {listed.id} where the text has {token}")
        names.check(token, listed.text)
        rows.append(_cleaned({**_by_id(listed.others, names), token: listed.logprob}, names, token))
    return rows


def read_written(choice: dict[str, Any], names: TokenNames) -> list[Told]:
    """Return what a server tells of the tokens that it wrote; nothing if it does not.

    Raises: EngineError if they are not the tokenizer's.
    """
    found = []
    for listed in _listed(choice):
        token = names.id_of(listed.text) if listed.id is None else listed.id
        row = _by_id(listed.others, names)
        if token is not None:
            names.check(token, listed.text)
            row[token] = listed.logprob
        found.append(Told(token, _cleaned(row, names, token)))
    return found


def read_ahead(write: Write, before: list[int], gold: list[int]) -> list[Row]:
    """Return a row per token of `gold` after `before`, from a server that only writes on.

    Raises: EngineError if the server tells nothing of what it writes.
    """
    rows: list[Row] = []
    window = FIRST_WINDOW
    while len(rows) < len(gold):
        place = len(rows)
        told = write([*before, *gold[:place]], min(window, len(gold) - place))
        expected = gold[place : place + len(told)]
        agreed = 0
        while agreed < len(expected) and told[agreed].id == expected[agreed]:
            agreed += 1
        # the row in which they part is still one about the text: only what comes after is not
        usable = [entry.row for entry in told[: min(agreed + 1, len(expected))]]
        if not usable:
            raise cannot_read()
        rows += usable
        window = min(LARGEST_WINDOW, 2 * window) if agreed == len(expected) else agreed + 2
    if gold and not any(rows):
        raise cannot_read()
    return rows


def cannot_read() -> EngineError:
    """Return the error for a server that tells nothing of given text."""
    return EngineError(
        "the server tells no log-probabilities of given text, so it cannot be the teacher",
        hint="vLLM does (prompt_logprobs), SGLang and llama-cpp-python (echo), and llama-server; "
        "or run the teacher here: models.engine=ctranslate2",
    )


@dataclass(frozen=True)
class _Listed:
    """One token of an answer: its id, if told, its text, and the likeliest in its place."""

    id: int | None
    text: str
    logprob: float
    others: dict[str | int, float]


def _listed(choice: dict[str, Any]) -> list[_Listed]:
    """Return the tokens of an answer, from either of OpenAI's two shapes."""
    told = choice.get("logprobs")
    if not isinstance(told, dict):
        return []
    try:
        if isinstance(content := told.get("content"), list):
            return [_of_chat(entry) for entry in content]
        rivals = told.get("top_logprobs") or [None] * len(told["tokens"])
        return [
            _Listed(None, str(text), _number(logprob), dict(others or {}))
            for text, logprob, others in zip(
                told["tokens"], told["token_logprobs"], rivals, strict=True
            )
        ]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise _foreign(f"log-probabilities of no known shape ({error})") from None


def _of_chat(entry: dict[str, Any]) -> _Listed:
    others = entry.get("top_logprobs") or []
    return _Listed(
        entry.get("id"),
        str(entry["token"]),
        _number(entry["logprob"]),
        {other.get("id", other["token"]): _number(other["logprob"]) for other in others},
    )


def _by_id(others: dict[str | int, float], names: TokenNames) -> Row:
    """Return what is told of the tokens that are one id."""
    found = ((names.id_of(name), float(logprob)) for name, logprob in others.items())
    return {token: logprob for token, logprob in found if token is not None}


def _cleaned(row: Row, names: TokenNames, token: int | None) -> Row:
    """Return a row without what fills lists, and without ids that encode nothing."""
    return {
        known: logprob
        for known, logprob in row.items()
        if known == token or (logprob > NOTHING and 0 <= known < names.size)
    }


def _number(logprob: float | None) -> float:
    return NOTHING if logprob is None else float(logprob)


def _foreign(what: str) -> EngineError:
    return EngineError(f"the server told {what}", hint="which server is it, in which version?")
