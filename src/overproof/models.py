"""A model by any name: a catalogue name, a folder, a GGUF file, a hub id, or a server.

    smollm2-135m-instruct              the catalogue; fetched if it is missing
    ./checkpoints/student              a folder with config.json and *.safetensors
    ~/models/teacher.gguf              a GGUF file
    org/name, org/name@revision        the hub; downloaded if it is missing
    http://127.0.0.1:8000/v1#name      an OpenAI-compatible server, and what it calls the model
    http://a/v1,http://b/v1#name       the same model on several servers

A model's `sha256` covers what decides its output, so that rows made by other weights, another
tokenizer or another chat template are never taken for the same. A large file is hashed once;
its size and mtime are noted in the cache folder, never beside a user's own file. Of a model on
servers it covers the first address and the name: what serves it beside that one changes no row.
Not covered: weights in pickles (`*.bin`, `*.pt`), adapters without their base model.

    >>> model_form("http://127.0.0.1:8000/v1#coder")
    'server'
"""

import contextlib
import hashlib
import json
import re
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from overproof.catalog import CATALOG, ModelSource, cache_folder, list_entries
from overproof.errors import (
    DataError,
    EngineError,
    FetchError,
    StorageError,
    UnknownNameError,
    UsageError,
)
from overproof.fetch import Progress, fetch, hash_file
from overproof.store import write_atomically

Form = Literal["catalogue", "gguf", "folder", "hub", "server"]

FORMS_HINT = (
    "a model is a catalogue name, a folder, a .gguf file, org/name[@revision], "
    "or http://host:port/v1#name"
)
HASHED_PATTERNS = (
    "*.safetensors",
    "config.json",
    "generation_config.json",
    "tokenizer*",
    "chat_template*",
    "vocab*",
    "merges.txt",
    "added_tokens.json",
    "special_tokens_map.json",
)
"""Files of a folder that decide what the model writes."""
HUB_PATTERNS = ["*.safetensors", "*.json", "*.jinja", "*.txt", "*.model"]
"""Files that are taken from the hub: weights and tokenizer, no pickles."""

_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*(@[\w./-]+)?")


def model_form(name: str) -> Form:
    """Return which form a model's name has, without downloading or hashing anything.

    Raises: UnknownNameError with the nearest names, UsageError for a path that is missing or
    cannot be a model, and for a server without a model name.
    """
    if name.startswith(("http://", "https://")):
        _check_server(name)
        return "server"
    if name in CATALOG and CATALOG[name].kind == "model":
        return "catalogue"
    path = Path(name).expanduser()
    if name and path.is_dir():
        _check_folder(path)
        return "folder"
    if path.is_file():
        _check_gguf(path)
        return "gguf"
    if _HUB_ID.fullmatch(name) and not name.endswith(".gguf"):
        return "hub"
    if "/" in name or name.endswith(".gguf"):
        raise UsageError(f"no such model file or folder: {name}", hint=FORMS_HINT)
    models = [entry.name for entry in list_entries("model")]
    raise UnknownNameError("model", name, models, hint=FORMS_HINT)


def resolve_model(name: str, *, progress: Progress | None = None) -> ModelSource:
    """Return the model that a name stands for, its files on this machine and hashed.

    What is missing is fetched; use `model_form` to check a name without that.
    Raises: as `model_form`; FetchError, IntegrityError and StorageError from a download;
    EngineError if a hub id is given and huggingface_hub is not installed.
    """
    form = model_form(name)
    if form == "catalogue":
        path = fetch(name, progress=progress)
        return ModelSource(name=name, kind="gguf", path=path, sha256=CATALOG[name].sha256)
    if form == "server":
        urls, _, model_id = name.partition("#")
        addresses = [url.strip().rstrip("/") for url in urls.split(",")]
        sha256 = hashlib.sha256(f"{addresses[0]}#{model_id}".encode()).hexdigest()
        url = ",".join(addresses)
        return ModelSource(name=model_id, kind="server", url=url, model_id=model_id, sha256=sha256)
    if form == "hub":
        folder = _download_snapshot(name)
        _check_folder(folder)
        short = name.partition("@")[0].rpartition("/")[2]
        return ModelSource(name=short, kind="folder", path=folder, sha256=hash_folder(folder))
    path = Path(name).expanduser().resolve()
    if form == "gguf":
        return ModelSource(name=path.stem, kind="gguf", path=path, sha256=hash_once(path))
    return ModelSource(name=path.name, kind="folder", path=path, sha256=hash_folder(path))


