"""Gates: what they read, where they point at what they cannot, and when they pass."""

import random
from collections.abc import Callable
from math import ceil
from pathlib import Path

import pytest

from overproof.compare.comparison import Comparison, Row, compare
from overproof.compare.gates import exit_code, holds, judge, parse_gate
from overproof.compare.needed import needed
from overproof.compare.sides import read_side
from overproof.errors import UnknownNameError, UsageError
from overproof.records import Score, Status

Write = Callable[..., Path]


@pytest.mark.parametrize(
    ("text", "metric", "scope", "sense", "margin"),
    [
        ("pass@1 >= -0.02", "pass@1", (), ">=", -0.02),
        ("robust_pass@10[change_case]>=-.02", "robust_pass@10", ("change_case",), ">=", -0.02),
        ("  pass@01 [ go , suite:go ] ≥ −2e-2 ", "pass@1", ("go", "suite:go"), ">=", -0.02),
        ("tpot_ms_ratio <= 1.10", "tpot_ms_ratio", (), "<=", 1.1),
        ("robust_drop@1[half-written text] <= +0.05", "robust_drop@1", ("half-written text",),
         "<=", 0.05),
    ],
)  # fmt: skip
def test_expressions_are_read(
    text: str, metric: str, scope: tuple[str, ...], sense: str, margin: float
) -> None:
    gate = parse_gate(text)
    assert (gate.metric, gate.scope, gate.sense, gate.margin) == (metric, scope, sense, margin)


