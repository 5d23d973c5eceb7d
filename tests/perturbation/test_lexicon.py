"""English out of the package's own data: the same bytes everywhere, and nothing that misleads."""

import gzip
import json
import subprocess
import sys
from importlib.resources import files

import pytest
from hypothesis import given
from hypothesis import strategies as st

from overproof.perturbation.text.lexicon import (
    FORMS,
    TERMS,
    Pos,
    derived,
    entries,
    inflect,
    is_term,
    readings,
    regular,
    synonyms,
)

DATA = files("overproof.perturbation.text").joinpath("data")
PACKED = DATA.joinpath("lexicon.json.gz").read_bytes()
STORED = json.loads(gzip.decompress(PACKED))


def test_the_data_are_small_and_carry_their_notice() -> None:
    assert len(PACKED) < 300_000
    assert "Princeton" in STORED["notice"]
    licence = DATA.joinpath("WORDNET-LICENSE.txt").read_text()
    assert "WordNet 3.0 Copyright 2006 by Princeton University" in licence
    assert list(STORED["lemmas"]) == sorted(STORED["lemmas"])


@pytest.mark.parametrize(
    ("lemma", "pos", "forms"),
    [
        ("return", "v", ["return", "returns", "returned", "returned", "returning"]),
        ("write", "v", ["write", "writes", "wrote", "written", "writing"]),
        ("be", "v", ["be", "is", "was", "been", "being"]),
        ("split", "v", ["split", "splits", "split", "split", "splitting"]),
        ("box", "n", ["box", "boxes"]),
        ("child", "n", ["child", "children"]),
        ("large", "a", ["large", "larger", "largest"]),
        ("prime", "a", ["prime", None, None]),
    ],
)
def test_words_are_inflected(lemma: str, pos: Pos, forms: list[str | None]) -> None:
    assert [inflect(lemma, pos, form) for form in FORMS[pos]] == forms


@given(lemma=st.sampled_from(sorted(STORED["lemmas"])))
def test_every_form_is_read_back(lemma: str) -> None:
    for pos in entries(lemma):
        for form in FORMS[pos] if pos != "x" else ():
            made = inflect(lemma, pos, form)
            if made is not None:
                assert (lemma, pos, form) in [(r.lemma, r.pos, r.form) for r in readings(made)]


@given(lemma=st.sampled_from(sorted(STORED["lemmas"])))
def test_synonyms_are_other_single_words(lemma: str) -> None:
    for pos, entry in entries(lemma).items():
        assert entry.count > 0
        assert lemma not in synonyms(lemma, pos)
        words = [*synonyms(lemma, pos), *derived(lemma, pos).values()]
        assert all(word.isalpha() and word.islower() for word in words)
        assert pos not in derived(lemma, pos)


def test_readings_come_with_the_commonest_first() -> None:
    assert [(each.lemma, each.pos) for each in readings("lists")] == [("list", "n"), ("list", "v")]
    assert [each.lemma for each in readings("given")][:2] == ["give", "given"]
    assert [each.lemma for each in readings("indices")] == ["index"]
    assert readings("xyzzy") == ()
    assert inflect("xyzzy", "n", "s") is None
    assert regular("xyzzy", "s") == "xyzzies"


@pytest.mark.parametrize("word", ["list", "Strings", "sorted", "odd", "sum", "minimum", "prefix"])
def test_words_of_the_contract_are_terms(word: str) -> None:
    assert is_term(word)


def test_terms_are_no_synonyms_of_common_verbs_by_chance() -> None:
    assert not is_term("return")
    assert not is_term("given")
    assert all(word == word.lower() for word in TERMS)


def test_nothing_is_read_before_the_first_question() -> None:
    script = (
        "import overproof.perturbation.text.lexicon as lexicon, time\n"
        "assert lexicon._stored.cache_info().currsize == 0\n"
        "start = time.process_time()\n"
        "lexicon.readings('sorted')\n"
        "assert time.process_time() - start < 0.3\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
