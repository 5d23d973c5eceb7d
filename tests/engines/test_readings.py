"""Log-probabilities of given text from servers: vLLM's shapes, scripted, and a real llama.cpp."""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from scripted import Scripted, completion, send

from overproof.catalog import ModelSource
from overproof.engines import load_engine
from overproof.engines.prepare import load_tokenizer
from overproof.engines.readings import NOTHING, WAYS, TokenNames, Told, read_ahead
from overproof.engines.server import ServerEngine
from overproof.engines.sparse import captured_mass
from overproof.errors import EngineError
from overproof.models import resolve_model

pytestmark = pytest.mark.models

PROMPT = "def add(a, b):\n"
TARGET = "    return a + b\n"


@pytest.fixture(scope="module")
def source() -> ModelSource:
    return resolve_model("smollm2-135m-instruct")


@pytest.fixture(scope="module")
def names(source: ModelSource) -> TokenNames:
    return TokenNames(load_tokenizer(source))


@pytest.fixture
def engine(scripted: Scripted, source: ModelSource) -> Iterator[ServerEngine]:
    engine = ServerEngine(
        resolve_model(f"{scripted.url}#coder"), tokenizer=source, first_pause_s=0.01
    )
    yield engine
    engine.close()


def ids(names: TokenNames, target: str = TARGET) -> tuple[list[int], list[int]]:
    return names.encode(PROMPT), names.encode(target)


def rivals(gold: int) -> dict[int, float]:
    """Two tokens that are likelier than the text's own: half and a quarter; its own has a tenth."""
    return {(gold + 1) % 1000 + 500: math.log(0.5), (gold + 2) % 1000 + 500: math.log(0.25)}


def as_prompt_logprobs(names: TokenNames, top_k: int) -> dict[str, Any]:
    """Answer as vLLM does: the K likeliest of every token of the prompt, and the token itself."""

    def entry(token: int, logprob: float, rank: int) -> dict[str, Any]:
        text = names.tokenizer.decode([token])
        return {"logprob": logprob, "rank": rank, "decoded_token": text}

    before, after = ids(names)
    rows: list[Any] = [None]
    for gold in (*before[1:], *after):
        row = {str(gold): entry(gold, math.log(0.1), 3)}
        for rank, (token, logprob) in enumerate(list(rivals(gold).items())[:top_k], start=1):
            row[str(token)] = entry(token, logprob, rank)
        rows.append(row)
    answer = completion()
    answer["choices"][0]["prompt_logprobs"] = rows
    return answer


def as_echo(names: TokenNames, *, by_id: bool, answer_tokens: int = 1) -> dict[str, Any]:
    """The answer to `echo`: lists over the prompt and what was written after it."""

    def name(token: int) -> str:
        return f"token_id:{token}" if by_id else str(names.tokenizer.decode([token]))

    before, after = ids(names)
    text = [*before, *after, *[500] * answer_tokens]
    answer = completion()
    answer["choices"][0]["logprobs"] = {
        "tokens": [name(token) for token in text],
        "token_logprobs": [None, *[math.log(0.1)] * (len(text) - 1)],
        "top_logprobs": [
            None,
            *[
                {name(token): logprob for token, logprob in rivals(gold).items()}
                for gold in text[1:]
            ],
        ],
        "text_offset": [0] * len(text),
    }
    return answer


def check_rows(engine: ServerEngine, names: TokenNames, top_k: int = 4) -> None:
    top = engine.score(PROMPT, TARGET, top_k)
    _, after = ids(names)
    assert top.token_ids.tolist() == after
    for row, gold in enumerate(after):
        expected = [*rivals(gold), gold]
        assert top.ids[row].tolist() == [*expected, *[-1] * (top_k - 3)]
        assert np.exp(top.logprobs[row, :3].astype(float)) == pytest.approx(
            [0.5, 0.25, 0.1], rel=2e-3
        )
        assert np.exp(float(top.tail[row])) == pytest.approx(0.15, rel=1e-2)
    assert captured_mass(top) == pytest.approx(0.85, abs=2e-3)


def test_vllm_tells_the_prompt(
    engine: ServerEngine, scripted: Scripted, names: TokenNames, capsys: pytest.CaptureFixture[str]
) -> None:
    scripted.answers = [as_prompt_logprobs(names, 4)]
    check_rows(engine, names)
    check_rows(engine, names)
    body = scripted.seen[0][1]
    before, after = ids(names)
    assert body["prompt"] == before + after
    assert (body["prompt_logprobs"], body["max_tokens"], body["temperature"]) == (4, 1, 0.0)
    assert capsys.readouterr().err.count("tells 3 tokens at most") == 1