@pytest.mark.parametrize(
    ("text", "column", "message", "hint"),
    [
        ("", 1, "expected a metric", "pass@1 >="),
        ("robst_pass@1 >= 0", 1, "unknown metric 'robst_pass'", "robust_pass"),
        ("pass >= 0", 5, "of how many samples", "pass@1"),
        ("pass@0 >= 0", 6, "k is '0'", "pass@1"),
        ("pass@k >= 0", 6, "k is 'k'", "pass@1"),
        ("tpot_ms_ratio@1 <= 1", 14, "takes no @", "1.10"),
        ("pass@1[rust >= 0", 7, "not closed", "pass@1[rust]"),
        ("pass@1[] >= 0", 8, "empty scope", "all"),
        ("pass@1[rust,,go] >= 0", 13, "empty scope", "all"),
        ("pass@1 > 0", 8, "got '>'", "quote"),
        ("pass@1 == 0", 8, "got '=='", "quote"),
        ("pass@1", 7, "got nothing", "quote"),
        ("pass@1 -0.02", 8, "got '-0.02'", "quote"),
        ("pass@1 >= two", 11, "got 'two'", "two points"),
        ("pass@1 >=", 10, "expected a number", "two points"),
        ("pass@1 >= -2%", 13, "got '%'", "not percent"),
        ("pass@1 >= -2", 11, "within -1 and 1", "two points"),
        ("pass@1 >= 0 and pass@2 >= 0", 13, "got 'and pass@2 >= 0'", "repeat --gate"),
        ("tpot_ms_ratio <= -0.1", 18, "above 0", "1.10"),
        ("pass@1\n>= x", 11, "got 'x'", "two points"),
    ],
)
def test_a_mistake_is_pointed_at(text: str, column: int, message: str, hint: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_gate(text)
    first, shown, caret = caught.value.message.split("\n")
    assert message in first
    assert f"(column {column})" in first
    assert hint in caught.value.hint
    assert shown.startswith("  ")
    assert caret.index("^") == column + 1


def test_no_text_makes_the_reader_fail_otherwise() -> None:
    generator = random.Random(3)
    letters = "pass@1robust_drop[]<>=,-+.0129eé ≥%\t\n"
    good = "robust_pass@1[change_case, go] >= -0.02"
    read = 0
    for _ in range(3000):
        text = list(good)
        for _ in range(generator.randint(1, 3)):
            place = generator.randrange(len(text))
            text[place : place + generator.randint(0, 3)] = generator.choice(letters)
        try:
            parse_gate("".join(text))
            read += 1
        except UsageError as error:
            assert error.hint
            assert error.message.count("\n") == 2
    assert 100 < read < 2900


def score_of(
    value: float | None, low: float | None, high: float | None, detectable: float | None = None
) -> Score:
    return Score(
        key="k",
        model="B",
        metric="pass@1",
        operator="nominal",
        family="nominal",
        value=value,
        low=low,
        high=high,
        n=100,
        against="A",
        detectable=detectable,
    )


def outcome_of(value: float | None, low: float | None, high: float | None, gate: str) -> str:
    return judge(parse_gate(gate), single(value, low, high)).result


def single(value: float | None, low: float | None, high: float | None) -> Comparison:
    """Return a comparison that has one number only."""
    score = score_of(value, low, high)

    class One:
        def find(self, metric: str, scope: object) -> Row:
            return Row(difference=score, a=None, b=None)

    return One()  # type: ignore[return-value]


@pytest.mark.parametrize(
    ("low", "high", "at_least", "at_most"),
    [
        (0.01, 0.09, "pass", "fail"),
        (-0.02, 0.04, "pass", "undecided"),  # the margin itself is on the right side
        (-0.05, 0.04, "undecided", "undecided"),
        (-0.09, -0.02, "undecided", "pass"),
        (-0.09, -0.03, "fail", "pass"),
    ],
)
def test_the_interval_decides(low: float, high: float, at_least: str, at_most: str) -> None:
    middle = (low + high) / 2
    assert outcome_of(middle, low, high, "pass@1 >= -0.02") == at_least
    assert outcome_of(middle, low, high, "pass@1 <= -0.02") == at_most


def test_without_an_interval_nothing_is_decided() -> None:
    assert outcome_of(0.5, None, None, "pass@1 >= 0") == "undecided"
    assert outcome_of(None, None, None, "pass@1 >= 0") == "undecided"
    compared = single(0.5, None, None)
    assert judge(parse_gate("pass@1 >= 0"), compared, "estimate").result == "pass"
    assert judge(parse_gate("pass@1 >= 0.6"), compared, "estimate").result == "fail"
    assert judge(parse_gate("pass@1 >= 0"), single(None, None, None), "estimate").result == (
        "undecided"
    )


def test_exit_codes() -> None:
    def judged(*intervals: tuple[float, float]) -> list[object]:
        return [
            judge(parse_gate("pass@1 >= 0"), single(sum(each) / 2, *each)) for each in intervals
        ]

    good, bad, open_ = (0.1, 0.2), (-0.2, -0.1), (-0.1, 0.2)
    cases = {"error": 7, "fail": 1, "pass": 0}
    for undecided, code in cases.items():
        assert exit_code(judged(good, good), undecided) == 0  # type: ignore[arg-type]
        assert exit_code(judged(good, open_), undecided) == code  # type: ignore[arg-type]
        assert exit_code(judged(bad, open_, good), undecided) == 1  # type: ignore[arg-type]
        assert exit_code([], undecided) == 0  # type: ignore[arg-type]


def ratio_of(margin: float) -> Callable[..., Status]:
    def rule(model: str, operator: str, task: int, seed: int, index: int) -> Status:
        return "passed" if random.Random(f"{task}").random() < margin else "wrong_answer"

    return rule


def test_a_better_model_passes_a_worse_one_fails_and_few_tasks_decide_nothing(
    tmp_path: Path, write_run: Write
) -> None:
    operators = {"nominal": 1, "keyboard_typos": 2}
    base, better, worse = (
        write_run(tmp_path / name, ratio_of(share), tasks=range(164), operators=operators)
        for name, share in (("base", 0.5), ("better", 0.65), ("worse", 0.3))
    )
    few = write_run(tmp_path / "few", ratio_of(0.5), tasks=range(12), operators=operators)
    gates = [parse_gate("pass@1 >= -0.02"), parse_gate("robust_pass@1[keyboard_typos] >= -0.02")]

    def results(a: Path, b: Path) -> set[str]:
        compared = compare(read_side(str(a)), read_side(str(b)))
        return {judge(gate, compared).result for gate in gates}

    assert results(base, better) == {"pass"}
    assert results(base, worse) == {"fail"}
    assert results(base, few) == {"undecided"}


def test_what_would_decide_is_what_decides(tmp_path: Path, write_run: Write) -> None:
    """With as many tasks as were asked for, gates at the same difference are decided."""

    def noisy(salt: str, share: float) -> Callable[..., Status]:
        def rule(model: str, operator: str, task: int, seed: int, index: int) -> Status:
            hard = random.Random(f"{task}").random()
            own = random.Random(f"{salt}{task}").random()
            return "passed" if 0.7 * hard + 0.3 * own < share else "wrong_answer"

        return rule

    gate = parse_gate("pass@1 >= -0.08")
    a = write_run(tmp_path / "a", noisy("a", 0.5), tasks=range(60))
    b = write_run(tmp_path / "b", noisy("b", 0.5), tasks=range(60))
    judged = judge(gate, compare(read_side(str(a)), read_side(str(b))))
    assert judged.result == "undecided"
    assert judged.needed is not None
    assert judged.needed.tasks is not None
    assert f"{judged.needed.tasks:,} tasks in place of 60" in judged.needed.words
    decided = 0
    for turn in range(20):
        start = 1000 * (turn + 1)
        span = range(start, start + judged.needed.tasks)
        many_a = write_run(tmp_path / f"a{turn}", noisy("a", 0.5), tasks=span, finished=False)
        many_b = write_run(tmp_path / f"b{turn}", noisy("b", 0.5), tasks=span, finished=False)
        again = judge(gate, compare(read_side(str(many_a)), read_side(str(many_b))))
        decided += again.result == "pass"
    assert decided >= 13  # 16 are expected


def test_the_tasks_needed_follow_the_root_law() -> None:
    row = Row(difference=score_of(0.0, -0.04, 0.04), a=None, b=None)
    found = needed(row, ">=", -0.02)
    assert found is not None
    exact = 100 * (2 * (1.959964 + 0.841621) / 1.959964) ** 2
    assert found.tasks is not None
    assert found.tasks == ceil(exact / 10) * 10
    assert found.equal == pytest.approx(-0.04 * 2.8016 / 1.96, rel=1e-3)
    assert found.detectable == pytest.approx(0.0572, abs=1e-4)
    at_margin = needed(row, ">=", 0.0)
    assert at_margin is not None
    assert at_margin.tasks is None
    assert holds(">=", 0.0, 0.0)


def test_the_detectable_difference_of_the_measurement_is_used_where_there_is_one() -> None:
    score = score_of(0.0, -0.04, 0.04, detectable=0.123)
    found = needed(Row(difference=score, a=None, b=None), ">=", -0.02)
    assert found is not None
    assert found.detectable == 0.123
    assert "12.3 points (as for a test of no difference)" in found.words


def test_scopes_are_found_or_listed(tmp_path: Path, write_run: Write) -> None:
    operators = {"nominal": 1, "null": 2, "keyboard_typos": 2, "camel_case": 1}
    run = write_run(
        tmp_path / "run", ratio_of(0.5), operators=operators, suites=("humaneval", "multicode:go")
    )
    compared = compare(read_side(str(run)), read_side(str(run)))

    def found(text: str) -> tuple[str, ...]:
        row = judge(parse_gate(text), compared).row.difference
        return row.operator, row.family, row.suite, row.language

    assert found("pass@1 >= 0") == ("nominal", "nominal", "", "")
    assert found("pass@1[go] >= 0") == ("nominal", "nominal", "multicode:go", "go")
    assert found("pass@1[humaneval] >= 0") == ("nominal", "nominal", "humaneval", "python")
    assert found("pass@1[camel_case] >= 0")[:2] == ("camel_case", "names")
    assert found("robust_pass@1 >= 0")[:2] == ("all", "all")
    assert found("robust_pass@1[any] >= 0")[:2] == ("any", "all")
    assert found("robust_pass@1[null] >= 0")[:2] == ("null", "null")
    assert found("robust_pass@1[text] >= 0")[:2] == ("all", "text")
    assert found("robust_drop@1[go] >= 0") == ("all", "all", "multicode:go", "go")
    for text, message in {
        "robust_pass@1[rust] >= 0": "unknown scope 'rust'",
        "robust_pass@1[keyboard_typo] >= 0": "unknown scope",
        "robust_pass@1[camel_case, go] >= 0": "is not compared",
        "robust_pass@1[seen] >= 0": "is not compared",
        "robust_pass@1[go, humaneval] >= 0": "is not compared",
    }.items():
        with pytest.raises(
            (UsageError, UnknownNameError), match=message.replace("(", ".")
        ) as caught:
            judge(parse_gate(text), compared)
        assert caught.value.hint
