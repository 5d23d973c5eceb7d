"""The engine `server`: a real llama.cpp over HTTP, and a scripted server that fails on purpose."""

import json
import time
from collections.abc import Callable, Iterator, Sequence
from http.server import BaseHTTPRequestHandler
from typing import Any

import httpx
import pytest
from scripted import Scripted, completion, send

from overproof.catalog import ModelSource
from overproof.engines import load_engine
from overproof.engines.generate import Contender, form_for, generate
from overproof.engines.prompts import MESSAGES_STOP, PromptForm, extract_solution
from overproof.engines.protocol import Generation, Request
from overproof.engines.server import IN_FLIGHT, NEUTRAL, ServerEngine
from overproof.errors import EngineError, UsageError
from overproof.evaluation import evaluation_recipe
from overproof.measure.latency import time_models
from overproof.models import resolve_model
from overproof.recipe import ModelsConfig, SamplingConfig, load_recipe
from overproof.records import Problem, Sample, Timing, Variant
from overproof.store import RunFolder
from overproof.study import check_names

PROMPT = 'def add(a, b):\n    """Return the sum of a and b."""\n'
RAW = PromptForm(kind="raw").wrap(PROMPT)
MESSAGES = PromptForm(kind="messages").wrap(PROMPT)


def asking(text: str = "1 + 1 =", chat: bool = False, **more: Any) -> Request:
    return Request(**{"prompt": text, "stop": (), "max_new_tokens": 8, "chat": chat, **more})


def streaming(*chunks: Any, done: bool = True, pause_s: float = 0.0) -> Callable[[Any, Any], None]:
    """A stream of these chunks; without its end mark if it is not `done`."""

    def answer(handler: BaseHTTPRequestHandler, _: Any) -> None:
        handler.send_response(200)
        handler.send_header("Content-Type", "text/event-stream")
        handler.end_headers()
        handler.wfile.write(b": ping\n\n")
        for chunk in chunks:
            time.sleep(pause_s)
            handler.wfile.write(b"data: " + json.dumps(chunk).encode() + b"\n\n")
            handler.wfile.flush()
        if done:
            handler.wfile.write(b"data: [DONE]\n\n")

    return answer


def piece(text: str | None, finish_reason: str | None = None) -> dict[str, Any]:
    return {"choices": [{"index": 0, "text": text, "finish_reason": finish_reason}]}


@pytest.fixture
def engine(scripted: Scripted) -> Iterator[ServerEngine]:
    engine = ServerEngine(
        resolve_model(f"{scripted.url}#coder"), read_timeout_s=5, first_pause_s=0.01
    )
    yield engine
    engine.close()


def failure(engine: ServerEngine, request: Request | None = None) -> EngineError:
    with pytest.raises(EngineError) as caught:
        engine.generate([request or asking()])
    assert caught.value.hint
    assert "\n" not in caught.value.message
    return caught.value


# A real server


@pytest.mark.models
def test_raw_text_is_the_same_as_in_process(served: ModelSource) -> None:
    request = asking(RAW.text, stop=RAW.stop, max_new_tokens=40)
    answers: list[list[Generation]] = []
    for source, name in (
        (served, "server"),
        (resolve_model("smollm2-135m-instruct"), "xllamacpp"),
    ):
        engine = load_engine(source, name, threads=1)
        answers.append(engine.generate([request]))
        engine.close()
    assert answers[0] == answers[1]
    assert "return" in answers[0][0].text


@pytest.mark.models
def test_a_chat_answer_is_one_function_without_the_prose_after_it(served: ModelSource) -> None:
    engine = load_engine(served, "server")
    [without, cut] = [
        engine.generate([asking(MESSAGES.text, chat=True, stop=stop, max_new_tokens=150)])[0]
        for stop in ((), MESSAGES.stop)
    ]
    stamps = engine.time(asking(MESSAGES.text, chat=True, max_new_tokens=6))
    engine.close()
    assert without.text.startswith("```python\n")
    assert without.text.startswith(cut.text)
    assert cut.finish_reason == "stop"
    program = extract_solution(PROMPT, PromptForm(kind="messages").close(cut.text), "add")
    scope: dict[str, Any] = {}
    exec(program, scope)
    assert scope["add"](2, 3) == 5
    assert len(stamps.token_ns) == 6
    assert sorted(stamps.token_ns) == list(stamps.token_ns)


