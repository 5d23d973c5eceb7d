"""Data sets of the hub: which of their files hold a split, and those files on this machine.

    files, licence = fetch_dataset("google-research-datasets/mbpp/full", "train")

Only the files of the split are downloaded, into the hub's own cache; a rerun takes them from
there, without a network too. Which files belong to a split, the data set's card says, or else the
files' names. Needs huggingface_hub (`pip install 'overproof[data]'`).

Not covered: data sets that exist as a loading script only, unless the hub has converted them.
"""

import fnmatch
import re
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import yaml

from overproof.errors import EngineError, FetchError, UsageError
from overproof.pairs.licences import recognise
from overproof.pairs.specs import ROW_SUFFIXES

CONVERTED = "refs/convert/parquet"
"""Where the hub keeps data sets that it has converted to Parquet."""

_SPLITS = {
    "train": ("train", "training"),
    "validation": ("validation", "valid", "val", "dev"),
    "test": ("test", "testing"),
}


def fetch_dataset(place: str, split: str) -> tuple[list[Path], str]:
    """Return the files of a split, downloaded where they are missing, and the card's licence.

    `place` is OWNER/NAME or OWNER/NAME/CONFIG; an empty split means train.

    Raises: FetchError if the hub does not give them; UsageError if there is no such split;
    EngineError if huggingface_hub is not installed.
    """
    try:
        from huggingface_hub import HfApi
    except ImportError:
        raise EngineError(
            f"hub:{place}: huggingface_hub is not installed", hint="pip install 'overproof[data]'"
        ) from None
    owner, name, *config = place.split("/", 2)
    repo = f"{owner}/{name}"
    try:
        paths = HfApi().list_repo_files(repo, repo_type="dataset")
        card = read_card(_download(repo, ["README.md"]))
        revision = None if any(map(_holds_rows, paths)) else CONVERTED
        if revision:
            paths = HfApi().list_repo_files(repo, repo_type="dataset", revision=revision)
        chosen = choose_files(paths, "".join(config), split, card)
        folder = _download(repo, chosen, revision)
    except UsageError:
        raise
    except Exception as error:  # which errors of which HTTP library, differs between its versions
        try:
            folder = _download(repo, ["*"], local=True)
        except (OSError, ValueError):
            raise _unreachable(place, error) from error
        card = read_card(folder)
        chosen = choose_files(_files_below(folder), "".join(config), split, card)
    return [folder / path for path in chosen], card_licence(card)


def _download(
    repo: str, patterns: Sequence[str], revision: str | None = None, local: bool = False
) -> Path:
    """Return the folder with those files of a data set; with `local`, only what is there."""
    from huggingface_hub import snapshot_download

    return Path(
        snapshot_download(
            repo,
            repo_type="dataset",
            revision=revision,
            allow_patterns=list(patterns),
            local_files_only=local,
        )
    )


def choose_files(
    paths: Sequence[str], config: str, split: str, card: Mapping[str, Any]
) -> list[str]:
    """Return the paths, relative to the data set, that hold a split, sorted.

    The card's `configs` decide, if there are any. Otherwise a path belongs to a configuration if
    a folder is called so, and to a split if a part of its name is; where no name tells a split,
    everything is train.

    Raises: UsageError if there is none.
    """
    split = split or "train"
    rows = sorted(path for path in paths if _holds_rows(path))
    configs = [part for part in card.get("configs") or [] if isinstance(part, dict)]
    if configs:
        patterns = _card_patterns(configs, config, split)
        chosen = [p for p in rows if any(fnmatch.fnmatch(p, pattern) for pattern in patterns)]
    else:
        rows = [path for path in rows if not config or config in PurePosixPath(path).parts[:-1]]
        told = {path: _split_of(path) for path in rows}
        chosen = [path for path, found in told.items() if found == split]
        if split == "train" and not any(told.values()):
            chosen = rows
    if not chosen:
        names = [str(part.get("config_name")) for part in configs]
        shown = ", ".join(names or [str(PurePosixPath(path)) for path in rows[:9]]) or "none"
        raise UsageError(
            f"the data set has no files of {' '.join(filter(None, (config, split)))}",
            hint=f"hub:OWNER/NAME/CONFIG:SPLIT; {'configurations' if names else 'files'}: {shown}",
        )
    return chosen


def read_card(folder: Path) -> dict[str, Any]:
    """Return what the head of a data set's README.md says; empty if there is none."""
    try:
        text = (folder / "README.md").read_text(encoding="utf-8")
        head = re.match(r"\s*---\n(.*?)\n---", text, re.DOTALL)
        card = yaml.safe_load(head[1]) if head else None
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        return {}
    return card if isinstance(card, dict) else {}


def card_licence(card: Mapping[str, Any]) -> str:
    """Return the licence of a card; empty if it names none that is known here.

    >>> card_licence({"license": ["cc-by-4.0"]}), card_licence({"license": "other"})
    ('CC-BY-4.0', '')
    """
    stated = card.get("license") or ""
    names = stated if isinstance(stated, list) else [stated]
    known = [recognise(str(name)) for name in names]
    return " AND ".join(known) if all(known) else ""


def _card_patterns(configs: Sequence[dict[str, Any]], config: str, split: str) -> list[str]:
    """Return the patterns of paths that a card gives a split of a configuration."""
    named = [part for part in configs if part.get("config_name") == config]
    usual = [part for part in configs if part.get("default")] or [
        part for part in configs if part.get("config_name") == "default"
    ]
    files = ([] if config else usual or list(configs))[:1] + named
    data = files[0].get("data_files") if files else None
    if isinstance(data, str | dict):
        data = [data]
    patterns: list[str] = []
    for part in data or []:
        entry = part if isinstance(part, dict) else {"split": "train", "path": part}
        if entry.get("split") == split:
            path = entry.get("path") or []
            patterns.extend([path] if isinstance(path, str) else path)
    return [pattern.replace("**/", "*") for pattern in patterns]


def _split_of(path: str) -> str:
    """Return the split that a part of a path names; empty if none does."""
    parts = re.split(r"[/._-]+", path.lower())
    return next((name for name, words in _SPLITS.items() if set(words) & set(parts)), "")


def _holds_rows(path: str) -> bool:
    name = PurePosixPath(path).name
    return name.endswith(ROW_SUFFIXES) and name not in ("dataset_infos.json", "dataset_info.json")


def _files_below(folder: Path) -> list[str]:
    return [path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()]


def _unreachable(place: str, error: Exception) -> FetchError:
    reason = (str(error).strip() or type(error).__name__).splitlines()[0]
    repo = "/".join(place.split("/")[:2])
    return FetchError(
        f"hub:{place}: the hub could not give it: {reason}",
        hint="check the name, set HTTPS_PROXY or HF_ENDPOINT, or fetch it elsewhere with "
        f"`hf download {repo} --repo-type dataset --local-dir DIR` and name its files as the "
        "source: DIR/data/train-*.parquet",
    )
