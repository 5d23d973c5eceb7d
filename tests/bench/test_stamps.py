"""Known answers: a scripted schedule gives the metrics that it says, within a few milliseconds."""

from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from streaming import Script, steady

from conftest import Start, make_variants
from overproof.bench.config import BenchConfig, Load
from overproof.bench.rows import Reply, Trial
from overproof.bench.trials import Stage
from overproof.bench.verdicts import counted
from overproof.engines.generate import Contender
from overproof.errors import EngineError, UsageError
from overproof.evaluation import evaluation_recipe
from overproof.models import resolve_model
from overproof.store import RunFolder

SLACK_MS = 10
"""A busy machine wakes sleepers late. When pieces really left is known, and what is wrongly counted
is wrong in every answer: the one of a few that is nearest to the truth must be within this."""


def time_all(folder: Path, urls: list[str], prompts: int = 3, **settings: Any) -> list[Trial]:
    names = [f"{url}#coder{number}" for number, url in enumerate(urls)]
    recipe = evaluation_recipe(names, ["humaneval"], "", 1, None, "server", "", 0)
    contenders = [Contender(name=n, source=resolve_model(n)) for n in names]
    config = BenchConfig(**{"warmup": 1, **settings})
    table = RunFolder(folder).table("trials", Trial)
    return Stage(contenders, make_variants(prompts), recipe, config, table).run()


def nearest(replies: list[Reply], name: str, expected: float) -> float:
    """The value that the machine disturbed least."""
    values = [value for reply in replies if (value := getattr(reply, name)) is not None]
    return float(min(values, key=lambda value: abs(value - expected)))


