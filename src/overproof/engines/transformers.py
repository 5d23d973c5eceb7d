"""The reference engine: transformers on torch, any architecture, CPU or GPU.

Slower than the others on CPU; its weights are the ones that training sees.
"""

import time
from collections.abc import Sequence
from typing import Any

from overproof.catalog import ModelSource
from overproof.engines.prepare import load_tokenizer, load_weights, quiet_transformers
from overproof.engines.protocol import (
    Generation,
    Request,
    Stamps,
    TopLogits,
    cpu_threads,
    cut_at_stop,
)
from overproof.engines.sparse import cut

EMBEDDED_TOKENS = 2048
"""What is longer is embedded by its beginning."""


class TransformersEngine:
    """A model in transformers, batches padded on the left."""

    name = "transformers"
    parallel_scores = 1

    def __init__(self, source: ModelSource, precision: str, threads: int) -> None:
        """Load weights and tokenizer.

        Raises: EngineError.
        """
        import torch

        self._torch = torch
        self.threads = cpu_threads(threads)
        torch.set_num_threads(self.threads)
        self.precision = precision
        self._device = "cuda" if torch.cuda.is_available() else "cpu"
        self._model = load_weights(source, precision).to(self._device)
        self._tokenizer = load_tokenizer(source)
        self._tokenizer.padding_side = "left"
        if self._tokenizer.pad_token is None:
            self._tokenizer.pad_token = self._tokenizer.eos_token

    def generate(self, requests: Sequence[Request]) -> list[Generation]:
        """Answer a batch; it ends when every answer has stopped."""
        if not requests:
            return []
        first = requests[0]
        batch = self._tokenizer(
            [request.prompt for request in requests],
            return_tensors="pt",
            padding=True,
            add_special_tokens=False,
        ).to(self._device)
        self._torch.manual_seed(first.seed)
        output = self._run(batch, first)
        width = batch["input_ids"].shape[1]
        lengths = batch["attention_mask"].sum(dim=1).tolist()
        return [
            self._read(ids, length, first)
            for ids, length in zip(output[:, width:].tolist(), lengths, strict=True)
        ]

    def time(self, request: Request) -> Stamps:
        """Answer one request greedily and stamp every token."""
        stamps: list[int] = []

        def watch(ids: Any, _scores: Any, **_: Any) -> Any:
            if self._device == "cuda":
                self._torch.cuda.synchronize()
            stamps.append(time.perf_counter_ns())
            return self._torch.zeros(len(ids), dtype=self._torch.bool, device=ids.device)

        batch = self._tokenizer([request.prompt], return_tensors="pt", add_special_tokens=False).to(
            self._device
        )
        cpu = time.process_time()
        sent = time.perf_counter_ns()
        output = self._run(batch, request, [watch])
        ended = time.perf_counter_ns()
        used = time.process_time() - cpu
        length = batch["input_ids"].shape[1]
        answer = self._read(output[0, length:].tolist(), length, request)
        return Stamps(
            sent_ns=sent,
            token_ns=tuple(stamps),
            cpu_seconds=used,
            text=answer.text,
            finish_reason=answer.finish_reason,
            told_tokens=len(stamps),
            prompt_tokens=length,
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
        """Return the top K, or K draws, over each token of the target."""
        before = self._tokenizer.encode(prompt, add_special_tokens=False)
        after = self._tokenizer.encode(target, add_special_tokens=False)
        ids = self._torch.tensor([before + after[:-1]], device=self._device)
        with self._torch.inference_mode():
            rows = self._model(ids, logits_to_keep=len(after)).logits[0].float().cpu().numpy()
        vocabulary = len(self._tokenizer)
        return cut(
            rows, after, top_k, vocabulary, temperature=temperature, sampled=sampled, seed=seed
        )

    def losses(self, texts: Sequence[tuple[str, str]]) -> list[float]:
        """Return the mean loss of each target, one text after the other."""
        cross_entropy = self._torch.nn.functional.cross_entropy
        found = []
        for prompt, target in texts:
            before = self._tokenizer.encode(prompt, add_special_tokens=False)
            after = self._tokenizer.encode(target, add_special_tokens=False)
            counted = after if before else after[1:]
            if not counted:
                found.append(0.0)
                continue
            ids = self._torch.tensor([(before + after)[:-1]], device=self._device)
            with self._torch.inference_mode():
                logits = self._model(ids, logits_to_keep=len(counted)).logits[0].float()
            expected = self._torch.tensor(counted, device=self._device)
            found.append(float(cross_entropy(logits, expected)))
        return found

    def embed(self, texts: Sequence[str]) -> Any:
        """Return the mean hidden state of each text, one by one: none depends on another."""
        means = []
        for text in texts:
            ids = self._tokenizer.encode(text, add_special_tokens=False)[:EMBEDDED_TOKENS]
            batch = self._torch.tensor([ids or [self._tokenizer.eos_token_id]], device=self._device)
            with self._torch.inference_mode():
                states = self._model.base_model(batch).last_hidden_state[0]
            means.append(states.float().mean(dim=0))
        return self._torch.stack(means).cpu().numpy()

    def close(self) -> None:
        """Let go of the weights."""
        del self._model

    def _run(self, batch: Any, request: Request, watchers: Sequence[Any] = ()) -> Any:
        with quiet_transformers() as transformers, self._torch.inference_mode():
            return self._model.generate(
                **batch,
                do_sample=request.temperature > 0,
                temperature=request.temperature or None,
                top_p=request.top_p if request.temperature > 0 else None,
                top_k=None,
                repetition_penalty=1.0,
                max_new_tokens=request.max_new_tokens,
                stop_strings=list(request.stop) or None,
                tokenizer=self._tokenizer,
                pad_token_id=self._tokenizer.pad_token_id,
                stopping_criteria=transformers.StoppingCriteriaList(watchers),
            )

    def _read(self, ids: list[int], prompt_tokens: int, request: Request) -> Generation:
        """Return the answer without padding, end token and stop string."""
        ends = {self._tokenizer.eos_token_id, self._tokenizer.pad_token_id}
        count = next((place for place, token in enumerate(ids) if token in ends), len(ids))
        text = self._decode(ids[:count])
        text, stopped = cut_at_stop(text, request.stop)
        ended = stopped or count < len(ids) or count < request.max_new_tokens
        return Generation(
            text=text,
            finish_reason="stop" if ended else "length",
            prompt_tokens=int(prompt_tokens),
            completion_tokens=count,
        )

    def _decode(self, ids: list[int]) -> str:
        """Return the text as it is: the default clean-up eats spaces that code needs."""
        return str(
            self._tokenizer.decode(
                ids, skip_special_tokens=True, clean_up_tokenization_spaces=False
            )
        )
