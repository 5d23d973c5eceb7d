"""The four engines on a real model, SmolLM2-135M; the server is llama.cpp's own, over HTTP."""

import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator

import numpy as np
import pytest

from overproof.catalog import ModelSource
from overproof.distillation.tokenizers import PROBES
from overproof.engines import ENGINES, Engine, load_engine
from overproof.engines.generate import form_for
from overproof.engines.prepare import load_tokenizer
from overproof.engines.protocol import Request
from overproof.engines.sparse import captured_mass
from overproof.errors import EngineError, UnknownNameError
from overproof.models import resolve_model

pytestmark = pytest.mark.models

PROMPTS = (
    "The days of the week are Monday, Tuesday,",
    "def add(a, b):\n    return a +",
    "1, 2, 3, 4, 5, 6,",
)


@pytest.fixture(scope="module")
def source() -> ModelSource:
    return resolve_model("smollm2-135m-instruct")


@pytest.fixture(scope="module")
def slow(source: ModelSource) -> Iterator[Engine]:
    """The reference engine, loaded once."""
    loaded = load_engine(source, "transformers", threads=1)
    yield loaded
    loaded.close()


@pytest.fixture(scope="module", params=sorted(ENGINES))
def engine(
    request: pytest.FixtureRequest, source: ModelSource, served: ModelSource
) -> Iterator[Engine]:
    if request.param == "transformers":
        yield request.getfixturevalue("slow")
        return
    loaded = load_engine(served if request.param == "server" else source, request.param, threads=1)
    yield loaded
    loaded.close()


def requests(max_new_tokens: int = 8, temperature: float = 0.0, seed: int = 0) -> list[Request]:
    return [
        Request(
            prompt=prompt,
            stop=("\n",),
            max_new_tokens=max_new_tokens,
            temperature=temperature,
            seed=seed,
        )
        for prompt in PROMPTS
    ]


def test_greedy_answers_continue_the_prompt_and_repeat(engine: Engine) -> None:
    first = engine.generate(requests())
    assert first == engine.generate(requests())
    assert "Wednesday" in first[0].text
    assert first[1].text.lstrip().startswith("b")
    assert all("\n" not in answer.text for answer in first)
    assert all(answer.prompt_tokens > 5 for answer in first)


def test_an_answer_ends_at_its_budget_or_its_stop(engine: Engine) -> None:
    short = engine.generate(requests(max_new_tokens=2))
    assert short[0].finish_reason == "length"
    assert short[0].completion_tokens == 2
    long = engine.generate(requests(max_new_tokens=40)[1:2])[0]
    assert (long.finish_reason, long.text.strip()) == ("stop", "b")


def test_sampling_is_fixed_by_the_seed(engine: Engine) -> None:
    def draw(seed: int) -> list[str]:
        return [a.text for a in engine.generate(requests(12, temperature=1.0, seed=seed))]

    if engine.name in ("xllamacpp", "server"):  # slots share a batch that varies: one at a time
        one = requests(12, temperature=1.0, seed=5)[:1]
        assert engine.generate(one) == engine.generate(one)
        return
    assert draw(5) == draw(5)
    assert draw(5) != draw(6)


def test_every_token_is_stamped_in_order(engine: Engine) -> None:
    stamps = engine.time(requests()[0])
    assert 2 <= len(stamps.token_ns) <= 9
    assert stamps.sent_ns < stamps.token_ns[0]
    assert list(stamps.token_ns) == sorted(stamps.token_ns)
    assert (stamps.cpu_seconds > 0) == (engine.name != "server")  # not known from here


def test_losses_are_mean_negative_log_probabilities(source: ModelSource, slow: Engine) -> None:
    texts = [
        (PROMPTS[0], " Wednesday, Thursday"),
        (PROMPTS[0], " zebra umbrella"),
        ("", PROMPTS[1]),
    ]
    fast = load_engine(source, "ctranslate2", "float32", threads=1)
    likely, odd, whole = fast.losses(texts)
    assert 0 < likely < odd
    assert slow.losses(texts) == pytest.approx([likely, odd, whole], abs=0.05)
    logits = slow.score(*texts[0], top_k=4)
    tokens = np.asarray(logits.token_ids)
    given = np.asarray(logits.logprobs, dtype=np.float64)[np.asarray(logits.ids) == tokens[:, None]]
    assert likely == pytest.approx(-given.mean(), abs=0.05)
    fast.close()


