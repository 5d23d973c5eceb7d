"""Write a checkpoint in a format that other programs load, and check what was written.

    for line in export(Path("checkpoint"), Path("out"), to="gguf", quantisations=["q8_0"]):
        print(line)

`export.json` beside the files says what was written, its hashes, and what the checks found.
Covered: GGUF (f16, q8_0, q4_k_m) for the architectures of `layout`; safetensors in bf16 or f16.
Not covered: ONNX, whose exporter (optimum-onnx 0.1.0) asks for transformers below 4.58.
"""

import json
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from overproof import __version__
from overproof.catalog import ModelSource
from overproof.errors import UsageError
from overproof.models import hash_once, resolve_model
from overproof.ship import agreement
from overproof.ship.fields import (
    built_fields,
    complete,
    copied_fields,
    differing,
    read_template,
)
from overproof.ship.gguf_file import read_back, read_config, write_gguf
from overproof.ship.header import Fields, Header, read_header
from overproof.ship.layout import FILE_TYPES
from overproof.ship.ollama import modelfile
from overproof.ship.origin import Origin, find_base, read_origin
from overproof.ship.probe import PROBE
from overproof.ship.tensors import DTYPES, write_safetensors
from overproof.store import storage_errors, write_atomically

Format = Literal["safetensors", "gguf", "onnx"]
RECORD = "export.json"


@dataclass(frozen=True, kw_only=True)
class Written:
    """A file or folder that was written, and how to load it."""

    source: ModelSource
    record: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What to write, and how far to check it."""

    to: Format = "gguf"
    quantisations: tuple[str, ...] = ("f16",)
    out: Path
    base: str = ""
    """GGUF file or catalogue name of the base model; "" for what the card says."""
    prompts: int = 32
    """Prompts of HumanEval that both answer; 0 reads the weights back only."""
    own_prompts: tuple[str, ...] = ()
    """Functions to be written, in place of HumanEval's."""
    threads: int = 0


def check_wanted(wanted: Wanted) -> None:
    """Refuse formats that do not go together. Raises: UsageError."""
    if wanted.to == "onnx":
        raise UsageError(
            "no ONNX is written here: optimum-onnx asks for transformers below 4.58",
            hint="export --to safetensors, and run `optimum-cli export onnx --model DIR OUT` in an "
            "environment of its own",
        )
    known = tuple(FILE_TYPES) if wanted.to == "gguf" else tuple(DTYPES)
    for quantisation in wanted.quantisations:
        if quantisation not in known:
            raise UsageError(
                f"{wanted.to} is not written in {quantisation}",
                hint=f"choose --quantise from {', '.join(known)}",
            )


def export(checkpoint: ModelSource, wanted: Wanted) -> Iterator[str | Written]:
    """Write and check; yield what to tell the user, and each thing that was written.

    Raises: UsageError, EngineError, DataError, StorageError.
    """
    check_wanted(wanted)
    if checkpoint.kind != "folder" or checkpoint.path is None:
        raise UsageError(
            f"{checkpoint.name} is no checkpoint folder", hint="it can be served as it is"
        )
    with storage_errors(wanted.out):
        wanted.out.mkdir(parents=True, exist_ok=True)
    origin = read_origin(checkpoint.path)
    reference = None
    if prompts := wanted.own_prompts or agreement.usual_prompts(wanted.prompts):
        reference = agreement.write_reference(checkpoint, prompts, threads=wanted.threads)
    written: list[Written] = []
    for quantisation in wanted.quantisations:
        if wanted.to == "gguf":
            one = yield from _gguf(checkpoint, origin, quantisation, wanted, reference)
        else:
            one = yield from _safetensors(checkpoint, quantisation, wanted, reference)
        written.append(one)
        yield one
    if wanted.to == "gguf":
        yield _write_modelfile(checkpoint.path, written[-1], origin, wanted.out)
    yield _write_record(checkpoint, origin, written, wanted.out)


def _gguf(
    checkpoint: ModelSource,
    origin: Origin,
    quantisation: str,
    wanted: Wanted,
    reference: agreement.Reference | None,
) -> Generator[str | Written, None, Written]:
    folder = checkpoint.path
    assert folder is not None
    fields, base, told = _fields(folder, origin, wanted.base)
    yield told
    name = checkpoint.name
    target = wanted.out / f"{name}-{quantisation}.gguf"
    whole = complete(fields, folder, read_config(folder), name, quantisation)
    formats = write_gguf(folder, target, quantisation, whole, base)
    source = _source(target, checkpoint)
    weights = read_back(folder, target, quantisation)
    told = "exactly the checkpoint's" if weights["exact"] else f"relative error {weights['rmse']}"
    yield f"{target}: {target.stat().st_size / 1e6:,.1f} MB, weights {told}"
    checks: dict[str, Any] = {"weights": weights}
    if reference is not None:
        texts = [request.prompt for request in reference.requests]
        differ = agreement.compare_tokens(checkpoint, source, texts)
        checks["tokens"] = {"texts": len(PROBE) + len(texts), "differ": differ}
        yield _told_tokens(checks["tokens"])
        found = agreement.compare_answers(reference, source, "xllamacpp", threads=wanted.threads)
        checks["answers"] = found
        yield _told_answers(found)
    record = {"file": target.name, "to": "gguf", "quantise": quantisation, "formats": formats}
    return Written(source=source, record={**record, **_sizes([target]), **checks})