def hash_folder(folder: Path) -> str:
    """Return one SHA-256 over names and hashes of weights, config, tokenizer and template."""
    files = {file for pattern in HASHED_PATTERNS for file in folder.glob(pattern) if file.is_file()}
    lines = [f"{file.name} {hash_once(file)}\n" for file in sorted(files)]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def hash_once(path: Path) -> str:
    """Return a file's SHA-256, hashed again only if its size or mtime changed.

    The note about it is in the cache folder; where that cannot be written, there is none.
    """
    path = path.resolve()
    stat = path.stat()
    place = hashlib.sha256(str(path).encode()).hexdigest()[:32]
    note_path = cache_folder() / "hashes" / f"{place}.json"
    state = {"path": str(path), "size": stat.st_size, "mtime_ns": stat.st_mtime_ns}
    with contextlib.suppress(OSError, ValueError):
        note = json.loads(note_path.read_bytes())
        if isinstance(note, dict) and note == {**state, "sha256": note.get("sha256")}:
            return str(note["sha256"])
    sha256 = hash_file(path)
    with contextlib.suppress(OSError, StorageError):
        note_path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(note_path, json.dumps({**state, "sha256": sha256}).encode())
    return sha256


def _check_server(name: str) -> None:
    """Refuse an address without a host or without the model's name, and one that comes twice."""
    urls, hash_sign, model_id = name.partition("#")
    addresses = [url.strip().rstrip("/") for url in urls.split(",")]
    for address in addresses:
        _check_address(f"{address}{hash_sign}{model_id}")
    if len(set(addresses)) < len(addresses):
        raise UsageError(f"an address comes twice in {name}", hint=FORMS_HINT)


def _check_address(name: str) -> None:
    try:
        parts = urlsplit(name)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname)
        usable = usable and (parts.port is None or parts.port > 0)
    except ValueError:
        usable = False
    if not usable:
        raise UsageError(f"not a server address: {name!r}", hint=FORMS_HINT)
    if parts.username or parts.password:
        raise UsageError(
            f"a password in the address of {parts.hostname} would end up in the report",
            hint="put the server's key into OVERPROOF_API_KEY",
        )
    if not parts.fragment:
        raise UsageError(
            f"{name}: which model of this server?",
            hint=f"add its name after a #, as in {name.rstrip('/#')}#my-model",
        )


def _check_folder(folder: Path) -> None:
    """Refuse a folder that `transformers` could not load, or whose weights are pickles."""
    if not (folder / "config.json").is_file():
        adapter = (folder / "adapter_config.json").is_file()
        raise UsageError(
            f"{folder}: no config.json" + (", only an adapter" if adapter else ""),
            hint="merge the adapter into its base model first"
            if adapter
            else "a model's folder holds config.json, *.safetensors and its tokenizer",
        )
    if not any(folder.glob("*.safetensors")):
        raise UsageError(
            f"{folder}: no *.safetensors",
            hint="save the weights with `save_pretrained`; pickles are not loaded",
        )


def _check_gguf(path: Path) -> None:
    """Refuse a file that is not GGUF.

    Source: GGUF specification, header: the file starts with the four bytes `GGUF`.
    """
    if path.suffix.lower() != ".gguf":
        raise UsageError(f"{path}: a model's file ends in .gguf", hint=FORMS_HINT)
    with path.open("rb") as file:
        magic = file.read(4)
    if magic != b"GGUF":
        raise DataError(
            f"{path}: not a GGUF file, it starts with {magic!r}",
            hint="convert the model to GGUF, or name its folder instead",
        )


def _download_snapshot(name: str) -> Path:
    """Return the folder of a hub model, downloaded if it is missing."""
    try:
        from huggingface_hub import snapshot_download
    except ImportError:
        raise EngineError(
            f"{name}: huggingface_hub is not installed",
            hint="pip install 'overproof[data]', or name a local folder",
        ) from None
    repo, _, revision = name.partition("@")
    try:
        return Path(snapshot_download(repo, revision=revision or None, allow_patterns=HUB_PATTERNS))
    except Exception as error:  # which errors of which HTTP library, differs between its versions
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise FetchError(
            f"{name}: no such folder here, and the hub could not give it: {reason}",
            hint="check the name, set HTTPS_PROXY or HF_ENDPOINT, or name a local folder",
        ) from None
