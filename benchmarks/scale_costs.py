"""What a full study takes on 1, 8 and 64 GPUs: arithmetic, with every number it rests on printed.

    python benchmarks/scale_costs.py --program-ms 60 --gpu-hour 2.5

No GPU was at hand: all rates are assumptions. Tokens a second are what `overproof bench --load
closed:64` says of yours, seconds per program what benchmarks/scale_throughput.py does. Each rank
starts a server per model, once; programs are executed on the cores that come with the GPUs, after
the samples are there.

Not counted: the queue of a cluster, retries, training.
"""

import argparse
from dataclasses import dataclass

GPUS = (1, 8, 64)


@dataclass(frozen=True, kw_only=True)
class Study:
    """A study's size and rates."""

    languages: int = 13
    tasks: int = 164
    prompts_per_task: int = 225
    """45 operators, 5 seeds."""
    large_models: int = 1
    small_models: int = 3
    tokens_per_sample: int = 150
    """Written, up to the closing fence."""
    large_tokens_s: float = 5000.0
    """Assumed, of one GPU with a full batch: a 7B teacher."""
    small_tokens_s: float = 20000.0
    """Assumed: students of 0.5 to 1.5B."""
    start_s: float = 90.0
    """Assumed: of one server."""
    program_s: float = 0.06
    """Assumed: of one core."""
    cores_per_gpu: int = 16

    @property
    def samples_per_model(self) -> int:
        """One sample per prompt."""
        return self.languages * self.tasks * self.prompts_per_task

    @property
    def samples(self) -> int:
        """Of all models."""
        return self.samples_per_model * (self.large_models + self.small_models)

    def generate_s(self, gpus: int) -> float:
        """Return how long all ranks generate, one per GPU, models in turn."""
        tokens = self.samples_per_model * self.tokens_per_sample
        large = self.large_models * tokens / self.large_tokens_s
        small = self.small_models * tokens / self.small_tokens_s
        starts = (self.large_models + self.small_models) * self.start_s
        return (large + small) / gpus + starts

    def execute_s(self, gpus: int) -> float:
        """Return how long the programs take on the GPUs' cores."""
        return self.samples * self.program_s / (gpus * self.cores_per_gpu)


def main() -> None:
    """Print the assumptions, then a line per number of GPUs."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--program-ms", type=float, default=1000 * Study.program_s)
    parser.add_argument("--large-tokens-s", type=float, default=Study.large_tokens_s)
    parser.add_argument("--small-tokens-s", type=float, default=Study.small_tokens_s)
    parser.add_argument("--start-s", type=float, default=Study.start_s)
    parser.add_argument("--gpu-hour", type=float, default=0.0, help="Price, to print a cost.")
    options = parser.parse_args()
    study = Study(
        program_s=options.program_ms / 1000,
        large_tokens_s=options.large_tokens_s,
        small_tokens_s=options.small_tokens_s,
        start_s=options.start_s,
    )
    print(study)
    print(f"{study.samples:,} samples, {study.samples_per_model:,} per model")
    print("| GPUs | generate | execute | together | GPU-hours | of them starting servers |")
    print("|---|---|---|---|---|---|")
    models = study.large_models + study.small_models
    for gpus in GPUS:
        generate, execute = study.generate_s(gpus), study.execute_s(gpus)
        hours = gpus * (generate + execute) / 3600
        cost = f" ({hours * options.gpu_hour:,.0f})" if options.gpu_hour else ""
        starting = gpus * models * study.start_s / 3600
        print(
            f"| {gpus} | {_time(generate)} | {_time(execute)} | {_time(generate + execute)} "
            f"| {hours:.1f}{cost} | {starting:.1f} |"
        )


def _time(seconds: float) -> str:
    """Return a time in the unit that reads best."""
    return f"{seconds / 3600:.1f} h" if seconds >= 5400 else f"{seconds / 60:.0f} min"


if __name__ == "__main__":
    main()
