"""Where a checkpoint comes from: what its card and its training record say.

read_origin(Path("runs/demo/models/distilled-0123456789ab")).base
"""

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from overproof.catalog import CATALOG, cached_file
from overproof.errors import DataError, UsageError


@dataclass(frozen=True, kw_only=True)
class Origin:
    """What is known of a checkpoint beyond its weights."""

    card: dict[str, Any] = field(default_factory=dict)
    """The front matter of README.md."""
    body: str = ""
    """The rest of README.md."""
    training: dict[str, Any] = field(default_factory=dict)
    """training.json, of a checkpoint that was trained here."""

    @property
    def base(self) -> str:
        """The model it was trained from, by the name that the recipe used; "" if not known."""
        base = self.card.get("base_model", "")
        return str(base[0] if isinstance(base, list) and base else base or "")

    @property
    def licence(self) -> str:
        """Its SPDX identifier in lower case; "other" if not known."""
        return str(self.card.get("license") or "other")


def read_origin(folder: Path) -> Origin:
    """Return what the folder says of itself.

    Raises: DataError if the card's front matter or the training record cannot be read.
    """
    readme, record = folder / "README.md", folder / "training.json"
    text = readme.read_text() if readme.is_file() else ""
    found = re.match(r"---\n(.*?)\n---\n?(.*)", text, re.DOTALL)
    try:
        card = yaml.safe_load(found[1]) if found else {}
        training = json.loads(record.read_text()) if record.is_file() else {}
    except (yaml.YAMLError, ValueError) as error:
        raise DataError(f"{folder}: {' '.join(str(error).split())[:200]}") from None
    if not isinstance(card, dict) or not isinstance(training, dict):
        raise DataError(f"{folder}: README.md or training.json has another form")
    return Origin(card=card, body=found[2] if found else text, training=training)


def find_base(name: str, origin: Origin) -> Path | None:
    """Return the GGUF file of the base model, None if there is none here.

    `name` is what the user says: a GGUF file, a catalogue name, or "" for what the card says.
    Raises: UsageError if the user names something else.
    """
    for candidate in filter(None, (name, "" if name else origin.base)):
        if candidate in CATALOG and CATALOG[candidate].kind == "model":
            path = cached_file(CATALOG[candidate])
        else:
            path = Path(candidate).expanduser()
        if path.suffix.lower() == ".gguf" and path.is_file():
            return path
        if name:
            raise UsageError(
                f"--base {name}: no GGUF file of that name is here",
                hint="name a .gguf file, or fetch it: overproof models fetch NAME",
            )
    return None
