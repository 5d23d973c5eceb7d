"""Prompts that other tools made: every defect by a small file that has it, and sound ones."""

import json
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from overproof.errors import RowError, UsageError
from overproof.perturbation import perturb
from overproof.perturbation.audit import Finding, Summary, audit
from overproof.perturbation.claims import FOREIGN, read_claims
from overproof.records import Outcome, Problem, Status, decode_row, encode_row
from overproof.sandbox import Job

MARK = "        # print('@@this is the line to split##')\n"


class Gold:
    """Answers for the sandbox, and remembers what it was asked."""

    def __init__(self, status: Status = "passed") -> None:
        self.status = status
        self.jobs: list[Job] = []

    def __call__(self, jobs: list[Job]) -> Iterable[Outcome]:
        self.jobs += jobs
        return [Outcome(key=job.key, task_id=job.task_id, status=self.status) for job in jobs]


def write(folder: Path, name: str, *rows: dict[str, Any]) -> Path:
    path = folder / f"{name}.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def line(problem: Problem, old: str = "", new: str = "", **fields: Any) -> dict[str, Any]:
    """One line of a file: the problem's prompt with something replaced."""
    assert old in problem.prompt
    return {"task_id": problem.task_id, "prompt": problem.prompt.replace(old, new), **fields}


def halves(problem: Problem, operator: str = "ForWhileTransformer") -> dict[str, Any]:
    """A half-written body as ReCode writes it: split before the second line of the loop."""
    head, mark, rest = problem.canonical_solution.partition("        found.append")
    prompt = problem.prompt + head
    return {
        "task_id": problem.task_id,
        "prompt": prompt,
        "canonical_solution": mark + rest,
        "partial": prompt + MARK + mark + rest,
        "operator": operator,
    }


def found(folder: Path, problem: Problem, row: dict[str, Any]) -> tuple[str, ...]:
    """The problems of one line, if its gold passes."""
    (finding,) = audit([write(folder, "x", row)], [problem], run_gold=Gold()).findings
    return finding.problems


def test_sound_prompts_have_no_problem(tmp_path: Path, toys: dict[str, Problem]) -> None:
    text = line(toys["f"], "smaller", "smalelr", operator="SwapCharactersPerturbation")
    name = line(toys["fib4"], "fib4", "fbi4", entry_point="fbi4", operator="FuncRenameSwapChar")
    name["canonical_solution"] = toys["fib4"].canonical_solution.replace("fib4", "fbi4")
    half = halves(toys["f"], "VarRenamerNaive")
    half |= {key: half[key].replace("found", "VAR_0") for key in ("prompt", "canonical_solution")}
    tabs = halves(toys["f"], "tab_indent")
    tabs |= {key: tabs[key].replace("    ", "\t") for key in ("prompt", "canonical_solution")}
    report = audit([write(tmp_path, "x", text, name, half, tabs)], list(toys.values()))
    assert [finding.problems for finding in report.findings] == [()] * 4


def test_unclosed_docstrings_are_named(tmp_path: Path, toys: dict[str, Problem]) -> None:
    torn = line(toys["f"], '    """\n', '    " " "\n')
    assert found(tmp_path, toys["f"], torn) == ("unclosed_docstring",)
    single = line(toys["keepEven"], 'of them."', "of them.")
    assert found(tmp_path, toys["keepEven"], single) == ("unclosed_docstring",)
    # The helper's docstring stays open until that of the function begins.
    hidden = line(toys["decode_text"], "undoes it.'''", "undoes it.' ' '")
    assert found(tmp_path, toys["decode_text"], hidden) == ("unclosed_docstring",)
    other = line(toys["f"], "def f(n)", "deF F(n)", entry_point="F")
    assert found(tmp_path, toys["f"], other) == ("unparsable",)


