"""The bulk engine on CPU: ctranslate2, int8.

Batches of similar prompt length run side by side on the threads; see docs/concepts/engines.md.
Not covered: GPU placement, models that ctranslate2 has no loader for, and embeddings: it gives no
hidden states.
"""

import time
from collections.abc import Sequence
from functools import cache
from typing import Any

from overproof.catalog import ModelSource
from overproof.engines.prepare import ctranslate2_folder, load_tokenizer
from overproof.engines.protocol import (
    Generation,
    Request,
    Stamps,
    TopLogits,
    cpu_threads,
    cut_at_stop,
    missing_engine,
)
from overproof.engines.rounding import saturates_here
from overproof.engines.sparse import cut
from overproof.errors import EngineError
from overproof.progress import say

LOSS_BATCH_TOKENS = 1024
"""Tokens scored at once by one worker; each needs 0.6 MB for a vocabulary of 152k."""


@cache
def _warn_once() -> None:
    say(
        "ctranslate2: this processor has no VNNI, so int8 sums saturate: very small models may "
        "write otherwise than elsewhere (models.precision=float32 is exact)"
    )


class CTranslate2Engine:
    """A model in ctranslate2, with one worker per thread."""

    name = "ctranslate2"

    def __init__(self, source: ModelSource, precision: str, threads: int) -> None:
        """Convert the model if that was not done yet, and load it.

        Raises: EngineError.
        """
        try:
            import ctranslate2
        except ImportError:
            raise missing_engine("ctranslate2") from None
        self.precision = precision
        self.threads = self.parallel_scores = cpu_threads(threads)
        self._folder = str(ctranslate2_folder(source))
        self._tokenizer = load_tokenizer(source)
        self._ends = sorted(
            {self._tokenizer.eos_token, "<|endoftext|>", "<|im_end|>"}
            & self._tokenizer.get_vocab().keys()
        )
        self._library = ctranslate2
        self._generator = self._load()
        if precision == "int8" and saturates_here():
            _warn_once()

    def generate(self, requests: Sequence[Request]) -> list[Generation]:
        """Answer a batch; it is split over the workers by prompt length."""
        if not requests:
            return []
        prompts = [self._tokens(request.prompt) for request in requests]
        order = sorted(range(len(requests)), key=lambda index: len(prompts[index]))
        first = requests[0]
        if first.temperature > 0:
            # a worker's random generator is seeded once, when the worker starts
            self._library.set_random_seed(first.seed)
            self._generator = self._load()
        workers = 1 if first.temperature > 0 else self.threads
        share = -(-len(requests) // workers)
        parts = [order[start : start + share] for start in range(0, len(order), share)]
        pending = [self._submit([prompts[index] for index in part], first) for part in parts]
        done: dict[int, Generation] = {}
        for part, results in zip(parts, pending, strict=True):
            for index, result in zip(part, results, strict=True):
                ids = result.result().sequences_ids[0]
                text, stopped = cut_at_stop(self._decode(ids), first.stop)
                ended = stopped or len(ids) < first.max_new_tokens
                done[index] = Generation(
                    text=text,
                    finish_reason="stop" if ended else "length",
                    prompt_tokens=len(prompts[index]),
                    completion_tokens=len(ids),
                )
        return [done[index] for index in range(len(requests))]

    def time(self, request: Request) -> Stamps:
        """Answer one request greedily and stamp every token, through one worker."""
        prompt = self._tokens(request.prompt)
        answer: list[int] = []
        stamps: list[int] = []
        tokenizer = self._tokenizer

        def watch(step: Any) -> bool:
            stamps.append(time.perf_counter_ns())
            answer.append(step.token_id)
            return _has_stopped(tokenizer, answer, request.stop)

        cpu = time.process_time()
        sent = time.perf_counter_ns()
        [result] = self._generator.generate_batch(
            [prompt],
            max_length=request.max_new_tokens,
            include_prompt_in_result=False,
            sampling_topk=1,
            end_token=self._ends,
            callback=watch,
        )
        ended = time.perf_counter_ns()
        used = time.process_time() - cpu
        text, stopped = cut_at_stop(self._decode(result.sequences_ids[0]), request.stop)
        full = len(stamps) >= request.max_new_tokens and not stopped
        return Stamps(
            sent_ns=sent,
            token_ns=tuple(stamps),
            cpu_seconds=used,
            text=text,
            finish_reason="length" if full else "stop",
            told_tokens=len(stamps),
            prompt_tokens=len(prompt),
            cached_tokens=0,
            pieces_ns=tuple(stamps),
            ended_ns=ended,
        )

    def score(
        self,
        prompt: str,
        target: str,
        top_k: int,
        *,
        temperature: float = 1.0,
        sampled: bool = False,
        seed: int = 0,
    ) -> TopLogits:
        """Return the top K, or K draws, over each token of the target; one text at a time."""
        import numpy as np

        before = self._tokenizer.encode(prompt, add_special_tokens=False)
        after = self._tokenizer.encode(target, add_special_tokens=False)
        logits = self._generator.forward_batch([before + after[:-1]], return_log_probs=False)
        rows = np.asarray(logits)[0, len(before) - 1 :]
        vocabulary = len(self._tokenizer)
        return cut(
            rows, after, top_k, vocabulary, temperature=temperature, sampled=sampled, seed=seed
        )

    def losses(self, texts: Sequence[tuple[str, str]]) -> list[float]:
        """Return the mean loss of each target, the texts spread over the workers."""
        split = [(self._tokens(prompt), self._tokens(target)) for prompt, target in texts]
        results = self._generator.score_batch(
            [before + after for before, after in split],
            max_batch_size=LOSS_BATCH_TOKENS,
            batch_type="tokens",
        )
        losses = []
        for (before, after), result in zip(split, results, strict=True):
            counted = len(after) if before else len(after) - 1
            losses.append(-sum(result.log_probs[-counted:]) / max(1, counted) if counted else 0.0)
        return losses

    def embed(self, texts: Sequence[str]) -> Any:
        """Refuse: ctranslate2 gives the logits of a decoder, not its hidden states."""
        raise EngineError(
            "ctranslate2 gives no hidden states, so it cannot embed text",
            hint="use the engine transformers, or xllamacpp for a GGUF file",
        )

    def close(self) -> None:
        """Unload the model, and end its workers from this thread."""
        self._generator.unload_model()
        del self._generator

    def _submit(self, prompts: list[list[str]], request: Request) -> Any:
        """Hand one part of a batch to a worker; every answer ends at its stop string."""
        answers: list[list[int]] = [[] for _ in prompts]
        tokenizer = self._tokenizer

        def watch(step: Any) -> bool:
            answers[step.batch_id].append(step.token_id)
            return _has_stopped(tokenizer, answers[step.batch_id], request.stop)

        return self._generator.generate_batch(
            prompts,
            asynchronous=True,
            max_length=request.max_new_tokens,
            include_prompt_in_result=False,
            sampling_topk=0 if request.temperature > 0 else 1,
            sampling_topp=request.top_p if request.temperature > 0 else 1,
            sampling_temperature=request.temperature or 1,
            end_token=self._ends,
            callback=watch,
        )

    def _load(self) -> Any:
        return self._library.Generator(
            self._folder,
            device="cpu",
            compute_type=self.precision,
            inter_threads=self.threads,
            intra_threads=1,
        )

    def _tokens(self, text: str) -> list[str]:
        ids = self._tokenizer.encode(text, add_special_tokens=False)
        return list(self._tokenizer.convert_ids_to_tokens(ids))

    def _decode(self, ids: list[int]) -> str:
        return _decoded(self._tokenizer, ids)


# What a worker calls back must not hold the engine: if it dropped the last reference to it, a
# worker would have to wait for its own end, and the process would abort.


def _has_stopped(tokenizer: Any, answer: list[int], stop: Sequence[str]) -> bool:
    """Return whether the last tokens complete a stop string."""
    longest = max(map(len, stop), default=0)
    # a token is at least one character: these hold any stop string that just ended
    tail = _decoded(tokenizer, answer[-longest - 1 :]) if longest else ""
    return any(string in tail for string in stop)


def _decoded(tokenizer: Any, ids: list[int]) -> str:
    """Return the text as it is: the default clean-up eats spaces that code needs."""
    return str(tokenizer.decode(ids, skip_special_tokens=True, clean_up_tokenization_spaces=False))