@pytest.mark.models
def test_two_samples_of_a_prompt_differ_though_they_share_a_batch(
    served: ModelSource, tmp_path: Any
) -> None:
    variant = Variant(
        key="v",
        task_id="t/0",
        suite="t",
        operator="nominal",
        family="nominal",
        seed=0,
        prompt="Once upon a time",
        entry_point="f",
    )
    for source, engine in (
        (served, "server"),
        (resolve_model("smollm2-135m-instruct"), "xllamacpp"),
    ):
        samples = generate(
            Contender(name=engine, source=source),
            [variant],
            ModelsConfig(engine=engine, form="raw", threads=1),
            SamplingConfig(num_samples=4, temperature=1.0, max_new_tokens=12),
            0,
            RunFolder(tmp_path / engine).table("samples", Sample),
        )
        assert len({sample.completion for sample in samples}) > 1


# What is sent


def test_fields_and_forms(engine: ServerEngine, scripted: Scripted) -> None:
    chat = completion() | {
        "choices": [{"message": {"content": "```\nx\n"}, "finish_reason": "length"}]
    }
    scripted.answers = [completion(), chat]
    assert engine.generate([asking("raw text", stop=("\n",), seed=3)])[0] == Generation(
        text=" 2", finish_reason="stop", prompt_tokens=5, completion_tokens=2
    )
    assert engine.generate([asking(MESSAGES.text, chat=True)])[0].finish_reason == "length"
    (raw_path, raw, _), (chat_path, asked, _) = scripted.seen
    assert (raw_path, chat_path) == ("/v1/completions", "/v1/chat/completions")
    assert {**raw, **NEUTRAL} == raw  # greedy is not bent by what the server has as its defaults
    assert (raw["model"], raw["prompt"], raw["seed"]) == ("coder", "raw text", 3)
    assert (raw["stop"], raw["max_tokens"], raw["temperature"]) == (["\n"], 8, 0.0)
    assert "prompt" not in asked and "stop" not in asked
    assert asked["messages"] == [{"role": "user", "content": MESSAGES.text}]
    assert PROMPT.strip() in MESSAGES.text


def test_a_stop_string_that_the_server_left_in_is_cut(
    engine: ServerEngine, scripted: Scripted
) -> None:
    scripted.answers = [completion("a\n#b", finish_reason="length")]
    answer = engine.generate([asking(stop=("\n#",))])[0]
    assert (answer.text, answer.finish_reason) == ("a", "stop")


def test_a_server_that_takes_only_openais_fields_is_asked_with_those(
    engine: ServerEngine, scripted: Scripted, capsys: pytest.CaptureFixture[str]
) -> None:
    refusal = (400, {"error": {"message": "Unrecognized request argument supplied: top_k"}})
    scripted.answers = [refusal, completion()]
    assert [answer.text for answer in engine.generate([asking()]) + engine.generate([asking()])]
    bodies = [body for _, body, _ in scripted.seen]
    assert ["top_k" in body for body in bodies] == [True, False, False]
    assert capsys.readouterr().err.count("takes no top_k") == 1


@pytest.mark.parametrize(
    ("set_key", "sent"),
    [
        ({}, None),
        ({"OPENAI_API_KEY": "one"}, "Bearer one"),
        ({"OPENAI_API_KEY": "one", "OVERPROOF_API_KEY": "two\n"}, "Bearer two"),
    ],
)
def test_the_key_comes_from_the_environment(
    scripted: Scripted, monkeypatch: pytest.MonkeyPatch, set_key: dict[str, str], sent: str | None
) -> None:
    for name, key in set_key.items():
        monkeypatch.setenv(name, key)
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")  # not for this machine
    engine = load_engine(resolve_model(f"{scripted.url}#coder"), "server")
    engine.generate([asking()])
    engine.close()
    assert scripted.seen[0][2].get("Authorization") == sent


def test_the_key_goes_over_https_or_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OVERPROOF_API_KEY", "secret")
    sent: dict[str, str | None] = {}

    def refuse(client: httpx.Client, request: httpx.Request, **_: object) -> httpx.Response:
        sent[str(request.url)] = request.headers.get("Authorization")
        return httpx.Response(401, json={"error": "who are you?"}, request=request)

    monkeypatch.setattr(httpx.Client, "send", refuse)
    hints = []
    for url in ("http://gpu.example/v1", "https://gpu.example/v1", "http://[::1]:8000/v1"):
        engine = ServerEngine(resolve_model(f"{url}#coder"))
        hints.append(failure(engine).hint)
        engine.close()
    assert list(sent.values()) == [None, "Bearer secret", "Bearer secret"]
    assert "https or a tunnel" in hints[0]
    assert "check the key" in hints[1]


