"""Put an export folder on a hub, through huggingface_hub; --dry-run says what would go there.

push(Path("out"), "me/my-coder", private=True)
"""

import re
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from overproof.engines.protocol import missing_engine
from overproof.errors import FetchError, UsageError

PATTERNS = ("*.gguf", "*.safetensors", "*.json", "*.jinja", "*.txt", "*.model", "*.md", "Modelfile")
"""What is sent; nothing else of the folder is."""


def uploads(out: Path) -> list[tuple[str, int]]:
    """Return the files that would be sent, by path in the repository, and their bytes."""
    return [
        (str(path.relative_to(out)), path.stat().st_size)
        for path in sorted(out.rglob("*"))
        if path.is_file() and any(fnmatch(path.name, pattern) for pattern in PATTERNS)
    ]


def check_repository(name: str) -> None:
    """Refuse what is no OWNER/NAME. Raises: UsageError."""
    if not re.fullmatch(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*", name):
        raise UsageError(f"not the name of a repository: {name!r}", hint="name it OWNER/NAME")


def push(out: Path, name: str, *, private: bool = False, dry_run: bool = False) -> Iterator[str]:
    """Create the repository if it is missing, and send the folder in one commit; yield news.

    The token is huggingface_hub's own: `hf auth login`, or HF_TOKEN; the hub is HF_ENDPOINT's.
    Raises: UsageError for a name that is none; FetchError if the hub refuses or is not reached.
    """
    check_repository(name)
    files = uploads(out)
    total = sum(size for _, size in files)
    if dry_run:
        yield from (f"would send {path}: {size / 1e6:,.2f} MB" for path, size in files)
        yield f"would send {len(files)} files, {total / 1e6:,.1f} MB, to {name}"
        return
    try:
        from huggingface_hub import HfApi
    except ImportError:
        raise missing_engine("huggingface_hub") from None
    yield f"sending {len(files)} files, {total / 1e6:,.1f} MB, to {name}"
    yield f"sent: {_send(HfApi(), out, name, private)}"


def _send(api: Any, out: Path, name: str, private: bool) -> str:
    try:
        api.create_repo(name, private=private, exist_ok=True)
        done = api.upload_folder(
            repo_id=name,
            folder_path=out,
            allow_patterns=list(PATTERNS),
            commit_message="Export of overproof",
        )
    except Exception as error:  # which errors of which HTTP library, differs between its versions
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise FetchError(
            f"{name}: the hub did not take it: {reason}",
            hint="log in with `hf auth login`, and see that the token may write there",
        ) from None
    return str(getattr(done, "commit_url", done))
