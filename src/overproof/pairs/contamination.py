"""Pairs that overlap with the problems of a suite are removed, and a certificate says which.

A pair is removed by the first of these rules that holds for it and any problem:

`docstring`  the words of its text, without worked examples, are those of a docstring in the
             problem's prompt;
`tree`       one of its functions has the tree of a function of the problem's prompt and
             canonical solution, up to the names that they bind;
`text`       its text and the problem's prompt share `n` words in a row;
`code`       its code and the problem's, docstrings apart, share `n` tokens in a row, or it holds
             at least `min_code_share` of all such runs in the canonical solution;
`name`       it is called like the entry point, up to case and underscores, and the words of
             the two descriptions have a Jaccard index of at least `min_similarity`;
`near_text`  the words of the two descriptions have a Jaccard index of at least `min_jaccard`;
`near_code`  so have the runs of `near_code_run` tokens of its body and the canonical solution,
             where names are all alike, except of members and of what is called.

Runs of words or tokens that any two programs may share are boilerplate and prove nothing: a
run counts only if it holds enough different *content* words, that is words of three letters or
more which are no keyword, no builtin or method of one, no English function word and no word of
docstring headings (`COMMON`). Candidates of the last two rules come from MinHash, what they are
removed for is the exact index. A problem that was translated counts in both languages.

Covered: copies, copies with other names or formatting, quotes inside longer texts, descriptions
and programs with a few words or lines changed, and, through `name`, short descriptions told in
other words.
Not covered: paraphrases under another name, translations of the code from another language, and
code that was restructured as well as renamed.

    >>> decontaminate([], []).certificate.pairs_out
    0
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from overproof.errors import UsageError
from overproof.pairs.certificates import (
    CERTIFICATE_VERSION,
    ContaminationCertificate,
    Removal,
    pairs_content,
    summarise_suites,
)
from overproof.pairs.near import PERMUTATIONS, SEED, bands
from overproof.pairs.overlap import COMMON, OverlapIndex, OverlapRules
from overproof.records import Pair, Problem, content_key


@dataclass(frozen=True, kw_only=True)
class Decontaminated:
    """The pairs that are clean, in their order, and the certificate."""

    pairs: list[Pair]
    certificate: ContaminationCertificate


DEFAULT_OVERLAP = OverlapRules()


def decontaminate(
    pairs: Sequence[Pair], problems: Sequence[Problem], rules: OverlapRules = DEFAULT_OVERLAP
) -> Decontaminated:
    """Return the pairs that share nothing with the problems.

    Raises: UsageError if a rule is out of its range.
    Source: own; 10-grams as Hui et al. 2024 (Qwen2.5-Coder), trees after Riddell et al. 2024,
    MinHash at 0.7 as Kocetkov et al. 2022 (The Stack).
    """
    _check(rules)
    index = OverlapIndex(problems, rules)
    kept: list[Pair] = []
    removed: list[Removal] = []
    for pair in pairs:
        removal = index.find(pair)
        if removal is None:
            kept.append(pair)
        else:
            removed.append(removal)
    minhash = {"permutations": PERMUTATIONS, "seed": SEED, "bands": list(bands(rules.min_jaccard))}
    certificate = ContaminationCertificate(
        version=CERTIFICATE_VERSION,
        suites=summarise_suites(problems),
        method={**asdict(rules), "minhash": minhash, "common_words": content_key(sorted(COMMON))},
        pairs_in=len(pairs),
        pairs_out=len(kept),
        content=pairs_content(kept),
        removed=removed,
    )
    return Decontaminated(pairs=kept, certificate=certificate)


def _check(rules: OverlapRules) -> None:
    in_unit = {
        name: getattr(rules, name) for name in ("min_code_share", "min_similarity", "min_jaccard")
    }
    wrong = [
        f"{name} = {value}, but it must be in (0, 1]"
        for name, value in in_unit.items()
        if not 0 < value <= 1
    ]
    if rules.n < 2:
        wrong.insert(0, f"n = {rules.n}, but it must be at least 2")
    if wrong:
        raise UsageError(f"decontamination: {'; '.join(wrong)}", hint="leave it at its default")