def test_the_texts_own_token_takes_the_place_of_the_least_likely(
    engine: ServerEngine, scripted: Scripted, names: TokenNames
) -> None:
    scripted.answers = [as_prompt_logprobs(names, 2)]
    top = engine.score(PROMPT, TARGET, 2)
    likeliest = [next(iter(rivals(gold))) for gold in top.token_ids.tolist()]
    assert top.ids.tolist() == [
        [first, gold] for first, gold in zip(likeliest, top.token_ids, strict=True)
    ]


@pytest.mark.parametrize("by_id", [True, False])
@pytest.mark.parametrize("answer_tokens", [0, 1])
def test_echoed_text_is_read(
    engine: ServerEngine, scripted: Scripted, names: TokenNames, by_id: bool, answer_tokens: int
) -> None:
    echo = as_echo(names, by_id=by_id, answer_tokens=answer_tokens)
    scripted.answers = [completion(), echo]
    if by_id:
        check_rows(engine, names)
    else:  # by their text, rivals that are no single token are left out
        top = engine.score(PROMPT, TARGET, 4)
        assert (top.ids == top.token_ids[:, None]).any(axis=1).all()
        assert (top.ids >= 0).sum() > 2 * len(top.token_ids)
    engine.score(PROMPT, TARGET, 4)
    asked = [sorted(WAY_OF & body.keys()) for _, body, _ in scripted.seen]
    assert asked == [["prompt_logprobs"], ["echo"], ["echo"]]  # the way is found out once


WAY_OF = {"prompt_logprobs", "echo", "ignore_eos"}


def test_a_field_that_is_refused_leads_to_the_next_way(
    engine: ServerEngine, scripted: Scripted, names: TokenNames
) -> None:
    def refused(name: str) -> tuple[int, Any]:
        return 400, {"error": {"message": f"Unrecognized request argument supplied: {name}"}}

    scripted.answers = [
        refused("prompt_logprobs"),
        refused("return_tokens_as_token_ids"),
        as_echo(names, by_id=True),
    ]
    check_rows(engine, names)
    assert "return_tokens_as_token_ids" not in scripted.seen[-1][1]


def test_padding_of_a_list_is_no_token(
    engine: ServerEngine, scripted: Scripted, names: TokenNames
) -> None:
    answer = as_prompt_logprobs(names, 4)
    for row in answer["choices"][0]["prompt_logprobs"][1:]:
        row["7"] = {"logprob": NOTHING, "rank": 9, "decoded_token": None}
        row[str(names.size + 5)] = {"logprob": -0.1, "rank": 1, "decoded_token": ""}
    scripted.answers = [answer]
    check_rows(engine, names)


# A server that only writes on


def writing(names: TokenNames, *, own: int = -1) -> Any:
    """A model that writes the target, but for one place, in llama-server's shape."""

    def answer(handler: Any, body: dict[str, Any]) -> None:
        before, after = ids(names)
        reply = completion()
        if "prompt_logprobs" not in body and "echo" not in body:
            place = len(body["prompt"]) - len(before)
            assert body["prompt"] == [*before, *after[:place]]
            entries = []
            for number in range(place, place + body["max_tokens"]):
                gold = after[number] if number < len(after) else 500
                written = gold + 1 if number == own else gold
                told = {"id": written, "token": names.tokenizer.decode([written])}
                entries.append(
                    {**told, "logprob": math.log(0.5), "top_logprobs": [{**told, "logprob": -0.7}]}
                )
            reply["choices"][0]["logprobs"] = {"content": entries}
        send(handler, 200, reply, {})

    return answer


def test_a_server_that_writes_on_is_read_along(
    engine: ServerEngine, scripted: Scripted, names: TokenNames
) -> None:
    scripted.answers = [writing(names)]
    top = engine.score(PROMPT, TARGET, 4)
    assert top.ids[:, 0].tolist() == top.token_ids.tolist()
    assert (top.ids[:, 1:] == -1).all()
    assert len(scripted.seen) == len(WAYS)  # one request was enough
    assert scripted.seen[-1][1]["cache_prompt"] is True


def test_it_is_asked_again_where_it_parts_from_the_text(
    engine: ServerEngine, scripted: Scripted, names: TokenNames
) -> None:
    scripted.answers = [writing(names, own=2)]
    top = engine.score(PROMPT, TARGET, 4)
    gold = top.token_ids.tolist()
    assert top.ids[:, 0].tolist() == [*gold[:2], gold[2] + 1, *gold[3:]]  # its own is not known
    assert np.exp(top.tail.astype(float)) == pytest.approx(0.5, rel=2e-3)
    prompts = [len(body["prompt"]) - len(ids(names)[0]) for _, body, _ in scripted.seen[2:]]
    assert prompts == [0, 3]


def test_every_place_is_read_once_whatever_is_written() -> None:
    rng = np.random.default_rng(0)
    for _ in range(50):
        gold = rng.integers(0, 3, 40).tolist()
        asked: list[int] = []

        def write(prompt: list[int], count: int, asked: list[int] = asked) -> list[Told]:
            asked.append(count)
            place = len(prompt)
            return [
                Told(int(rng.integers(0, 3)), {place + number: -1.0}) for number in range(count)
            ]

        rows = read_ahead(write, [], gold)
        assert [next(iter(row)) for row in rows] == list(range(40))
        assert sum(asked) < 4 * len(gold)