def test_an_engine_may_be_dropped_while_its_workers_wind_down() -> None:
    script = (
        "from overproof.engines import load_engine\n"
        "from overproof.engines.protocol import Request\n"
        "from overproof.models import resolve_model\n"
        "def answer():\n"
        "    engine = load_engine(resolve_model('smollm2-135m-instruct'), 'ctranslate2')\n"
        "    engine.generate([Request(prompt='1, 2,', stop=(), max_new_tokens=2)] * 4)\n"
        "for _ in range(4):\n"
        "    answer()\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_int8_scores_agree_with_float32(source: ModelSource, slow: Engine) -> None:
    fast = load_engine(source, "ctranslate2", threads=1)
    text = (PROMPTS[0], " Wednesday, Thursday, Friday, Saturday")
    tops = [engine.score(*text, 16) for engine in (fast, slow)]
    fast.close()
    assert tops[0].token_ids.tolist() == tops[1].token_ids.tolist()
    assert (tops[0].ids[:, 0] == tops[1].ids[:, 0]).mean() >= 0.8
    assert captured_mass(tops[0]) == pytest.approx(captured_mass(tops[1]), abs=0.1)
    gold = [
        float(top.logprobs[row][top.ids[row] == token][0])
        for top in tops
        for row, token in enumerate(top.token_ids)
    ]
    ours, theirs = np.array(gold).reshape(2, -1)
    assert np.abs(ours - theirs).mean() < 0.5


def test_llama_cpp_says_what_it_cannot_do(source: ModelSource) -> None:
    engine = load_engine(source, "xllamacpp", threads=1)
    for more in ({"temperature": 2.0}, {"sampled": True}):
        with pytest.raises(EngineError, match="temperature 1"):
            engine.score("a", "b", 4, **more)  # type: ignore[arg-type]
    with pytest.raises(EngineError, match="cannot score"):
        engine.losses([("a", "b")])
    engine.close()


def test_draws_and_temperatures_are_those_of_the_same_logits(source: ModelSource) -> None:
    engine = load_engine(source, "ctranslate2", threads=1)
    text = (PROMPTS[0], " Wednesday, Thursday")
    top, warm = engine.score(*text, 8), engine.score(*text, 8, temperature=2.0)
    assert (warm.logprobs[:, 0] < top.logprobs[:, 0]).all()
    draws = [engine.score(*text, 64, sampled=True, seed=seed) for seed in (1, 1, 2)]
    assert draws[0].ids.tolist() == draws[1].ids.tolist() != draws[2].ids.tolist()
    likeliest = np.exp(top.logprobs[:, 0].astype(float))
    for row, share in enumerate(likeliest):
        drawn = np.exp(draws[0].logprobs[row][draws[0].ids[row] == top.ids[row, 0]]).sum()
        assert drawn == pytest.approx(share, abs=4 * np.sqrt(share * (1 - share) / 64) + 1e-3)
    engine.close()


def test_embeddings_are_mean_hidden_states(engine: Engine, slow: Engine) -> None:
    texts = ["def add(a, b):\n    return a + b\n", "Return the sum of a and b.", "Cats sleep."]
    if engine.name in ("ctranslate2", "server"):  # this server was started to write
        with pytest.raises(EngineError) as caught:
            engine.embed(texts)
        assert "transformers" in caught.value.hint or "--embeddings" in caught.value.hint
        return
    vectors, expected = engine.embed(texts), slow.embed(texts)
    assert vectors.shape == (3, 576)
    assert vectors.dtype == np.float32
    assert engine.embed(texts[1:2])[0] == pytest.approx(vectors[1], rel=1e-3, abs=1e-3)
    norms, given = np.linalg.norm(expected, axis=1), np.linalg.norm(vectors, axis=1)
    assert given == pytest.approx(norms, rel=0.03)  # not normalised
    assert (expected * vectors).sum(axis=1) / norms / given == pytest.approx(np.ones(3), abs=3e-3)


def test_form_follows_the_template(source: ModelSource) -> None:
    assert form_for(source, "auto").kind == "chat"
    assert form_for(source, "brief").kind == "brief"
    assert form_for(source, "raw").kind == "raw"
    assert "assistant" in form_for(source, "chat").wrap("def f():").text


def test_tokenizer_gives_code_back_unchanged(source: ModelSource) -> None:
    code = "    if x != [1 , 2] :\n\t\treturn {'a' : 's'}  # ok .\n"
    tokenizer = load_tokenizer(source)
    ids = tokenizer.encode(code, add_special_tokens=False)
    assert tokenizer.decode(ids, clean_up_tokenization_spaces=False) == code


def test_an_unknown_engine_is_named(source: ModelSource) -> None:
    with pytest.raises(UnknownNameError, match="engine"):
        load_engine(source, "ctranslate")


@pytest.mark.parametrize("text", [*PROBES, "x = 510\n 512", "a[10:200]", "٣٤ ½ v2.10"])
def test_text_is_cut_into_the_tokens_that_llama_cpp_cuts(
    text: str, source: ModelSource, served: ModelSource
) -> None:
    assert served.url is not None
    body = json.dumps({"content": text, "add_special": False}).encode()
    request = urllib.request.Request(
        served.url.removesuffix("/v1") + "/tokenize",
        data=body,
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=30) as reply:
        theirs = json.load(reply)["tokens"]
    ours = load_tokenizer(source).encode(text, add_special_tokens=False)
    assert ours == theirs
