"""What lies in a run folder beside its tables: JSON, checkpoints, signals, remains of kills.

    findings = list(check_files(Path("runs/demo")))

Weights are hashed anew: a flipped bit changes neither the size nor the time of a file, by which
the other commands tell whether they know it.
"""

import hashlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from overproof.errors import OverproofError
from overproof.fetch import hash_file
from overproof.folders.rows import read_table
from overproof.fsck.findings import Finding
from overproof.models import HASHED_PATTERNS
from overproof.records import Lesson
from overproof.store import leftovers

_HALF_FOLDER = re.compile(r"\..+\.\d+")
"""A checkpoint that was being written, with the number of the process."""


def check_files(folder: Path, *, live: bool = False) -> Iterator[Finding]:
    """Yield what is wrong with the files of a folder that are not tables; `live`: a run is on."""
    if not live:
        for path in (*leftovers(folder), *_half_checkpoints(folder)):
            name = str(path.relative_to(folder))
            yield Finding(file=name, what="left behind by a run that was killed", remedy="remove")
    yield from _unreadable(folder)
    yield from _certificates(folder)
    yield from _claims(folder)
    yield from _weights(folder)
    yield from _signals(folder)


def fresh_hash(folder: Path) -> str:
    """Return what `models.hash_folder` returns, every file read again."""
    files = {file for pattern in HASHED_PATTERNS for file in folder.glob(pattern) if file.is_file()}
    lines = [f"{file.name} {hash_file(file)}\n" for file in sorted(files)]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def _half_checkpoints(folder: Path) -> Iterator[Path]:
    models = folder / "models"
    if models.is_dir():
        yield from (p for p in sorted(models.iterdir()) if _HALF_FOLDER.fullmatch(p.name))


def _unreadable(folder: Path) -> Iterator[Finding]:
    """Yield what is not what its name says."""
    for path in sorted([*folder.glob("*.json"), *folder.glob("models/*/training.json")]):
        try:
            json.loads(path.read_bytes())
        except ValueError as error:
            name = str(path.relative_to(folder))
            yield Finding(file=name, what=f"not JSON ({error})", remedy="move file")
    recipe = folder / "recipe.yaml"
    try:
        known = isinstance(yaml.safe_load(recipe.read_bytes()), dict) if recipe.is_file() else True
    except (yaml.YAMLError, UnicodeDecodeError):
        known = False
    if not known:
        yield Finding(file=recipe.name, what="not a recipe", remedy="move file")


def _certificates(folder: Path) -> Iterator[Finding]:
    """Yield files of pairs that do not hold as many as were chosen."""
    for path in sorted(folder.glob("pairs-*.jsonl")):
        certificate = path.with_suffix(".certificate.json")
        chosen = _json(certificate).get("chosen")
        count = path.read_bytes().count(b"\n")
        if not certificate.is_file():
            yield Finding(file=path.name, what="it has no certificate", remedy="move file")
        elif isinstance(chosen, int) and chosen != count:
            what = f"{count} pairs, but its certificate is about {chosen}"
            yield Finding(file=path.name, what=what, remedy="move file")


def _claims(folder: Path) -> Iterator[Finding]:
    """Yield claims that rest on scores which are not there."""
    results = _json(folder / "results.json")
    scores = {row.get("key") for row in _rows(results.get("scores"))}
    for claim in _rows(results.get("claims")):
        lost = [key for key in claim.get("rows", []) if key not in scores]
        if lost:
            what = f"the claim {claim.get('key')} rests on scores that are not there: {lost[0]}"
            yield Finding(file="results.json", what=what, remedy="move file")


def _weights(folder: Path) -> Iterator[Finding]:
    """Yield checkpoints that are not what was measured."""
    for model in _rows(_json(folder / "manifest.json").get("models")):
        checkpoint = folder / "models" / str(model.get("source", ""))
        wanted = str(model.get("sha256", ""))
        if not model.get("source") or not wanted or not checkpoint.is_dir():
            continue
        found = fresh_hash(checkpoint)
        if found != wanted:
            what = f"SHA-256 {found[:12]}…, but {wanted[:12]}… was measured"
            name = str(checkpoint.relative_to(folder))
            yield Finding(file=name, what=what, remedy="move file")


def _signals(folder: Path) -> Iterator[Finding]:
    """Yield signals of the teacher that are damaged; missing ones are computed again."""
    from overproof.teach.cache import logits_path, unpack

    try:
        lessons = read_table(folder, "lessons", Lesson)
    except OverproofError:
        return  # said already, line by line
    for lesson in lessons:
        path = logits_path(lesson.key)
        try:
            if path.exists():
                unpack(path.read_bytes())
        except ValueError as error:
            yield Finding(file=str(path), what=f"a signal: {error}", remedy="move file")


def _json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_bytes()) if path.is_file() else {}
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _rows(found: Any) -> list[dict[str, Any]]:
    return [row for row in found if isinstance(row, dict)] if isinstance(found, list) else []