def test_no_ops_are_told_from_code_that_was_only_reformatted(
    tmp_path: Path, toys: dict[str, Problem]
) -> None:
    half = halves(toys["f"])
    assert found(tmp_path, toys["f"], half) == ("no_op",)
    half["prompt"] = half["prompt"].replace("found = []", "found   =   []")
    assert found(tmp_path, toys["f"], half) == ("code_unchanged",)
    half["operator"] = "new_lines"
    assert found(tmp_path, toys["f"], half) == ()
    same = line(toys["f"], entry_point="f", operator="FuncRenameCamelCase")
    assert found(tmp_path, toys["f"], same) == ("no_op",)


def test_text_operators_may_not_change_the_code(tmp_path: Path, toys: dict[str, Problem]) -> None:
    row = line(toys["f"], "def f(n):", "def f(n=1):", operator="ChangeCharCase")
    assert found(tmp_path, toys["f"], row) == ("code_changed",)
    assert found(tmp_path, toys["f"], row | {"operator": "unheard_of"}) == ()
    assert found(tmp_path, toys["f"], row | {"family": "text", "operator": "unheard_of"}) == (
        "code_changed",
    )


def test_half_bodies_are_told_by_the_split_mark_only(
    tmp_path: Path, toys: dict[str, Problem]
) -> None:
    half = halves(toys["f"]) | {"partial": None}
    assert "no_op" not in found(tmp_path, toys["f"], half)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("f(3) == [0, 0, 1]", "f(3) == [0, 0, 2]", ("examples_broken",)),
        ("f(3) == [0, 0, 1]", "f(3)== [0,0, 1]", ("examples_respaced",)),
        ("Example:\n    f(3)", "Example: f(3)", ("examples_respaced",)),
        ("f(3) ==", "f(3) !=", ("examples_broken",)),
        ("numbers", "numbers of 7", ("examples_broken",)),
    ],
)
def test_examples_are_lost_or_only_respaced(
    old: str, new: str, expected: tuple[str, ...], tmp_path: Path, toys: dict[str, Problem]
) -> None:
    assert found(tmp_path, toys["f"], line(toys["f"], old, new)) == expected


def test_quoted_texts_are_literals(tmp_path: Path, toys: dict[str, Problem]) -> None:
    row = line(toys["count_digits"], '"a1" has', '"b1" has')
    assert found(tmp_path, toys["count_digits"], row) == ("examples_broken",)


def test_white_space_within_quotes_counts(tmp_path: Path, toys: dict[str, Problem]) -> None:
    row = line(toys["decode_text"], "    'ab'\n", "    'ab '\n")
    assert found(tmp_path, toys["decode_text"], row) == ("examples_broken",)


def test_gold_that_calls_the_old_name_breaks(tmp_path: Path, toys: dict[str, Problem]) -> None:
    row = line(toys["fib4"], "fib4", "Fib4x", entry_point="Fib4x", operator="FuncRenameChangeChar")
    half = halves(toys["f"], "tab_indent")
    half["prompt"] = half["prompt"].replace("    ", "\t")
    report = audit([write(tmp_path, "x", row, half)], list(toys.values()))
    problems = [finding.problems for finding in report.findings]
    assert problems == [("gold_break",), ("mixed_indentation",)]
    left = row | {"entry_point": "fib4"}
    assert "entry_point_broken" in found(tmp_path, toys["fib4"], left)


def test_other_indentation_is_named_and_checked_on(
    tmp_path: Path, toys: dict[str, Problem]
) -> None:
    half = halves(toys["f"], "tab_indent")
    half["prompt"] = half["prompt"].replace("    ", "\t")
    assert found(tmp_path, toys["f"], half) == ("mixed_indentation",)
    half["prompt"] = half["prompt"].replace("f(3) ==", "f(2) ==")
    assert found(tmp_path, toys["f"], half) == ("mixed_indentation", "examples_broken")


