"""One prompt, two models: their answers side by side, as they are written.

    answer_both(["smollm2-135m-instruct", "out/coder-q8_0.gguf"], "Write a palindrome test.")

Every model is served by llama.cpp and asked over HTTP, with its own chat template; a checkpoint
folder is exported first (f16), into the cache. The first column is written before the second
begins, so that neither slows the other.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from overproof.catalog import ModelSource
from overproof.engines.api import Api, StampedChunk
from overproof.engines.prepare import prepared_folder
from overproof.models import resolve_model
from overproof.progress import say
from overproof.ship.export import Wanted, Written, export
from overproof.ship.serving import Served

if TYPE_CHECKING:
    from rich.table import Table

OnPiece = Callable[[int, str], None]
"""Called with the number of the column and a piece of text."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What one model wrote."""

    model: str
    text: str
    tokens: int
    seconds: float


def as_gguf(name: str, quantisation: str = "f16", threads: int = 0) -> ModelSource:
    """Return a model that llama.cpp loads; a folder is exported once, into the cache.

    Raises: as `resolve_model` and `export`.
    """
    source = resolve_model(name)
    if source.kind != "folder":
        return source
    out = prepared_folder(source, f"gguf-{quantisation}")
    target = out / f"{source.name}-{quantisation}.gguf"
    if not target.is_file():
        wanted = Wanted(out=out, quantisations=(quantisation,), prompts=0, threads=threads)
        for news in export(source, wanted):
            if not isinstance(news, Written):
                say(news)
    return resolve_model(str(target))


def answer_both(
    models: Sequence[str],
    prompt: str,
    *,
    max_new_tokens: int = 256,
    temperature: float = 0.0,
    threads: int = 0,
    on_piece: OnPiece = lambda column, piece: None,
) -> list[Answer]:
    """Return the answers, in order; `on_piece` sees them as they are written.

    Raises: EngineError if a model cannot be loaded or does not answer.
    """
    answers = []
    with ExitStack() as stack:
        for column, name in enumerate(models):
            source = resolve_model(name)
            if source.kind != "server":
                served = stack.enter_context(Served(as_gguf(name), slots=1, threads=threads))
                source = resolve_model(f"{served.url}#{served.alias}")
            answers.append(_ask(source, prompt, max_new_tokens, temperature, _to(on_piece, column)))
    return answers


def label(name: str) -> str:
    """Return a short name for a column.

    >>> label("out/coder-q8_0.gguf"), label("http://127.0.0.1:8000/v1#coder")
    ('coder-q8_0', 'coder')
    """
    if "#" in name:
        return name.rpartition("#")[2]
    path = Path(name)
    return path.stem if path.suffix == ".gguf" else path.name


def side_by_side(names: Sequence[str], texts: Sequence[str], notes: Sequence[str] = ()) -> "Table":
    """Return the answers in columns, a note below each.

    Text goes in as text: what a model writes in [brackets] is no markup.
    """
    from rich.table import Table
    from rich.text import Text

    table = Table(expand=True, show_footer=bool(notes))
    for name, note in zip(names, notes or [""] * len(names), strict=True):
        table.add_column(Text(name), footer=Text(note), ratio=1, overflow="fold")
    table.add_row(*map(Text, texts))
    return table


def _to(on_piece: OnPiece, column: int) -> Callable[[str], None]:
    return lambda piece: on_piece(column, piece)


def _ask(
    source: ModelSource,
    prompt: str,
    max_new_tokens: int,
    temperature: float,
    watch: Callable[[str], None],
) -> Answer:
    api = Api(source, connections=1)

    def read(sent_ns: int, chunks: Iterator[StampedChunk]) -> Answer:
        pieces, tokens = [], 0
        for _, chunk in chunks:
            tokens = (chunk.get("usage") or {}).get("completion_tokens", tokens)
            for choice in chunk.get("choices") or []:
                piece = (choice.get("delta") or {}).get("content") or ""
                if piece:
                    pieces.append(piece)
                    watch(piece)
        seconds = (time.perf_counter_ns() - sent_ns) / 1e9
        return Answer(
            model=source.name, text="".join(pieces), tokens=tokens or len(pieces), seconds=seconds
        )

    body = {
        "messages": [{"role": "user", "content": prompt}],
        "max_tokens": max_new_tokens,
        "temperature": temperature,
        "stream_options": {"include_usage": True},
    }
    try:
        return api.stream("/chat/completions", body, read)
    finally:
        api.close()