def test_a_redirect_is_named_and_not_followed(engine: ServerEngine, scripted: Scripted) -> None:
    scripted.answers = [(307, "", {"Location": "https://elsewhere.example/v1"})]
    assert "elsewhere.example" in failure(engine).hint
    assert len(scripted.seen) == 1


def test_requests_run_side_by_side_but_not_without_limit(
    engine: ServerEngine, scripted: Scripted
) -> None:
    def slow(handler: BaseHTTPRequestHandler, _: Any) -> None:
        time.sleep(0.1)
        send(handler, 200, completion(), {})

    scripted.answers = [slow]
    count = IN_FLIGHT + 8
    assert len(engine.generate([asking()] * count)) == count
    assert 2 <= scripted.most_at_once <= IN_FLIGHT


def test_answers_come_back_in_order(engine: ServerEngine, scripted: Scripted) -> None:
    def echo(handler: BaseHTTPRequestHandler, body: Any) -> None:
        time.sleep(0.01 * (len(body["prompt"]) % 3))
        send(handler, 200, completion(body["prompt"]), {})

    scripted.answers = [echo]
    prompts = ["x" * number for number in range(1, 12)]
    assert [a.text for a in engine.generate([asking(prompt) for prompt in prompts])] == prompts


# Faults that pass


def test_a_busy_server_is_asked_again_after_the_pause_it_names(
    engine: ServerEngine, scripted: Scripted
) -> None:
    scripted.answers = [(429, {"error": "busy"}, {"Retry-After": "1"}), completion()]
    began = time.monotonic()
    assert engine.generate([asking()])[0].text == " 2"
    assert time.monotonic() - began >= 1
    assert len(scripted.seen) == 2


def hang_up(handler: BaseHTTPRequestHandler, _: Any) -> None:
    handler.close_connection = True


def half_an_answer(handler: BaseHTTPRequestHandler, _: Any) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    handler.wfile.write(b'{"choices": [')


@pytest.mark.parametrize(
    "fault",
    [
        (500, "out of memory"),
        (503, {"error": {"message": "Loading model"}}),
        hang_up,
        half_an_answer,
    ],
)
def test_faults_that_pass_are_outlived(
    engine: ServerEngine, scripted: Scripted, fault: Any
) -> None:
    scripted.answers = [fault, fault, fault, completion()]
    assert engine.generate([asking()])[0].text == " 2"
    assert len(scripted.seen) == 4


def test_half_a_stream_is_read_again_and_leaves_no_stamps(
    engine: ServerEngine, scripted: Scripted
) -> None:
    scripted.answers = [
        streaming(piece("a"), piece("b"), piece("c"), done=False),
        streaming(piece("a"), piece("b", "stop")),
    ]
    assert len(engine.time(asking()).token_ns) == 2


# Faults that stay


def test_a_server_that_keeps_failing_is_given_up(engine: ServerEngine, scripted: Scripted) -> None:
    scripted.answers = [(500, {"error": {"message": "out of\nmemory"}})]
    assert "500, out of memory (5 times)" in failure(engine).message
    assert len(scripted.seen) == 5


def test_half_a_stream_each_time_is_an_error(engine: ServerEngine, scripted: Scripted) -> None:
    scripted.answers = [streaming(piece("a"), done=False)]
    with pytest.raises(EngineError, match="half-way"):
        engine.time(asking())


def test_an_error_inside_a_stream_is_an_error(engine: ServerEngine, scripted: Scripted) -> None:
    scripted.answers = [streaming(piece("a"), {"error": {"message": "CUDA error"}})]
    with pytest.raises(EngineError, match="CUDA error"):
        engine.time(asking())


def test_no_server_is_found_out_at_once(scripted: Scripted) -> None:
    engine = ServerEngine(resolve_model(f"{scripted.url}#coder"), first_pause_s=60)
    scripted.close()
    began = time.monotonic()
    error = failure(engine)
    engine.close()
    assert time.monotonic() - began < 5
    assert f"{scripted.url}#coder: no server answers there" in error.message
    assert "start it" in error.hint


def test_an_answer_that_does_not_come_is_given_up_once(scripted: Scripted) -> None:
    scripted.answers = [lambda handler, body: time.sleep(0.6)]
    engine = ServerEngine(resolve_model(f"{scripted.url}#coder"), read_timeout_s=0.2)
    error = failure(engine)
    engine.close()
    assert "nothing came for 0.2 s" in error.message
    assert "sampling.batch_size" in error.hint
    assert len(scripted.seen) == 1