def test_identical_seeds_are_found(tmp_path: Path, toys: dict[str, Problem]) -> None:
    rows = [line(toys[name], "the", "teh") for name in ("f", "decode_text")]
    same = [write(tmp_path, f"humaneval_Typos_s{seed}", *rows) for seed in range(3)]
    other = write(tmp_path, "humaneval_Typos_s3", line(toys["f"], "smaller", "smalelr"))
    report = audit([*same, other], list(toys.values()), run_gold=Gold())
    problems = [finding.problems for finding in report.findings]
    assert problems == [()] * 2 + [("repeated_seed",)] * 4 + [()]
    assert [finding.seed for finding in report.findings] == [0, 0, 1, 1, 2, 2, 3]
    (row,) = report.summaries
    assert (row.operator, row.prompts, row.tasks, row.distinct) == ("Typos", 7, 2, 3)
    assert (row.valid, row.problems) == (3, {"repeated_seed": 4})


def test_no_ops_are_not_called_repeats_too(tmp_path: Path, toys: dict[str, Problem]) -> None:
    rows = [line(toys["f"], operator="x", seed=seed) for seed in range(2)]
    report = audit([write(tmp_path, "x", *rows)], [toys["f"]], run_gold=Gold())
    assert [finding.problems for finding in report.findings] == [("no_op",)] * 2


def test_names_and_seeds_come_from_the_line_before_the_file(
    tmp_path: Path, toys: dict[str, Problem]
) -> None:
    row = line(toys["f"], "the", "teh")
    told = write(tmp_path, "humaneval_new_line_aftercode_s7", row, row | {"operator": "x"})
    untold = write(tmp_path, "mine", row, row, row | {"seed": 9})
    claims = read_claims([told, untold], list(toys.values()))
    assert [(claim.operator.name, claim.seed) for claim in claims] == [
        ("new_line_aftercode", 7),
        ("x", 7),
        ("mine.jsonl", 0),
        ("mine.jsonl", 1),
        ("mine.jsonl", 9),
    ]
    assert claims[0].operator.family == FOREIGN["new_line_aftercode"] == "layout"


def test_our_own_variants_are_sound(tmp_path: Path, toys: dict[str, Problem]) -> None:
    chosen = ["null", "keyboard_typos", "camel_case", "half_body", "dead_code"]
    problems = [toys["f"], toys["decode_text"]]
    variants = perturb(problems, chosen, [0, 1], run_gold=Gold()).variants
    rows = [msgspec.to_builtins(row) for row in variants if row.operator != "nominal"]
    report = audit([write(tmp_path, "variants", *rows)], problems)
    assert [row.operator for row in report.summaries] == chosen
    assert [finding for finding in report.findings if finding.problems] == []


def test_equal_programs_are_executed_once(tmp_path: Path, toys: dict[str, Problem]) -> None:
    gold = Gold()
    rows = [line(toys["f"], "smaller", new, operator="x") for new in ("smalelr", "samller")]
    half = halves(toys["f"], "y")
    rows += [half, half | {"operator": "z", "prompt": half["prompt"].replace("found", "held")}]
    audit([write(tmp_path, "x", *rows)], [toys["f"]], run_gold=gold)
    # The problem as it is, which is what the first three do, and the renamed one.
    assert len(gold.jobs) == 2
    assert {job.reference for job in gold.jobs} == {toys["f"].canonical_solution}


def test_a_failing_sandbox_is_not_a_failing_gold(tmp_path: Path, toys: dict[str, Problem]) -> None:
    path = write(tmp_path, "x", line(toys["f"], "the", "teh"))
    (finding,) = audit([path], [toys["f"]], run_gold=Gold("harness_error")).findings
    assert finding.problems == ("unchecked",)


def test_gold_that_fails_unperturbed_says_nothing(tmp_path: Path, toys: dict[str, Problem]) -> None:
    wrong = replace(toys["f"], canonical_solution="    return n\n")
    torn = replace(toys["fib4"], canonical_solution="    return (\n")
    rows = [line(wrong, "the", "teh"), line(torn, "value", "vlaue")]
    report = audit([write(tmp_path, "x", *rows)], [wrong, torn])
    assert [finding.problems for finding in report.findings] == [("unchecked",)] * 2


