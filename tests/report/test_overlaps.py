"""Removed pairs are counted by suite and rule, and listed, however many there are."""

from typing import Any

from overproof.report.overlaps import MOST, other_rows, overlap_sentence, overlap_tables


def test_many_removals_are_counted_and_the_first_are_listed(ablation: Any) -> None:
    note = ablation.notes["Decontamination"]
    counts, listed = overlap_tables(note)
    assert counts is not None and listed is not None
    assert counts.headings == ["suite", "words in a row", "similar code", "removed"]
    assert counts.rows == [
        ["multicode:go", "110", "–", "110"],
        ["multicode:python", "–", "110", "110"],
        ["all", "110", "110", "220"],
    ]
    assert len(listed.rows) == MOST + 1 and "20 more" in listed.rows[-1][0]
    assert listed.rows[0] == [
        "add_0",
        "package/module.py:0",
        "text",
        "go/0",
        "the sum of two whole numbers",
    ]
    assert overlap_sentence(note).startswith("Of 900 pairs 220 overlap with a suite")
    assert other_rows(note) == {"compared with": "multicode:go (8), multicode:python (8)"}


def test_notes_of_older_runs_are_read() -> None:
    note = {
        "pairs before": 10,
        "pairs after": 8,
        "removed by text": 1,
        "removed by tree": 1,
        "removed": ["add (a.py:1) for HumanEval/0", "sum (b.py:2) for HumanEval/1"],
    }
    counts, listed = overlap_tables(note)
    assert counts is not None and counts.rows == [["all", "1", "1", "2"]]
    assert counts.headings[1:3] == ["same syntax tree", "words in a row"]
    assert listed is not None and listed.rows[1] == ["sum (b.py:2) for HumanEval/1"]


def test_nothing_removed_is_said_in_words_only() -> None:
    note = {"pairs before": 10, "pairs after": 10, "pairs used": 4, "removed": []}
    assert overlap_tables(note) == (None, None)
    assert overlap_sentence(note) == (
        "Of 10 pairs 0 overlap with a suite and were removed; 4 of the others are used."
    )
    assert overlap_sentence({}) == ""
