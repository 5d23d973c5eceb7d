"""Measures on held-out pairs now and then, remembers the best weights, says when to end.

    ruler = Ruler(model, causal, heldout, setting, machine.folder, machine.pad)
    ruler.look(step)

What it found is in `heldout.json` beside the checkpoints, so that a resumed training knows it.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from overproof.distillation.examples import Example
from overproof.distillation.heldout import Measured, measure_heldout, per_token
from overproof.distillation.objective import Setting
from overproof.distillation.sharding import (
    Weights,
    gather_trained,
    is_sharded,
    leads,
    told,
)
from overproof.progress import say
from overproof.store import write_atomically

BEST = "best.safetensors"


class Ruler:
    """Looks at the held-out pairs; where the model is shared out, all processes look together."""

    def __init__(
        self,
        model: Any,
        causal: Any,
        heldout: Mapping[str, Sequence[Example]],
        setting: Setting,
        folder: Path,
        pad: int,
    ) -> None:
        """Take the model, with adapters or not, and the same without them."""
        self.config, self.folder = setting.config, folder
        self._model, self._heldout = model, heldout
        ask = _ask_all(model) if is_sharded(model) else None
        self._measure: Callable[[], Measured] = lambda: measure_heldout(
            causal, heldout, setting, pad, setting.config.batch_size, ask
        )
        self._path = folder / "heldout.json"
        self.measured: dict[int, Measured] = {}
        if self._path.exists():
            stored = json.loads(self._path.read_text())
            self.measured = {
                int(step): {
                    name: [(row[0], row[1]) for row in rows] for name, rows in found.items()
                }
                for step, found in stored.items()
            }

    def resume(self, step: int) -> None:
        """Forget what was measured after the checkpoint that training resumes from."""
        self.measured = {at: found for at, found in told(self.measured).items() if at <= step}

    def look(self, step: int) -> bool:
        """Measure if it is time, and return whether training should end."""
        every, last = self.config.evaluate_every, step == self.config.steps
        due = step == 0 or last or (every > 0 and step % every == 0)
        if not self._heldout or not due or step in self.measured:
            return False
        if leads() or is_sharded(self._model):
            self.measured[step] = self._measure()
        if leads():
            write_atomically(self._path, json.dumps(self.measured).encode())
            values = ", ".join(
                f"{name} {per_token(rows):.4f}" for name, rows in self.measured[step].items()
            )
            say(f"distil: step {step}: nats per held-out token: {values}")
        self.measured = told(self.measured)
        if not self.config.patience:
            return False
        if self._best() == step:
            self._keep()
        later = [at for at in self.measured if at > self._best()]
        return len(later) >= self.config.patience

    def kept_step(self, last: int) -> int:
        """Return the step whose weights are kept: the last, or the best with patience."""
        return self._best() if self.config.patience and self.measured else last

    def best_weights(self) -> Weights | None:
        """Return the weights that were best on the held-out pairs; None if the last ones are.

        Where the model is shared out, only the leading process gets them.
        """
        from safetensors.torch import load_file

        path = self.folder / BEST
        if not self.config.patience or not path.exists() or self._best() == max(self.measured):
            return None
        if leads():
            say(f"distil: the weights of step {self._best()} were the best on held-out pairs")
        return dict(load_file(path)) if leads() or not is_sharded(self._model) else {}

    def _best(self) -> int:
        return min(self.measured, key=lambda step: per_token(self.measured[step]["clean"]))

    def _keep(self) -> None:
        from safetensors.torch import save

        weights = gather_trained(self._model)
        if leads():
            write_atomically(self.folder / BEST, save(weights))


def _ask_all(model: Any) -> Callable[[Any, Setting], Any]:
    """Return the divergences of a model that is shared out: through its own forward, in all."""
    import torch

    def ask(batch: Any, setting: Setting) -> Any:
        with torch.no_grad():
            values = model(measured=setting, **batch)
        model.reshard()
        return values

    return ask
