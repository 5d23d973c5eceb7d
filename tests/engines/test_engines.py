"""The four engines on a real model, SmolLM2-135M; the server is llama.cpp's own, over HTTP."""

import subprocess
import sys
from collections.abc import Iterator

import numpy as np
import pytest

from overproof.catalog import ModelSource
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


@pytest.fixture(scope="module", params=sorted(ENGINES))
def engine(
    request: pytest.FixtureRequest, source: ModelSource, served: ModelSource
) -> Iterator[Engine]:
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


def test_losses_are_mean_negative_log_probabilities(source: ModelSource) -> None:
    texts = [
        (PROMPTS[0], " Wednesday, Thursday"),
        (PROMPTS[0], " zebra umbrella"),
        ("", PROMPTS[1]),
    ]
    fast = load_engine(source, "ctranslate2", "float32", threads=1)
    slow = load_engine(source, "transformers", threads=1)
    likely, odd, whole = fast.losses(texts)
    assert 0 < likely < odd
    assert slow.losses(texts) == pytest.approx([likely, odd, whole], abs=0.05)
    logits = slow.score(*texts[0], top_k=4)
    tokens = np.asarray(logits.token_ids)
    given = np.asarray(logits.logprobs, dtype=np.float64)[np.asarray(logits.ids) == tokens[:, None]]
    assert likely == pytest.approx(-given.mean(), abs=0.05)
    for loaded in (fast, slow):
        loaded.close()


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


def test_int8_scores_agree_with_float32(source: ModelSource) -> None:
    tops = []
    for name in ("ctranslate2", "transformers"):
        engine = load_engine(source, name, threads=1)
        tops.append(engine.score(PROMPTS[0], " Wednesday, Thursday, Friday, Saturday", 16))
        engine.close()
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


def test_llama_cpp_says_that_it_cannot_score(source: ModelSource) -> None:
    engine = load_engine(source, "xllamacpp", threads=1)
    with pytest.raises(EngineError, match="cannot score"):
        engine.score("a", "b", 4)
    with pytest.raises(EngineError, match="cannot score"):
        engine.losses([("a", "b")])
    engine.close()


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