# What cannot be read says so


@pytest.mark.parametrize("more", [{"sampled": True}, {"temperature": 2.0}])
def test_a_server_gives_neither_draws_nor_temperatures(
    engine: ServerEngine, more: dict[str, Any]
) -> None:
    with pytest.raises(EngineError, match="temperature 1") as caught:
        engine.score(PROMPT, TARGET, 4, **more)
    assert "teach.signal=top" in caught.value.hint


def test_a_server_without_a_tokenizer_is_no_teacher(scripted: Scripted) -> None:
    engine = ServerEngine(resolve_model(f"{scripted.url}#coder"))
    with pytest.raises(EngineError, match="tokenizer must be named"):
        engine.score(PROMPT, TARGET, 4)
    engine.close()
    assert not scripted.seen


def test_a_server_that_tells_nothing_names_those_that_do(
    engine: ServerEngine, scripted: Scripted
) -> None:
    with pytest.raises(EngineError, match="tells no log-probabilities") as caught:
        engine.score(PROMPT, TARGET, 4)
    assert "vLLM" in caught.value.hint and "llama-server" in caught.value.hint


def test_more_than_the_server_allows(engine: ServerEngine, scripted: Scripted) -> None:
    message = "Requested prompt logprobs of 32, which is greater than max allowed: 20"
    scripted.answers = [(400, {"error": {"message": message}})]
    with pytest.raises(EngineError, match="max allowed: 20") as caught:
        engine.score(PROMPT, TARGET, 32)
    assert "--max-logprobs 32" in caught.value.hint


def test_another_tokenizer_is_found_out(
    engine: ServerEngine, scripted: Scripted, names: TokenNames
) -> None:
    answer = as_prompt_logprobs(names, 4)
    for row in answer["choices"][0]["prompt_logprobs"][1:]:
        for entry in row.values():
            entry["decoded_token"] = "ham"
    scripted.answers = [answer]
    with pytest.raises(EngineError, match="'ham' for the server"):
        engine.score(PROMPT, TARGET, 4)


@pytest.mark.parametrize(
    ("told", "message"),
    [
        ({"prompt_logprobs": [{"5": {"logprob": -1.0}}] * 99}, "without token"),
        ({"logprobs": {"content": [{"logprob": -1.0}]}}, "no known shape"),
        ({"logprobs": {"tokens": ["a"], "token_logprobs": []}}, "no known shape"),
    ],
)
def test_other_shapes_are_an_error(
    engine: ServerEngine, scripted: Scripted, told: dict[str, Any], message: str
) -> None:
    answer = completion()
    answer["choices"][0] |= told
    scripted.answers = [answer]
    with pytest.raises(EngineError, match=message):
        engine.score(PROMPT, TARGET, 4)


# Embeddings


def test_embeddings_come_in_the_order_of_the_texts(
    engine: ServerEngine, scripted: Scripted
) -> None:
    rows = [{"index": 1, "embedding": [3.0, 4.0]}, {"index": 0, "embedding": [1.0, 2.0]}]
    scripted.answers = [{"data": rows}, {"data": [{}]}, (501, {"error": {"message": "no"}})]
    vectors = engine.embed(["a", "b"])
    assert vectors.dtype == np.float32 and vectors.tolist() == [[1.0, 2.0], [3.0, 4.0]]
    assert scripted.seen[0][1]["input"] == ["a", "b"]
    with pytest.raises(EngineError, match="without embeddings"):
        engine.embed(["a"])
    with pytest.raises(EngineError, match="501") as caught:
        engine.embed(["a"])
    assert "--embeddings" in caught.value.hint


# A real server


def test_llama_cpp_over_http_and_in_process_agree_with_another_engine(
    served: ModelSource, source: ModelSource
) -> None:
    texts = [(PROMPT, TARGET), ("1, 2, 3, 4,", " 5, 6, 70, 8, 9")]
    tops = []
    for name in ("server", "xllamacpp", "ctranslate2"):
        engine: Any = (
            ServerEngine(served, tokenizer=source)
            if name == "server"
            else load_engine(source, name, threads=1)
        )
        tops.append([engine.score(*text, 16) for text in texts])
        engine.close()
    for remote, local, other in zip(*tops, strict=True):
        assert remote.token_ids.tolist() == local.token_ids.tolist() == other.token_ids.tolist()
        assert (remote.ids[:, 0] == other.ids[:, 0]).mean() >= 0.7
        assert captured_mass(remote) == pytest.approx(captured_mass(other), abs=0.1)
        first = [np.exp(top.logprobs[:, 0].astype(float)) for top in (remote, local)]
        assert first[0] == pytest.approx(first[1], abs=0.05)
