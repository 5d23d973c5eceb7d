"""How the source of pairs is written in a recipe or on the command line.

    stdlib                       the standard library of the running Python
    installed, installed:NAME    every installed distribution, or one of them
    FOLDER, FILE.py, FILE.rs …   source code, in the languages that are asked for
    FILE.jsonl, FILE.parquet     rows, one pair each; also .jsonl.gz, .json; `*` and `?` match names
    mbpp:FILE[:SPLIT]            MBPP by its published split: train, validation, test, prompt, all
    hub:OWNER/NAME[/CONFIG][:SPLIT]   a data set of the hub; the split is train if none is named

Any of them may end in `#limit=N`, `#licence=NAME`, or both with `&` between: take that many
pairs at most, and this licence for what does not tell its own. `#licence=user` says that its
licence is the user's business.

    >>> parse_source("hub:google-research-datasets/mbpp/full:train#limit=9").limit
    9
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from overproof.errors import UnknownNameError, UsageError
from overproof.pairs.licences import is_usable, recognise

Kind = Literal["tree", "rows", "mbpp", "hub"]

ROW_SUFFIXES = (".jsonl", ".jsonl.gz", ".json", ".json.gz", ".parquet")
MBPP_SPLITS = {
    "prompt": range(1, 11),
    "test": range(11, 511),
    "validation": range(511, 601),
    "train": range(601, 975),
    "all": range(1, 975),
}
"""Task ids. Source: Austin et al. 2021, "Program Synthesis with Large Language Models"."""


@dataclass(frozen=True, kw_only=True)
class SourceSpec:
    """One source of pairs, taken apart."""

    text: str
    """As it was written."""
    kind: Kind
    place: str
    """What mining.py takes, a path with wild cards, or OWNER/NAME[/CONFIG]."""
    split: str = ""
    limit: int | None = None
    licence: str = ""
    """For what does not tell its own; empty if the user said nothing."""


def parse_source(text: str) -> SourceSpec:
    """Take a source apart; whether it exists is seen when it is read.

    Raises: UsageError for an option or split that makes no sense; UnknownNameError for an
    unknown one.
    """
    place, options = text, dict[str, str]()
    if "#" in text and not Path(text).exists():
        place, _, rest = text.rpartition("#")
        options = _options(rest, text)
    kind: Kind = "tree"
    split = ""
    if place.startswith("mbpp:"):
        kind, place = "mbpp", place.removeprefix("mbpp:")
        head, _, tail = place.rpartition(":")
        place, split = (place, "train") if tail.endswith(ROW_SUFFIXES) else (head, tail)
        if split not in MBPP_SPLITS:
            raise UnknownNameError("split of MBPP", split, MBPP_SPLITS)
    elif place.startswith("hub:"):
        kind = "hub"
        place, _, split = place.removeprefix("hub:").partition(":")
        if place.count("/") not in (1, 2) or "" in place.split("/"):
            raise UsageError(
                f"source {text!r} names no data set", hint="hub:OWNER/NAME[/CONFIG][:SPLIT]"
            )
    elif place.endswith(ROW_SUFFIXES):
        kind = "rows"
    return SourceSpec(
        text=text,
        kind=kind,
        place=place,
        split=split,
        limit=_limit(options, text),
        licence=checked_licence(options.get("licence", "")),
    )


def checked_licence(stated: str) -> str:
    """Return the licence that a user states, as licences.py writes it; empty stays empty.

    Raises: UsageError if it is neither a permissive one nor `user`.
    """
    licence = recognise(stated) or stated
    if licence and not is_usable(licence):
        raise UsageError(
            f"licence {stated!r} is not a permissive one that is known here",
            hint="an SPDX identifier such as MIT or CC-BY-4.0; `user` if you answer for it",
        )
    return licence


def _options(rest: str, text: str) -> dict[str, str]:
    options: dict[str, str] = {}
    for part in rest.split("&"):
        name, equals, value = part.partition("=")
        if name not in ("limit", "licence"):
            raise UnknownNameError(f"option of source {text!r}:", name, ("limit", "licence"))
        if not equals or not value:
            raise UsageError(f"source {text!r}: {name} has no value", hint=f"#{name}=VALUE")
        options[name] = value
    return options


def _limit(options: Mapping[str, str], text: str) -> int | None:
    if "limit" not in options:
        return None
    value = options["limit"]
    if not value.isdecimal() or int(value) < 1:
        raise UsageError(
            f"source {text!r}: limit is {value!r}, no number from 1", hint="#limit=100"
        )
    return int(value)
