"""Write a checkpoint folder again with its weights in another dtype; everything else is copied.

write_safetensors(Path("checkpoint"), Path("out"), "f16")
"""

import json
import shutil
from pathlib import Path
from typing import Any

from overproof.errors import DataError
from overproof.progress import stage
from overproof.ship.placing import placed_folder

DTYPES = {"bf16": "bfloat16", "f16": "float16"}
"""By the names of --quantise; the values are torch's."""
COPIED = ("*.json", "*.jinja", "*.txt", "*.model", "README.md", "LICENSE*")


def write_safetensors(folder: Path, target: Path, dtype: str) -> dict[str, Any]:
    """Write the folder; return the share of weights that were rounded.

    Raises: DataError if float16 cannot hold a weight; StorageError.
    """
    import torch
    from safetensors.torch import load_file, save_file

    kind = getattr(torch, DTYPES[dtype])
    files = sorted(folder.glob("*.safetensors"))
    rounded = total = 0
    with placed_folder(target) as made:
        with stage(f"write: {target.name}", len(files), "files") as advance:
            for path in files:
                tensors = load_file(path)
                for name in list(tensors):
                    before = tensors[name]
                    after = before.to(kind)
                    if not torch.isfinite(after).all():
                        raise DataError(
                            f"{path}: {name} holds a weight beyond {DTYPES[dtype]}",
                            hint="export it in bf16",
                        )
                    rounded += int((after.float() != before.float()).sum())
                    total += before.numel()
                    tensors[name] = after.contiguous()
                save_file(tensors, made / path.name, metadata={"format": "pt"})
                advance(1)
        for path in {path for pattern in COPIED for path in folder.glob(pattern)}:
            shutil.copyfile(path, made / path.name)
        config = json.loads((folder / "config.json").read_text())
        config["dtype"] = DTYPES[dtype]
        config.pop("torch_dtype", None)
        (made / "config.json").write_text(json.dumps(config, indent=2) + "\n")
    return {"exact": rounded == 0, "changed": rounded / max(1, total)}
