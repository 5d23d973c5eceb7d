"""From command-line options to certified variants in a file, and what there is to see of them.

    overproof perturb --suite humaneval --preset recode --seeds 5 --out variants.jsonl

Each line of the file is a `Variant` with its certificate; `prompt` + `canonical_solution` is a
right program under `entry_point`, so that any other executor can check it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from overproof.engines import load_engine
from overproof.engines.generate import form_for
from overproof.engines.protocol import Request
from overproof.errors import UsageError
from overproof.models import resolve_model
from overproof.perturbation import PerturbResult, Yield, get_operator, perturb
from overproof.perturbation.audit import Audit, audit
from overproof.perturbation.draft import Operator
from overproof.perturbation.naturalness import with_perplexity
from overproof.perturbation.rewriting import rewriting_of, written_operators
from overproof.progress import say
from overproof.records import Problem, Variant, encode_row
from overproof.store import write_atomically
from overproof.suites.multicode.perturbing import perturb_all

WRITER_TOKENS = 320
WRITER_BATCH = 16


@dataclass(frozen=True, kw_only=True)
class Perturbed:
    """Variants, and the operators that were left out because no model was named."""

    result: PerturbResult
    left_out: tuple[str, ...]

    @property
    def variants(self) -> list[Variant]:
        """Return the certified variants, without the nominal rows."""
        return [row for row in self.result.variants if row.certificate is not None]


def perturb_suite(
    problems: Sequence[Problem],
    operators: Sequence[str],
    seeds: int,
    *,
    workers: int,
    writer: str = "",
    judge: str = "",
    engine: str = "ctranslate2",
) -> Perturbed:
    """Return certified variants of every problem, `seeds` per random operator.

    `writer` names the model that writes what only a model can; `judge` the one whose perplexity
    goes into the certificates.

    Raises: UsageError for a number of seeds below 1 or nothing to do; UnknownNameError for an
    operator; what loading a model raises.
    """
    if seeds < 1:
        raise UsageError(f"seeds: got {seeds}, but it must be at least 1")
    if not operators:
        raise UsageError("no operator named", hint="--preset quick, or --operators NAME,NAME")
    written = [name for name in operators if rewriting_of(name)]
    named = [name for name in operators if name not in written]
    for name in named:
        get_operator(name)
    result = perturb_all(problems, named, range(seeds), workers=workers)
    if writer and written:
        extra = perturb(problems, _write(written, problems, seeds, writer, engine), range(seeds))
        certified = [row for row in extra.variants if row.certificate is not None]
        result = PerturbResult(
            variants=result.variants + certified, yields=result.yields + extra.yields
        )
    if judge:
        loaded = load_engine(resolve_model(judge), engine)
        try:
            rows = with_perplexity(result.variants, loaded)
        finally:
            loaded.close()
        result = PerturbResult(variants=rows, yields=result.yields)
    return Perturbed(result=result, left_out=() if writer else tuple(written))


def check_foreign(files: Sequence[Path], problems: Sequence[Problem], out: Path | None) -> Audit:
    """Check prompts that another tool perturbed; write a row for each to `out`.

    Raises: RowError for a bad line, with file and line; UsageError; StorageError.
    """
    found = audit(files, problems)
    if out is not None:
        write_lines(found.findings, out)
    return found


def write_variants(variants: Sequence[Variant], out: Path) -> None:
    """Write one JSON line a variant; the file appears when it is complete.

    Raises: UsageError if the folder does not exist; StorageError.
    """
    write_lines(variants, out)


def write_lines(rows: Sequence[Any], out: Path) -> None:
    """Write one JSON line a row, all or nothing.

    Raises: UsageError if the folder does not exist; StorageError.
    """
    if not out.parent.is_dir():
        raise UsageError(f"{out}: no folder {out.parent}", hint="make it first")
    write_atomically(out, b"".join(encode_row(row) + b"\n" for row in rows))


def yield_lines(perturbed: Perturbed) -> Iterator[str]:
    """Yield a table of what every operator made, for a terminal."""
    columns = (
        ("certified", 9),
        ("distinct", 8),
        ("given_up", 8),
        ("not_applicable", 7),
        ("no_op", 5),
        ("gold_break", 10),
    )
    heads = {"not_applicable": "nothing", "no_op": "no-op"}
    head = "  ".join(f"{heads.get(name, name).replace('_', ' '):>{w}}" for name, w in columns)
    yield f"{'operator':<34}{'wanted':>7}  {head}"
    for row in perturbed.result.yields:
        cells = "  ".join(f"{getattr(row, name):>{width}}" for name, width in columns)
        yield f"{row.operator:<34}{row.wanted:>7}  {cells}"
    for row in perturbed.result.yields:
        if reason := few_because(row):
            yield f"{row.operator}: {reason}"
    if perturbed.left_out:
        names = ", ".join(perturbed.left_out)
        yield f"left out, they need a model (--writer NAME): {names}"


def few_because(row: Yield) -> str:
    """Return why an operator perturbs fewer than 80 % of the problems, if it does and says so."""
    if row.certified >= 0.8 * row.wanted or rewriting_of(row.operator):
        return ""
    return get_operator(row.operator).few


def _write(
    names: Sequence[str], problems: Sequence[Problem], seeds: int, model: str, engine: str
) -> list[Operator]:
    """Let a model write everything that the named operators need."""
    source = resolve_model(model)
    form = form_for(source, "auto")
    loaded = load_engine(source, "server" if source.kind == "server" else engine)
    say(f"writer: {source.name} writes for {', '.join(names)}")

    def answer(asked: list[str]) -> list[str]:
        texts = []
        for start in range(0, len(asked), WRITER_BATCH):
            requests = []
            for question in asked[start : start + WRITER_BATCH]:
                wrapped = form.ask(question)
                requests.append(
                    Request(
                        prompt=wrapped.text,
                        stop=wrapped.stop,
                        max_new_tokens=WRITER_TOKENS,
                        chat=wrapped.chat,
                    )
                )
            texts += [generation.text for generation in loaded.generate(requests)]
        return texts

    try:
        return written_operators(names, problems, range(seeds), answer)
    finally:
        loaded.close()
