"""Sets of operators by name, and the operators of other suites under their own names.

    recode          ReCode's 28, named and dosed as there (Wang et al. 2023, arXiv 2212.10264)
    nlperturbator   NLPerturbator's 18 categories and 3 pairs (Chen et al. 2024, arXiv 2406.19783)
    quick           eight that cover the families at the least cost, chosen by measurement
    all             every operator of ours that needs no model

A name such as `ButterFingersPerturbation` or `A1` is an operator like any other: our function,
with their share of letters or words, so that two tables can be laid side by side. What differs
from theirs is written beside each; all of ours are certified, and theirs were not.

    >>> get_preset("recode")[1]
    'ButterFingersPerturbation'
    >>> alias("E1").intensity
    0.03

Some of theirs are written by a model there and here: they are part of the preset only where a
writer is named, else they are counted as left out.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from overproof.errors import UnknownNameError
from overproof.perturbation.draft import Operator
from overproof.perturbation.operators import OPERATORS


@dataclass(frozen=True)
class Alias:
    """An operator of another suite: which of ours it is, and at which share."""

    ours: str
    intensity: float | None = None
    """None for our operator's own."""
    differs: str = ""
    """Where ours does something else than theirs."""


RECODE = {
    "BackTranslation": Alias("back_translation", differs="any language model in place of FSMT"),
    "ButterFingersPerturbation": Alias("keyboard_typos", 0.05),
    "ChangeCharCase": Alias("change_case", 0.35),
    "EnglishInflectionalVariation": Alias("inflect_words"),
    "SwapCharactersPerturbation": Alias("swap_characters", 0.05),
    "SynonymInsertion": Alias("synonym_insertion", 0.5),
    "SynonymSubstitution": Alias("synonym_substitution", 0.5),
    "TenseTransformationPast": Alias("tense_past"),
    "TenseTransformationFuture": Alias("tense_future"),
    "WhitespacePerturbation": Alias("whitespace_noise"),
    "FuncRenameCamelCase": Alias("camel_case"),
    "FuncRenameButterFinger": Alias("name_keyboard_typo"),
    "FuncRenameSwapChar": Alias("name_swap_characters"),
    "FuncRenameChangeChar": Alias("name_change_case", 0.35),
    "FuncRenameInflectionalVariation": Alias("name_inflect"),
    "FuncRenameSynonymSub": Alias("name_synonym"),
    "DeadCodeInserter": Alias("dead_code"),
    "ForWhileTransformer": Alias("for_to_while"),
    "OperandSwap": Alias("operand_swap"),
    "VarRenamerCB": Alias("rename_variable_natural", differs="no CodeBERT: names of the same role"),
    "VarRenamerNaive": Alias("rename_variable_naive"),
    "VarRenamerRN": Alias("rename_variable_random"),
    "new_lines": Alias("half_blank_lines", 0.5),
    "tab_indent": Alias("half_indent_with_tabs"),
    "split_lines": Alias("half_split_long_lines"),
    "doc2comments": Alias("half_docstring_to_comments"),
    "new_line_aftercode": Alias("half_blank_line_after_code"),
    "new_line_afterdoc": Alias("half_blank_line_after_docstring"),
}

NLPERTURBATOR = {
    "A1": Alias("spaces_between_words", 0.15),
    "A2": Alias("spaces_within_words", 0.15),
    "A3": Alias("repeat_words", 0.15),
    "A4": Alias("repeat_characters", 0.15),
    "D1": Alias("delete_characters", 0.05),
    "D2": Alias("delete_prepositions", 0.15),
    "D3": Alias("delete_determiners", 0.15),
    "D4": Alias("delete_spaces", 0.15),
    "E1": Alias("keyboard_typos", 0.03),
    "E2": Alias("extra_capitals", 0.03),
    "E3": Alias("change_person", 0.35),
    "E4": Alias("passive_voice", differs="the sentence is turned, all of them"),
    "E5": Alias("word_class", 0.35),
    "E6": Alias("synonym_substitution", 0.25),
    "S1": Alias("swap_characters", 0.05),
    "S2": Alias("swap_words", 0.05),
    "P1": Alias("paraphrase", differs="any language model in place of Parrot"),
    "P2": Alias("as_question", differs="by rule in place of a language model"),
    "C1": Alias("spaces_and_typos"),
    "C2": Alias("repeats_and_typos"),
    "C3": Alias("deletions_and_typos"),
}

QUICK: tuple[str, ...] = (
    "docstring_to_comments",
    "indent_with_tabs",
    "rename_variables",
    "passive_voice",
    "change_case",
    "name_misleading",
    "misleading_hint",
    "all_structural",
)
"""In the order of families; `benchmarks/quick_operators.py` measures and chooses."""

ALIASES = RECODE | NLPERTURBATOR
PRESETS = ("recode", "nlperturbator", "quick", "all")


def get_preset(name: str) -> tuple[str, ...]:
    """Return the names of a preset's operators; those that need a model are among them.

    Raises: UnknownNameError.
    """
    if name == "recode":
        return tuple(RECODE)
    if name == "nlperturbator":
        return tuple(NLPERTURBATOR)
    if name == "quick":
        return QUICK
    if name == "all":
        controls = {"null", *(operator.control for operator in OPERATORS.values())}
        return tuple(each for each in OPERATORS if each not in controls)
    raise UnknownNameError("preset", name, PRESETS)


def expand(names: Iterable[str]) -> tuple[str, ...]:
    """Return the operators that a list of operators and presets names, once each.

    >>> expand(["null", "camel_case", "null"])
    ('null', 'camel_case')
    """
    found: dict[str, None] = {}
    for name in names:
        found.update(dict.fromkeys(get_preset(name) if name in PRESETS else [name]))
    return tuple(found)


def names_in(text: str) -> list[str]:
    """Return the names in a comma-separated list.

    >>> names_in("quick, null,")
    ['quick', 'null']
    """
    return [part.strip() for part in text.split(",") if part.strip()]


def alias(name: str) -> Operator | None:
    """Return another suite's operator under its own name; None if there is none of that name.

    Its random stream is its own: the same seed gives another draw than our operator's.
    """
    found = ALIASES.get(name)
    if found is None or found.ours not in OPERATORS:
        return None
    ours = OPERATORS[found.ours]
    intensity = ours.intensity if found.intensity is None else found.intensity
    suite = "ReCode" if name in RECODE else "NLPerturbator"
    return replace(ours, name=name, source=suite, intensity=intensity)
