"""Several addresses, limits a minute, and servers that misbehave: nothing is ever made up."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest
from scripted import Scripted, completion, send

from overproof.engines.protocol import Generation, Request
from overproof.engines.server import ServerEngine
from overproof.engines.server_config import ServerConfig
from overproof.engines.server_rates import BURST_SECONDS, Rates
from overproof.engines.server_usage import usage_of
from overproof.errors import EngineError, RecipeError, UsageError
from overproof.models import resolve_model
from overproof.recipe import load_recipe
from overproof.records import Sample

SILENCE_S = 1.0
"""After which an answer is given up where silence is what is tested."""

Make = Callable[..., ServerEngine]


def asking(text: str = "1 + 1 =", **more: Any) -> Request:
    return Request(**{"prompt": text, "stop": (), "max_new_tokens": 8, **more})


def many(count: int) -> list[Request]:
    return [asking("x" * number) for number in range(1, count + 1)]


def echo(handler: BaseHTTPRequestHandler, body: dict[str, Any]) -> None:
    time.sleep(0.02)
    send(handler, 200, completion(body["prompt"]), {})


def half_an_answer(handler: BaseHTTPRequestHandler, body: dict[str, Any]) -> None:
    """Half of what the header promises, and the connection is gone."""
    handler.send_response(200)
    handler.send_header("Content-Length", "4000")
    handler.end_headers()
    handler.wfile.write(b'{"choices": [{"index": 0, "te')
    handler.wfile.flush()
    handler.connection.close()


def silent(handler: BaseHTTPRequestHandler, body: dict[str, Any]) -> None:
    time.sleep(2 * SILENCE_S)


FAULTS: dict[str, Any] = {
    "429": (429, {"error": "busy"}),
    "500": (500, {"error": "CUDA error"}),
    "half an answer": half_an_answer,
    "invalid JSON": (200, '{"choices": [{"te'),
    "silence": silent,
}


@pytest.fixture
def second() -> Iterator[Scripted]:
    server = Scripted()
    yield server
    server.close()


@pytest.fixture
def make() -> Iterator[Make]:
    engines: list[ServerEngine] = []

    def made(*servers: Scripted, **config: Any) -> ServerEngine:
        urls = ",".join(server.url for server in servers)
        engine = ServerEngine(
            resolve_model(f"{urls}#coder"),
            config=ServerConfig(**{"read_timeout_s": 30.0, **config}),
            first_pause_s=0.02,
        )
        engines.append(engine)
        return engine

    yield made
    for engine in engines:
        engine.close()


def texts(answers: Sequence[Generation]) -> list[str]:
    return [answer.text for answer in answers]


# Several addresses


def test_the_first_address_and_the_name_are_the_model() -> None:
    one = resolve_model("http://a:1/v1#coder")
    two = resolve_model("http://a:1/v1/, http://b:1/v1#coder")
    other = resolve_model("http://b:1/v1,http://a:1/v1#coder")
    assert two.url == "http://a:1/v1,http://b:1/v1"
    assert one.sha256 == two.sha256 != other.sha256


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("http://a/v1,http://a/v1/#coder", "comes twice"),
        ("http://a/v1,ftp://b/v1#coder", "not a server address"),
        ("http://a/v1,b/v1#coder", "not a server address"),
        ("http://a/v1,http://b/v1", "which model"),
        ("http://a/v1,http://me:pw@b/v1#coder", "would end up in the report"),
    ],
)
def test_a_wrong_address_among_several_is_named(name: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        resolve_model(name)


def test_requests_are_spread_and_come_back_in_order(
    make: Make, scripted: Scripted, second: Scripted
) -> None:
    scripted.answers = second.answers = [echo]
    requests = many(20)
    answers = make(scripted, second, in_flight=3).generate(requests)
    assert texts(answers) == [request.prompt for request in requests]
    assert len(scripted.seen) + len(second.seen) == 20
    assert min(len(scripted.seen), len(second.seen)) >= 5
    assert max(scripted.most_at_once, second.most_at_once) <= 3


@pytest.mark.parametrize("fault", FAULTS)
def test_a_failing_address_is_left_out_and_every_answer_is_anothers(
    make: Make, scripted: Scripted, second: Scripted, fault: str
) -> None:
    scripted.answers, second.answers = [FAULTS[fault]], [echo]
    requests = many(12)
    patience_s = SILENCE_S if fault == "silence" else 30.0
    engine = make(scripted, second, in_flight=2, retries=8, read_timeout_s=patience_s)
    answers = engine.generate(requests)
    assert texts(answers) == [request.prompt for request in requests]
    assert len(second.seen) == 12


def test_an_address_that_was_never_there_is_left_out(
    make: Make, scripted: Scripted, second: Scripted
) -> None:
    scripted.answers = [echo]
    second.close()
    answers = make(second, scripted).generate(many(6))
    assert texts(answers) == [request.prompt for request in many(6)]


def test_an_address_comes_back_when_it_answers_again(
    make: Make, scripted: Scripted, second: Scripted
) -> None:
    scripted.answers, second.answers = [(500, {"error": "loading"}), echo], [echo]
    engine = make(scripted, second, in_flight=1)
    for _ in range(6):
        engine.generate(many(2))
        time.sleep(0.05)
    assert len(scripted.seen) >= 4


def test_on_probation_an_address_gets_one_request(
    make: Make, scripted: Scripted, second: Scripted
) -> None:
    scripted.answers, second.answers = [(500, {"error": "loading"})], [echo]
    engine = make(scripted, second, in_flight=4, retries=8)
    engine.generate(many(8))  # some of them met the fault
    at_once: list[int] = []

    def watched(handler: BaseHTTPRequestHandler, body: dict[str, Any]) -> None:
        time.sleep(0.3)
        at_once.append(scripted.at_once)
        echo(handler, body)

    scripted.answers, second.answers = [watched], [watched]
    time.sleep(0.3)
    assert texts(engine.generate(many(16))) == [request.prompt for request in many(16)]
    assert at_once[0] == 1
    assert max(at_once) > 1


def test_if_all_addresses_fail_the_run_stops_with_one_line(
    make: Make, scripted: Scripted, second: Scripted
) -> None:
    scripted.answers = second.answers = [(500, {"error": "CUDA error"})]
    with pytest.raises(EngineError) as caught:
        make(scripted, second, retries=3).generate(many(4))
    assert "500, CUDA error (4 times)" in caught.value.message
    assert "\n" not in caught.value.message
    assert caught.value.hint


# One address


@pytest.mark.parametrize("fault", ["429", "500", "half an answer"])
def test_what_passes_is_waited_out(make: Make, scripted: Scripted, fault: str) -> None:
    scripted.answers = [FAULTS[fault], FAULTS[fault], echo]
    assert texts(make(scripted).generate([asking("abc")])) == ["abc"]
    assert len(scripted.seen) == 3


@pytest.mark.parametrize("fault", FAULTS)
def test_what_does_not_pass_stops_the_run_with_one_line(
    make: Make, scripted: Scripted, fault: str
) -> None:
    scripted.answers = [FAULTS[fault]]
    with pytest.raises(EngineError) as caught:
        make(scripted, retries=2, read_timeout_s=SILENCE_S).generate(many(3))
    assert caught.value.message.startswith(f"{scripted.url}#coder: ")
    assert "\n" not in caught.value.message and caught.value.hint


def test_a_batch_that_fails_leaves_no_request_running(make: Make, scripted: Scripted) -> None:
    scripted.answers = [(400, {"error": "no"})]
    with pytest.raises(EngineError):
        make(scripted, in_flight=2).generate(many(40))
    seen = len(scripted.seen)
    assert seen < 40
    time.sleep(0.1)
    assert len(scripted.seen) == seen


# Counts and cost


@pytest.mark.parametrize(
    ("usage", "counted"),
    [
        ({"prompt_tokens": 5, "completion_tokens": 2}, (5, 2)),
        ({"prompt_tokens": 5, "completion_tokens": 10**9}, (5, 0)),
        ({"prompt_tokens": -5, "completion_tokens": 2}, (0, 2)),
        ({"prompt_tokens": "5", "completion_tokens": True}, (0, 0)),
        ({"prompt_tokens": 10**7, "completion_tokens": 2.5}, (0, 0)),
        ({"prompt_tokens": None}, (0, 0)),
        ([], (0, 0)),
        (None, (0, 0)),
    ],
)
def test_counts_that_cannot_be_are_none(
    make: Make, scripted: Scripted, usage: Any, counted: tuple[int, int]
) -> None:
    scripted.answers = [completion("the answer") | {"usage": usage}]
    (answer,) = make(scripted).generate([asking()])
    assert answer.text == "the answer"
    assert (answer.prompt_tokens, answer.completion_tokens) == counted


def test_wrong_counts_are_told_once(
    make: Make, scripted: Scripted, capsys: pytest.CaptureFixture[str]
) -> None:
    scripted.answers = [completion() | {"usage": {"completion_tokens": 10**9}}]
    make(scripted).generate(many(5))
    assert capsys.readouterr().err.count("counts tokens that cannot be") == 1


def test_a_stream_with_a_wrong_count_is_no_longer_than_it_was(
    make: Make, scripted: Scripted
) -> None:
    from test_server import piece, streaming

    usage = {"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 10**12}}
    scripted.answers = [streaming(piece("a"), piece("b", "stop"), usage)]
    assert len(make(scripted).time(asking()).token_ns) == 2


def test_tokens_and_cost_are_summed_and_gaps_are_told() -> None:
    config = ServerConfig(prompt_price=2.0, completion_price=10.0)
    samples = [sample(0, 100, 50), sample(1, 300, 150), sample(2, 0, 0)]
    assert usage_of(samples, config) == {
        "prompt_tokens": 400,
        "completion_tokens": 200,
        "samples_without_count": 1,
        "cost": pytest.approx((400 * 2 + 200 * 10) / 1e6),
    }
    assert "cost" not in usage_of(samples, ServerConfig())


def sample(number: int, read: int, written: int) -> Sample:
    return Sample(
        key=str(number),
        task_id="t",
        variant="v",
        operator="nominal",
        seed=0,
        model="m",
        sample_index=0,
        completion="",
        solution="",
        engine="server",
        precision="server",
        finish_reason="stop",
        seconds=0.0,
        prompt_tokens=read,
        completion_tokens=written,
    )  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "change", ["in_flight=0", "retries=-1", "prompt_price=-1", "read_timeout_s=0"]
)
def test_values_out_of_range_are_refused(change: str) -> None:
    with pytest.raises(RecipeError, match=f"models.server.{change.partition('=')[0]} must"):
        load_recipe("demo", [f"models.server.{change}"])


# Limits a minute


class Clock:
    """Time that passes only by sleeping."""

    def __init__(self) -> None:
        self.now = 0.0
        self.lock = threading.Lock()

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        with self.lock:
            self.now += seconds


def test_no_minute_holds_more_requests_than_allowed_and_a_burst() -> None:
    clock = Clock()
    rates = Rates(60, 0, clock=clock, sleep=clock.sleep)
    times = []
    for _ in range(300):
        rates.take()
        times.append(clock.now)
    most = max(sum(start <= t < start + 60 for t in times) for start in times)
    assert most <= 60 + BURST_SECONDS
    assert times[-1] == pytest.approx(300 - BURST_SECONDS, abs=1.5)


def test_tokens_that_were_not_used_come_back() -> None:
    spent = []
    for given_back in (0, 900):
        clock = Clock()
        rates = Rates(0, 6000, clock=clock, sleep=clock.sleep)
        for _ in range(20):
            rates.take(1000)
            rates.give_back(given_back)
        spent.append(clock.now)
    assert spent[0] == pytest.approx(190, abs=10)
    assert spent[1] < spent[0] / 4


def test_one_request_larger_than_the_bucket_is_let_through_and_paid_for() -> None:
    clock = Clock()
    rates = Rates(0, 600, clock=clock, sleep=clock.sleep)
    rates.take(1200)
    rates.take(10)
    assert clock.now == pytest.approx((1200 - 100 + 10) / 10, abs=1)


def test_an_engine_keeps_to_its_limit(make: Make, scripted: Scripted) -> None:
    began = time.monotonic()
    make(scripted, requests_per_minute=600).generate(many(110))  # 100 at once, then ten a second
    assert time.monotonic() - began > 0.8
    assert len(scripted.seen) == 110