def test_a_steady_stream(start: Start, tmp_path: Path) -> None:
    server = start(steady(0.2, 0.02, 12))
    replies = counted(time_all(tmp_path, [server.url], prompts=5))
    assert len(replies) == 5
    assert nearest(replies, "tpot_ms", 20) == pytest.approx(20, abs=1)
    late = []
    for reply, left in zip(replies, server.sent_ms[-5:], strict=True):
        assert reply.ttft_ms is not None
        assert reply.e2e_ms is not None
        late.append(max(reply.ttft_ms - left[0], reply.e2e_ms - left[-1]))
        assert 199 < left[0] < reply.ttft_ms
        assert 419 < left[-1] < reply.e2e_ms
    assert min(late) < 3 * SLACK_MS  # what the network and two waking threads take
    gaps = sorted(gap for reply in replies for gap in reply.gaps_ms)
    assert gaps[len(gaps) // 2] == pytest.approx(20, abs=3)
    assert {(r.completion_tokens, r.counted, r.prompt_tokens) for r in replies} == {
        (12, "engine", 9)
    }
    assert replies[0].completion == "".join(f" w{number}" for number in range(12))
    assert {reply.cpu_seconds for reply in replies} == {0.0}


def test_a_stall_is_one_gap_and_shares_in_the_time_per_token(start: Start, tmp_path: Path) -> None:
    pieces = [(0.1, "a"), (0.02, "b"), (0.3, "c"), (0.02, "d")]
    server = start(Script(pieces=pieces, usage=4))
    replies = counted(time_all(tmp_path, [server.url], prompts=5))
    reply = min(replies, key=lambda reply: abs(reply.gaps_ms[1] - 300))
    assert reply.gaps_ms == pytest.approx((20, 300, 20), abs=3 * SLACK_MS)
    assert nearest(replies, "tpot_ms", 340 / 3) == pytest.approx(340 / 3, abs=3)


@pytest.mark.parametrize("usage", [10, None])
def test_tokens_that_share_a_piece(start: Start, tmp_path: Path, usage: int | None) -> None:
    pieces = [(0.1, "a b c d"), (0.06, "e f g"), (0.06, "h i j")]
    server = start(Script(pieces=pieces, usage=usage))
    replies = counted(time_all(tmp_path, [server.url], prompts=5))
    assert {len(reply.pieces_ms) for reply in replies} == {3}
    # without a count, a piece is the best that is known, and the row says so
    known = (10, "engine") if usage else (3, "pieces")
    assert {(reply.completion_tokens, reply.counted) for reply in replies} == {known}
    expected = 120 / (known[0] - 1)
    assert nearest(replies, "tpot_ms", expected) == pytest.approx(expected, rel=0.08)


def test_what_holds_no_text_is_neither_first_nor_last(start: Start, tmp_path: Path) -> None:
    script = steady(0.2, 0.04, 4, role_after_s=0.02, empty_between=True, finish_after_s=0.15)
    server = start(script)
    replies = counted(time_all(tmp_path, [server.url], prompts=5))
    assert {len(reply.pieces_ms) for reply in replies} == {4}
    for name, expected in (("ttft_ms", 200), ("e2e_ms", 320), ("ended_ms", 470)):
        assert nearest(replies, name, expected) == pytest.approx(expected, abs=3 * SLACK_MS)


def test_an_answer_of_nothing_has_no_times(start: Start, tmp_path: Path) -> None:
    server = start(Script(pieces=[], usage=1))
    reply = counted(time_all(tmp_path, [server.url], prompts=1))[0]
    assert (reply.ttft_ms, reply.e2e_ms, reply.tpot_ms, reply.gaps_ms) == (None, None, None, ())
    assert reply.ended_ms > 0
    assert not reply.failure


def test_coordinated_omission_is_seen_from_when_a_request_was_due(
    start: Start, tmp_path: Path
) -> None:
    """20 requests a second at a server that takes 0.2 s each: the queue grows to seconds."""
    server = start(steady(0.18, 0.02, 2), workers=1)
    [trial] = time_all(tmp_path, [server.url], prompts=10, loads=(Load("open", 20.0),), rounds=1)
    replies = counted([trial])
    last = replies[-1]
    due = last.scheduled_ms - replies[0].scheduled_ms
    assert last.due_e2e_ms is not None and last.e2e_ms is not None
    # the server queues, so sending is on time and both clocks see the queue
    assert last.due_e2e_ms > 10 * 200 - due - 300
    assert nearest(replies, "queued_ms", 0) < SLACK_MS
    assert last.e2e_ms > 3 * 200


def test_a_queue_on_this_side_hides_from_the_sending_clock_only(
    start: Start, tmp_path: Path
) -> None:
    """One connection at 20 requests a second and 0.2 s each: the textbook case."""
    server = start(steady(0.18, 0.02, 2))
    loads = (Load("open", 20.0),)
    [trial] = time_all(tmp_path, [server.url], prompts=10, loads=loads, rounds=1, most_in_flight=1)
    replies = counted([trial])
    assert nearest(replies, "e2e_ms", 200) == pytest.approx(200, abs=3 * SLACK_MS)
    # ten answers of 0.2 s, all due within half a second or so: the last one waits for the rest
    span = replies[-1].scheduled_ms - replies[0].scheduled_ms
    assert replies[-1].due_e2e_ms >= 10 * 200 - span - SLACK_MS
    assert replies[-1].queued_ms > 800
    for before, after in pairwise(replies):
        free = max(after.scheduled_ms, before.sent_ms + before.ended_ms)
        assert after.sent_ms >= free - 1
        assert after.due_e2e_ms == pytest.approx(after.sent_ms - after.scheduled_ms + after.e2e_ms)


def test_a_closed_loop_keeps_the_load_up_and_counts_the_middle(
    start: Start, tmp_path: Path
) -> None:
    server = start(steady(0.1, 0.02, 6))
    [trial] = time_all(tmp_path, [server.url], prompts=12, loads=(Load("closed", 4),), rounds=1)
    replies = counted([trial])
    assert len(replies) == 12
    assert sum(reply.warmup for reply in trial.replies) == 4
    # four in flight, 0.2 s each: 20 answers a second at best, 5 if they came one by one
    assert 7 < 12 / trial.seconds <= 20.5
    ends = [reply.sent_ms + reply.ended_ms for reply in replies]
    window = (max(ends) - min(reply.scheduled_ms for reply in replies)) / 1000
    assert trial.seconds == pytest.approx(window, abs=0.2)
    assert len(server.seen) > 12 + 4 + 1  # and others, so that the last ones had company


def test_failures_are_rows_unless_nobody_is_there(start: Start, tmp_path: Path) -> None:
    count = iter(range(1000))
    server = start(lambda _: Script(status=500) if next(count) % 2 else steady(0.01, 0.01, 2))
    trials = time_all(tmp_path / "a", [server.url], prompts=4, loads=(Load("closed", 1),), rounds=1)
    failed = [reply for reply in counted(trials) if reply.failure]
    assert 0 < len(failed) < 4
    assert "overloaded on purpose" in failed[0].failure
    assert len(server.seen) < 20  # nothing was tried again behind the clock's back

    gone = start(steady(0.01, 0.01, 2))
    greeted = iter(range(1000))
    gone.script = lambda _: steady(0.01, 0.01, 2) if next(greeted) < 1 else Script(status=500)
    with pytest.raises(EngineError, match="overloaded"):
        time_all(tmp_path / "b", [gone.url], prompts=2)
    assert len(RunFolder(tmp_path / "b").table("trials", Trial)) == 0


def test_warm_answers_follow_a_request_that_is_not_timed(start: Start, tmp_path: Path) -> None:
    server = start(steady(0.01, 0.01, 2))
    replies = counted(time_all(tmp_path, [server.url], prompts=2, caches=("cold", "warm")))
    assert [reply.cache for reply in replies] == ["cold", "warm"] * 2
    asked = [body.get("cache_prompt") for body in server.seen[1:]]
    assert asked == [False, True, True] * 3  # a warm-up turn and two others
    assert [body["max_tokens"] for body in server.seen[1:4]] == [768, 1, 768]


def test_an_engine_without_a_cache_has_no_warm_answers(tmp_path: Path) -> None:
    name = "http://127.0.0.1:1/v1#coder"
    recipe = evaluation_recipe([name], ["humaneval"], "", 1, None, "server", "", 0)
    recipe = evaluation_recipe([name], ["humaneval"], "", 1, None, "ctranslate2", "", 0)
    contender = Contender(name="a", source=resolve_model(name))
    table = RunFolder(tmp_path).table("trials", Trial)
    with pytest.raises(UsageError, match="keeps nothing of a prompt"):
        Stage([contender], make_variants(1), recipe, BenchConfig(caches=("warm",)), table)


def test_every_model_is_first_as_often(start: Start, tmp_path: Path) -> None:
    server = start(steady(0.0, 0.0, 1))
    trials = time_all(tmp_path, [server.url, server.url], prompts=10, warmup=0)
    firsts = [trial.replies[0].model[-1] for trial in trials]
    assert firsts.count("0") == firsts.count("1") == 5
    assert firsts != sorted(firsts)