@pytest.mark.parametrize(
    ("answer", "message", "hint"),
    [
        ((401, {"error": {"message": "Incorrect key"}}), "401, Incorrect key", "OVERPROOF_API_KEY"),
        ((400, {"detail": [{"msg": "context length"}]}), "context length", "longer context"),
        ("<html>nginx</html>", "not JSON: '<html>nginx</html>'", "/v1"),
        ("[]", "not a JSON object", "/v1"),
        ({"object": "text_completion"}, "without choices", "/v1"),
        ({"choices": ["text"]}, "no list of objects", "/v1"),
        ({"choices": [{"finish_reason": "stop"}]}, "without text", "/v1"),
        ({"choices": [{"message": {}, "finish_reason": "stop"}]}, "without content", "/v1"),
        (completion(finish_reason=None), "finish_reason None", "/v1"),
        (completion(finish_reason="abort"), "finish_reason 'abort'", "/v1"),
    ],
)
def test_an_unusable_answer_is_an_error_that_says_so(
    engine: ServerEngine, scripted: Scripted, answer: Any, message: str, hint: str
) -> None:
    scripted.answers = [(200, answer) if isinstance(answer, str) else answer]
    error = failure(engine)
    assert error.message.startswith(f"{scripted.url}#coder: ")
    assert message in error.message
    assert hint in error.hint
    assert len(scripted.seen) == 1


@pytest.mark.parametrize(
    ("models", "chat", "hint"),
    [
        ({"data": [{"id": "tiny"}, {"id": "large"}]}, False, "name one of its models: tiny, large"),
        ({"data": [{"id": "coder"}]}, False, "not /completions: use models.form=chat"),
        ({"data": [{"id": "coder"}]}, True, "not /chat/completions: use models.form=raw"),
        ((404, "nothing"), False, "usually ends in /v1"),
    ],
)
def test_not_found_says_what_was_not_found(
    engine: ServerEngine, scripted: Scripted, models: Any, chat: bool, hint: str
) -> None:
    scripted.answers = [(404, {"detail": "Not Found"}), models]
    error = failure(engine, asking(chat=chat))
    assert "404, Not Found" in error.message
    assert hint in error.hint


def test_what_a_server_says_cannot_write_to_the_terminal(
    engine: ServerEngine, scripted: Scripted
) -> None:
    scripted.answers = [(418, {"error": "\x1b[2Jteapot\x07" + "x" * 5000})]
    message = failure(engine).message
    assert message.isprintable()
    assert len(message) < 400


# Tokens and times


def test_tokens_are_stamped_as_they_arrive(engine: ServerEngine, scripted: Scripted) -> None:
    role = {"choices": [{"delta": {"role": "assistant", "content": ""}, "finish_reason": None}]}
    thought = {"choices": [{"delta": {"reasoning_content": "hm"}, "finish_reason": None}]}
    words = [{"choices": [{"delta": {"content": text}}]} for text in ("a", "b")]
    end = {"choices": [{"delta": {}, "finish_reason": "stop"}]}
    scripted.answers = [streaming(role, thought, *words, end, {"choices": []}, pause_s=0.03)]
    stamps = engine.time(asking(chat=True))
    assert len(stamps.token_ns) == 3
    assert stamps.token_ns[0] - stamps.sent_ns > 50e6
    assert all(b - a > 10e6 for a, b in zip(stamps.token_ns, stamps.token_ns[1:], strict=False))
    assert stamps.cpu_seconds == 0


