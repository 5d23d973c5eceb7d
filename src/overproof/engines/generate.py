"""The stage that lets one model answer all variants: rows of `Sample`, resumable.

Prompts are batched by length over the whole table, never over what is missing, so a rerun after a
kill cannot change what a batch holds. The `null` prompts have batches of their own: the same
prompt in other company is what that control is for.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from overproof.catalog import ModelSource
from overproof.engines import load_engine
from overproof.engines.prepare import chat_template_of, load_tokenizer
from overproof.engines.prompts import PromptForm, extract_solution, infill_tokens_of
from overproof.engines.protocol import Engine, Request
from overproof.errors import EngineError
from overproof.progress import stage
from overproof.recipe import ModelsConfig, SamplingConfig
from overproof.records import Sample, Variant, content_key
from overproof.store import Table

PROMPTING = 1
"""Raised when prompt forms or extraction change, so that older samples are made again."""


@dataclass(frozen=True, kw_only=True)
class Contender:
    """One model of the table: its name in this run, and where it comes from."""

    name: str
    source: ModelSource


def name_contenders(sources: Sequence[ModelSource]) -> list[Contender]:
    """Return the models under their own names; a name that is taken gets a number.

    >>> coder = ModelSource(name="coder", kind="server")
    >>> [contender.name for contender in name_contenders([coder, coder])]
    ['coder', 'coder (2)']
    """
    taken: Counter[str] = Counter()
    contenders = []
    for source in sources:
        taken[source.name] += 1
        number = taken[source.name]
        name = source.name if number == 1 else f"{source.name} ({number})"
        contenders.append(Contender(name=name, source=source))
    return contenders


@dataclass(frozen=True)
class _Item:
    variant: Variant
    sample_index: int
    key: str


def generate(
    contender: Contender,
    variants: Sequence[Variant],
    models: ModelsConfig,
    sampling: SamplingConfig,
    seed: int,
    table: Table[Sample],
    engine: Engine | None = None,
) -> list[Sample]:
    """Return one sample per variant and index; what the table holds already is not made again.

    An engine that is given must run this model; it is left open.
    Raises: EngineError if the engine cannot run the model.
    """
    items = [
        _Item(variant, index, sample_key(contender, variant, index, models, sampling, seed))
        for variant in variants
        for index in range(sampling.num_samples)
    ]
    items.sort(key=lambda item: (item.variant.family == "null", len(item.variant.prompt), item.key))
    given = engine
    form = form_for(contender.source, models.form)

    def answer(part: list[_Item]) -> list[Sample]:
        nonlocal engine
        engine = engine or load_engine(
            contender.source, models.engine, models.precision, models.threads, models.server
        )
        return _answer(engine, contender.name, part, form, sampling, seed)

    try:
        with stage(f"generate: {contender.name}", len(items), "prompts") as advance:
            return table.fill(
                items,
                key=lambda item: item.key,
                work=answer,
                batch=sampling.batch_size,
                group=lambda item: item.variant.family == "null",
                on_batch=advance,
            )
    finally:
        if engine is not None and given is None:
            engine.close()


def sample_key(
    contender: Contender,
    variant: Variant,
    index: int,
    models: ModelsConfig,
    sampling: SamplingConfig,
    seed: int,
) -> str:
    """Return the hash of everything that determines a sample."""
    how = (sampling.temperature, sampling.top_p, sampling.max_new_tokens, sampling.batch_size)
    run = (models.engine, models.precision, models.form, PROMPTING)
    return content_key(contender.name, contender.source.sha256, variant.key, index, how, run, seed)


def form_for(source: ModelSource, name: str) -> PromptForm:
    """Return the form in which this model is asked; `auto` goes by whether it has a template.

    A server has its template there: it is asked by messages, unless `raw` is wanted or the server's
    tokenizer is known here.
    Raises: EngineError if a chat form is asked for and the model has no template, or if a server
    is to be asked in the form `brief`.
    """
    if source.kind == "server" and source.tokenizer is None:
        if name == "brief":
            raise EngineError(
                f"{source.name}: a server cannot be asked in the form brief, which begins the "
                "assistant's turn",
                hint="use models.form=chat, or raw",
            )
        return PromptForm(kind="raw" if name == "raw" else "messages")
    template = "" if name == "raw" else chat_template_of(source)
    if template:
        return PromptForm(kind="brief" if name == "brief" else "chat", template=template)
    if name in ("chat", "brief"):
        raise EngineError(
            f"{source.name} has no chat template", hint="use models.form=raw, or auto"
        )
    return PromptForm(kind="raw", infill_tokens=infill_tokens_of(load_tokenizer(source)))


def _answer(
    engine: Engine,
    name: str,
    part: list[_Item],
    form: PromptForm,
    sampling: SamplingConfig,
    seed: int,
) -> list[Sample]:
    import time

    batch_seed = int(content_key(seed, [item.key for item in part])[:8], 16) % 2**31
    requests = []
    for number, item in enumerate(part):
        wrapped = form.wrap(item.variant.prompt, item.variant.language)
        requests.append(
            Request(
                prompt=wrapped.text,
                stop=wrapped.stop,
                max_new_tokens=sampling.max_new_tokens,
                temperature=sampling.temperature,
                top_p=sampling.top_p,
                seed=(batch_seed + number) % 2**31,  # else two samples of a prompt are the same
                chat=wrapped.chat,
            )
        )
    start = time.perf_counter()
    generations = engine.generate(requests)
    seconds = (time.perf_counter() - start) / len(part)
    return [
        Sample(
            key=item.key,
            task_id=item.variant.task_id,
            variant=item.variant.key,
            operator=item.variant.operator,
            seed=item.variant.seed,
            model=name,
            sample_index=item.sample_index,
            completion=generation.text,
            solution=extract_solution(
                item.variant.prompt,
                form.close(generation.text),
                item.variant.entry_point,
                item.variant.language,
            ),
            engine=engine.name,
            precision=engine.precision,
            finish_reason=generation.finish_reason,
            prompt_tokens=generation.prompt_tokens,
            completion_tokens=generation.completion_tokens,
            seconds=round(seconds, 4),
        )
        for item, generation in zip(part, generations, strict=True)
    ]