def test_without_a_gold_body_nothing_is_executed(tmp_path: Path, toys: dict[str, Problem]) -> None:
    bare, gold = replace(toys["f"], canonical_solution=""), Gold()
    path = write(tmp_path, "x", line(bare, "the", "teh"))
    (finding,) = audit([path], [bare], run_gold=gold).findings
    assert finding.problems == ("unchecked",)
    assert gold.jobs == []


def test_counts_and_table_agree_with_the_findings(tmp_path: Path, toys: dict[str, Problem]) -> None:
    rows = [
        line(toys["f"], "smaller", "smalelr"),
        line(toys["f"]),
        line(toys["f"], '    """\n', '    " " "\n'),
        line(toys["f"], "def f(n)", "def f(n"),
    ]
    report = audit([write(tmp_path, "humaneval_Odd_s0", rows[0])], [toys["f"]], run_gold=Gold())
    assert list(report.as_lines())[-1] == "1 of 1 prompts are valid"
    fields = [row | {"operator": "Odd", "seed": seed} for seed, row in enumerate(rows)]
    report = audit([write(tmp_path, "odd", *fields)], [toys["f"]], run_gold=Gold())
    (row,) = report.summaries
    assert row.problems == {"no_op": 1, "unclosed_docstring": 1, "unparsable": 1}
    assert (row.valid, row.gold_fails, row.distinct) == (1, 2, 4)
    assert row.mean_edit_distance == sum(each.edit_distance for each in report.findings) / 4
    head, table, others, last = report.as_lines()
    assert head.split()[-4:] == ["gold", "fails", "distinct", "edits"]
    assert table.split()[:8] == ["Odd", "4", "25.0", "25.0", "0.0", "25.0", "0.0", "50.0"]
    assert (others.strip(), last) == ("unparsable 1", "1 of 4 prompts are valid")


def test_findings_and_summaries_are_rows(tmp_path: Path, toys: dict[str, Problem]) -> None:
    path = write(tmp_path, "x", line(toys["f"]))
    report = audit([path], [toys["f"]], run_gold=Gold())
    (finding,), (row,) = report.findings, report.summaries
    assert (finding.file, finding.line, finding.edit_distance) == (str(path), 1, 0)
    assert decode_row(encode_row(finding), Finding) == finding
    assert decode_row(encode_row(row), Summary) == row


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"task_id": "toy/g"}, "no problem 'toy/g'"),
        ({"task_id": None}, "field 'task_id': got nothing, not a text"),
        ({"prompt": 3}, "field 'prompt': got int, not a text"),
        ({"seed": "1"}, "field 'seed': got str, not a whole number"),
        ({"seed": True}, "field 'seed': got bool, not a whole number"),
        ({"canonical_solution": []}, "field 'canonical_solution': got list"),
    ],
)
def test_bad_lines_are_refused_by_file_and_line(
    change: dict[str, Any], message: str, tmp_path: Path, toys: dict[str, Problem]
) -> None:
    good = line(toys["f"])
    path = write(tmp_path, "bad", good, good | change)
    with pytest.raises(RowError, match=f"bad.jsonl:2: {message}"):
        audit([path], [toys["f"]], run_gold=Gold())


def test_a_seed_may_be_told_once(tmp_path: Path, toys: dict[str, Problem]) -> None:
    rows = [line(toys["f"], operator="x", seed=1), line(toys["f"], operator="x", seed=1)]
    path = write(tmp_path, "bad", *rows)
    with pytest.raises(RowError, match=r"bad\.jsonl:2: .*seed 1, is in .*bad\.jsonl:1 already"):
        audit([path], [toys["f"]], run_gold=Gold())


def test_damaged_and_missing_files(tmp_path: Path, toys: dict[str, Problem]) -> None:
    path = tmp_path / "bad.jsonl"
    path.write_text('{"task_id": \n', encoding="utf-8")
    with pytest.raises(RowError, match=r"bad\.jsonl:1: not JSON"):
        audit([path], [toys["f"]])
    with pytest.raises(UsageError, match="no such file"):
        audit([tmp_path / "none.jsonl"], [toys["f"]])