def test_tokens_that_shared_a_chunk_are_counted(engine: ServerEngine, scripted: Scripted) -> None:
    usage = {"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 5}}
    scripted.answers = [streaming(piece("a b"), piece("c d"), piece("", "length"), usage)]
    stamps = engine.time(asking())
    assert len(stamps.token_ns) == 5
    assert list(stamps.token_ns) == sorted(stamps.token_ns)


def test_no_timed_prompt_is_read_from_the_cache(engine: ServerEngine, scripted: Scripted) -> None:
    scripted.answers = [streaming(piece("a", "stop"))]
    for _ in range(2):
        engine.time(asking())
    first, second = (body for _, body, _ in scripted.seen)
    assert first["cache_prompt"] is False
    assert first["cache_salt"] != second["cache_salt"]


def test_tokens_are_not_made_up_where_the_server_does_not_count(
    engine: ServerEngine, scripted: Scripted
) -> None:
    scripted.answers = [completion(usage=None)]
    answer = engine.generate([asking()])[0]
    assert (answer.prompt_tokens, answer.completion_tokens) == (0, 0)


def test_an_answer_that_was_all_reasoning_is_empty(
    engine: ServerEngine, scripted: Scripted
) -> None:
    message = {"role": "assistant", "content": None, "reasoning_content": "hm, hm"}
    scripted.answers = [{"choices": [{"message": message, "finish_reason": "length"}]}]
    answer = engine.generate([asking(chat=True)])[0]
    assert (answer.text, answer.finish_reason) == ("", "length")


def test_latency_rows_of_a_server_have_no_cpu_time(scripted: Scripted, tmp_path: Any) -> None:
    scripted.answers = [streaming(piece("a"), piece("b", "stop"), pause_s=0.01)]
    models = [f"{scripted.url}#coder", f"{scripted.url}#other"]
    recipe = evaluation_recipe(models, ["humaneval"], "", 1, None, "auto", "", 2)
    problem = Problem(
        task_id="t/0", prompt=PROMPT, entry_point="add", canonical_solution="", test=""
    )
    rows = time_models(
        [Contender(name=name, source=resolve_model(name)) for name in models],
        [problem],
        recipe,
        RunFolder(tmp_path).table("timings", Timing),
    )
    assert [(row.completion_tokens, row.cpu_seconds) for row in rows] == [(2, 0.0), (2, 0.0)]
    assert all(0 < row.ttft_ms < row.e2e_ms for row in rows)


# Where a server may stand


def test_a_server_is_asked_by_messages_unless_raw_is_wanted() -> None:
    source = resolve_model("http://127.0.0.1:8000/v1#coder")
    kinds = [form_for(source, name).kind for name in ("auto", "chat", "raw")]
    assert kinds == ["messages", "messages", "raw"]
    with pytest.raises(EngineError, match="brief"):
        form_for(source, "brief")


@pytest.mark.parametrize("fence", ["```python", "```", "Here it is:\n\n```", "Sure.\n```py"])
@pytest.mark.parametrize("end", ["\n```", "\n```\n", "\n```\n\nIt adds.\n```\nadd(1, 2)\n```", ""])
def test_the_stop_string_of_messages_never_costs_the_program(fence: str, end: str) -> None:
    written = f"{fence}\ndef add(a, b):\n    return a + b{end}"
    kept = written.partition(MESSAGES_STOP[0])[0]
    program = extract_solution(PROMPT, PromptForm(kind="messages").close(kept), "add")
    scope: dict[str, Any] = {}
    exec(program, scope)
    assert scope["add"](2, 3) == 5


def test_an_engine_runs_models_of_its_own_place_only() -> None:
    with pytest.raises(EngineError, match="on a server"):
        load_engine(resolve_model("http://127.0.0.1:8000/v1#coder"), "xllamacpp")
    with pytest.raises(EngineError, match="not on a server"):
        load_engine(ModelSource(name="coder", kind="folder"), "server")


SERVER = "http://127.0.0.1:8000/v1#coder"


def test_auto_picks_the_server_if_all_are() -> None:
    def pick(*models: str) -> ModelsConfig:
        return evaluation_recipe(models, ["humaneval"], "", 1, None, "auto", "", 0).models

    picked = pick(SERVER, SERVER)
    assert (picked.engine, picked.precision) == ("server", "server")
    assert pick("smollm2-135m-instruct").engine == "xllamacpp"


@pytest.mark.parametrize(
    ("models", "engine", "message"),
    [
        ((SERVER, "smollm2-135m-instruct"), "auto", "a table has one engine"),
        ((SERVER,), "ctranslate2", "cannot run http.*which is on a server"),
        (("smollm2-135m-instruct",), "server", "cannot run smollm2.*not on a server"),
    ],
)
def test_a_table_has_one_engine(models: Sequence[str], engine: str, message: str) -> None:
    recipe = evaluation_recipe(models, ["humaneval"], "", 1, None, engine, "", 0)
    with pytest.raises(UsageError, match=message):
        check_names(recipe, models)


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ([f"models.student={SERVER}"], "models.student: .* no weights"),
        ([f"models.teacher={SERVER}"], "models.teacher: .* tokenizer is not known"),
        (
            [f"models.teacher={SERVER}", "models.tokenizer=a/b", "teach.temperature=2"],
            "top K at temperature 1",
        ),
    ],
)
def test_a_server_that_cannot_be_distilled_is_refused_before_any_work(
    overrides: list[str], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        check_names(load_recipe("demo", overrides))


def test_a_server_with_a_known_tokenizer_may_teach() -> None:
    overrides = [f"models.teacher={SERVER}", "models.tokenizer=smollm2-135m-instruct"]
    check_names(load_recipe("demo", overrides))


def test_a_password_is_not_taken_into_an_address() -> None:
    with pytest.raises(UsageError, match="would end up in the report"):
        resolve_model("http://me:secret@127.0.0.1:8000/v1#coder")