def _safetensors(
    checkpoint: ModelSource,
    quantisation: str,
    wanted: Wanted,
    reference: agreement.Reference | None,
) -> Generator[str | Written, None, Written]:
    folder = checkpoint.path
    assert folder is not None
    target = wanted.out / f"{checkpoint.name}-{quantisation}"
    weights = write_safetensors(folder, target, quantisation)
    source = resolve_model(str(target))
    files = sorted(path for path in target.iterdir() if path.is_file())
    told = "exactly the checkpoint's" if weights["exact"] else f"{weights['changed']:.2%} rounded"
    yield f"{target}: weights {told}"
    checks: dict[str, Any] = {"weights": weights}
    if reference is not None:
        found = agreement.compare_answers(reference, source, "transformers", threads=wanted.threads)
        checks["answers"] = found
        yield _told_answers(found)
    record = {"file": target.name, "to": "safetensors", "quantise": quantisation}
    return Written(source=source, record={**record, **_sizes(files), **checks})


def _fields(folder: Path, origin: Origin, base: str) -> tuple[Fields, Header | None, str]:
    """Return the GGUF fields, the base file if it was used, and what to say of it."""
    config = read_config(folder)
    path = find_base(base, origin)
    if path is None:
        return built_fields(folder, config), None, "tokenizer: from tokenizer.json"
    header = read_header(path)
    fields = copied_fields(header)
    apart = differing(fields, folder, config)
    if not apart:
        return fields, header, f"tokenizer: that of {path.name}"
    if base:
        raise UsageError(f"--base {base} is another model: {apart[0]}")
    told = f"tokenizer: from tokenizer.json, since {path.name} is another model: {apart[0]}"
    return built_fields(folder, config), None, told


def _source(file: Path, checkpoint: ModelSource) -> ModelSource:
    """Return a file as a model; its prompts are cut by the checkpoint's tokenizer."""
    path = file.resolve()
    return ModelSource(
        name=path.stem, kind="gguf", path=path, sha256=hash_once(path), tokenizer=checkpoint
    )


def _sizes(files: Sequence[Path]) -> dict[str, Any]:
    return {
        "size_bytes": sum(path.stat().st_size for path in files),
        "sha256": {path.name: hash_once(path) for path in files},
    }


def _told_tokens(tokens: dict[str, Any]) -> str:
    differ = tokens["differ"]
    same = tokens["texts"] - len(differ)
    first = f"; not {differ[0]!r}" if differ else ""
    return f"  tokens: {same} of {tokens['texts']} texts are cut alike{first[:80]}"


def _told_answers(found: dict[str, Any]) -> str:
    kl = "not told" if found["kl"] is None else f"{found['kl']:g} nats per token"
    if found.get("decided_otherwise"):
        kl += (
            f"; another token at {found['decided_otherwise']} of {found['tokens']} places, where "
            f"the checkpoint's led by at most {found['widest_margin']:g} nats"
        )
    return (
        f"  answers, {found['engine']}: {found['same_answers']} of {found['prompts']} the same, "
        f"{found['same_prefix']:.1%} of the text before a difference, KL {kl}"
    )


def _write_modelfile(folder: Path, last: Written, origin: Origin, out: Path) -> str:
    text = modelfile(last.record["file"], read_template(folder), origin.licence)
    write_atomically(out / "Modelfile", text.encode())
    return f"{out / 'Modelfile'}: ollama create NAME -f Modelfile"


def _write_record(
    checkpoint: ModelSource, origin: Origin, written: Sequence[Written], out: Path
) -> str:
    """Write export.json; what an earlier export left in the folder stays in it."""
    path = out / RECORD
    names = {one.record["file"] for one in written}
    before = json.loads(path.read_text())["files"] if path.is_file() else []
    kept = [row for row in before if row["file"] not in names and (out / row["file"]).exists()]
    record = {
        "overproof": __version__,
        "checkpoint": {"name": checkpoint.name, "sha256": checkpoint.sha256, "base": origin.base},
        "files": [*kept, *(one.record for one in written)],
    }
    write_atomically(path, json.dumps(record, indent=2, ensure_ascii=False).encode() + b"\n")
    return f"{path}: hashes, sizes and checks"
