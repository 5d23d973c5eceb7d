"""What the loss on top of the head costs: ours, plain cross-entropy, and those of TRL 1.16.0.

    make bench-loss                               about 12 minutes, 7 GB of memory
    make bench-loss ARGS='--repeats 1'            a quick look
    make bench-loss ARGS='--repeats 1 --tokens 64 --vocabulary 5000'    whether it runs

512 tokens, a vocabulary of 151,936, hidden sizes 896 (student) and 1,536 (teacher), float32, one
CPU thread; forward and backward, with the gradients of the hidden states and of the student's head.
TRL's losses need the teacher's logits, so the product with the teacher's head is theirs to pay (not
its layers). Ours reads K = 32 kept log-probabilities and a tail, which a process of its own draws
from the same teacher beforehand.

Each candidate and repetition is a process of its own, in rotating order. Extra peak: the highest
resident memory of the measured pass above what was resident after the inputs and a warm-up of a
tiny size; it includes the gradients that are returned. CPU time is the process's, user and system.
A ratio is taken within a repetition; printed are its median, least and greatest. The losses are
checked as well: TRL's two JSD agree, and ours, with the rest in one bucket, is a lower bound.

On a machine with CUDA and liger-kernel, ours and Liger's fused linear JSD are compared too: 8,192
tokens in bfloat16, with the head frozen (as under LoRA) and with its gradient, summed in float32.

Exit status: 0 if every aim is met, 1 if one is not. Run it on a machine that does nothing else.
"""

import argparse
import gc
import importlib
import importlib.util
import json
import os
import platform
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional

from overproof.distillation.divergences import DIVERGENCES
from overproof.distillation.kernels import head_loss

TOP_K = 32
AIMS = (
    ("peak_mib", "TRL GKD, JSD", 0.25),
    ("peak_mib", "cross-entropy", 1.2),
    ("seconds", "TRL GKD, JSD", 0.5),
    ("seconds", "cross-entropy", 1.25),
)
"""Ours over theirs, at most."""
CUDA_AIMS = (("peak_mib", "Liger, JSD", 0.5), ("seconds", "Liger, JSD", 1.0))
WHAT = {"peak_mib": "extra peak memory", "seconds": "time"}

Result = dict[str, float]


@dataclass(frozen=True)
class Sizes:
    """How large everything is, and where."""

    tokens: int
    vocabulary: int
    student: int
    teacher: int
    device: str

    @property
    def kind(self) -> torch.dtype:
        """The precision that is usual there."""
        return torch.bfloat16 if self.device == "cuda" else torch.float32


@dataclass(frozen=True)
class Inputs:
    """What a loss is computed from; nothing of the teacher where it is not asked for."""

    hidden: Tensor
    head: Tensor
    gold: Tensor
    signal: dict[str, Tensor]
    teacher_hidden: Tensor
    teacher_head: Tensor


def cross_entropy(given: Inputs) -> Tensor:
    """The dense loss of plain fine-tuning."""
    return functional.cross_entropy(given.hidden @ given.head.t(), given.gold)


def trl_gkd_jsd(given: Inputs) -> Tensor:
    """GKDTrainer's loss, on the logits of both models, which its `compute_loss` keeps alive."""
    trainer = importlib.import_module("trl.experimental.gkd").GKDTrainer
    student_logits = (given.hidden @ given.head.t())[None]
    with torch.no_grad():
        teacher_logits = (given.teacher_hidden @ given.teacher_head.t())[None]
    loss: Tensor = trainer.generalized_jsd_loss(
        student_logits=student_logits,
        teacher_logits=teacher_logits,
        labels=given.gold[None],
        beta=0.5,
        num_items_in_batch=len(given.hidden),
    )
    return loss


def trl_chunked(beta: float) -> Callable[[Inputs], Tensor]:
    """DistillationTrainer's loss, in tiles, which computes both heads twice or three times."""

    def loss(given: Inputs) -> Tensor:
        kernel = importlib.import_module("trl.kernels.chunked_divergence")
        student = (given.hidden, given.head, None)
        teacher = (given.teacher_hidden, given.teacher_head, None)
        values: Tensor = kernel.ChunkedDivergenceFunction.apply(*student, *teacher, beta)[0]
        return values.mean()

    return loss


def ours(name: str) -> Callable[[Inputs], Tensor]:
    """The fused head and loss of this package, from the cached signal."""

    def loss(given: Inputs) -> Tensor:
        kept, outside = given.signal["logprobs"], given.signal["tail"]

        def objective(part: slice, own: Tensor, tail: Tensor) -> Tensor:
            return DIVERGENCES[name](own, tail, kept[part], outside[part])

        total = head_loss(given.hidden, given.head, given.signal["ids"], objective)
        return total / len(given.hidden)

    return loss


def liger_jsd(given: Inputs) -> Tensor:
    """Liger's fused head and loss, on Triton; its weight gradient summed in float32, as ours is."""
    module = importlib.import_module("liger_kernel.transformers.fused_linear_jsd")
    function = module.LigerFusedLinearJSD(jsd_beta=0.5, accum_dtype=torch.float32)
    student, teacher = (given.hidden, given.head), (given.teacher_hidden, given.teacher_head)
    loss: Tensor = function(*student, *teacher, given.gold)
    return loss


CANDIDATES = {
    "ours, forward KL": ours("forward_kl"),
    "ours, JSD": ours("jsd"),
    "cross-entropy": cross_entropy,
    "TRL GKD, JSD": trl_gkd_jsd,
    "TRL chunked, KL": trl_chunked(0.0),
    "TRL chunked, JSD": trl_chunked(0.5),
    "Liger, JSD": liger_jsd,
}
ON_CPU = tuple(name for name in CANDIDATES if not name.startswith("Liger"))
ON_CUDA = ("ours, forward KL", "ours, JSD", "Liger, JSD")


def main() -> int:
    """Run the comparison, or one candidate of it; return 1 if an aim is missed."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repeats", type=int, default=5, help="processes of each, default 5")
    parser.add_argument("--tokens", type=int, default=0, help="default 512, on CUDA 8192")
    parser.add_argument("--vocabulary", type=int, default=151_936)
    parser.add_argument("--hidden", type=int, nargs=2, default=(896, 1536), metavar="H")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu", help=argparse.SUPPRESS)
    parser.add_argument("--frozen", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--signal", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--candidate", choices=(*CANDIDATES, ""), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.candidate is not None:
        return run_here(options)
    print(describe_machine())
    met = compare(options, "cpu", ON_CPU, AIMS)
    if not torch.cuda.is_available():
        print("\nLiger: not compared, there is no CUDA device here")
    elif importlib.util.find_spec("liger_kernel") is None:
        print("\nLiger: not compared, pip install liger-kernel==0.8.5 would bring it")
    else:
        for frozen in (True, False):
            met += compare(options, "cuda", ON_CUDA, CUDA_AIMS, frozen=frozen)
    return 0 if all(met) else 1


def run_here(options: argparse.Namespace) -> int:
    """Measure one candidate in this process, or write the teacher's signal where none is named."""
    torch.set_num_threads(1)
    student, teacher = options.hidden
    sizes = Sizes(options.tokens, options.vocabulary, student, teacher, options.device)
    if not options.candidate:
        torch.save(teacher_signal(sizes), options.signal)
        return 0
    candidate, tiny = CANDIDATES[options.candidate], Sizes(8, 512, 64, 96, options.device)
    run(candidate, make_inputs(tiny, teacher_signal(tiny), frozen=options.frozen))
    signal, needs_teacher = (
        torch.load(options.signal),
        options.candidate.startswith(("TRL", "Liger")),
    )
    given = make_inputs(sizes, signal, frozen=options.frozen, with_teacher=needs_teacher)
    measure = measure_cuda if options.device == "cuda" else measure_cpu
    print(json.dumps(measure(candidate, given)))
    return 0


def run(candidate: Callable[[Inputs], Tensor], given: Inputs) -> float:
    """Do what is measured, forward and backward, and return the loss."""
    loss = candidate(given)
    loss.backward()  # type: ignore[no-untyped-call]
    assert given.hidden.grad is not None
    assert (given.head.grad is not None) == given.head.requires_grad
    return loss.item()


def measure_cpu(candidate: Callable[[Inputs], Tensor], given: Inputs) -> Result:
    """Return CPU seconds, extra peak of resident memory, and the loss."""
    gc.collect()
    Path("/proc/self/clear_refs").write_text("5")  # the peak starts anew from what is resident
    before, start = status_mib("VmRSS"), time.process_time()
    loss = run(candidate, given)
    seconds = time.process_time() - start
    return {"seconds": seconds, "peak_mib": status_mib("VmHWM") - before, "loss": loss}


def measure_cuda(candidate: Callable[[Inputs], Tensor], given: Inputs) -> Result:
    """Return the median seconds of ten passes after three, the extra peak, and the loss."""
    timings, loss, peak = [], 0.0, 0
    for number in range(13):
        given.hidden.grad = given.head.grad = None
        torch.cuda.synchronize()
        torch.cuda.reset_peak_memory_stats()
        before, start = torch.cuda.memory_allocated(), time.perf_counter()
        loss = run(candidate, given)
        torch.cuda.synchronize()
        if number >= 3:
            timings.append(time.perf_counter() - start)
            peak = max(peak, torch.cuda.max_memory_allocated() - before)
    return {"seconds": statistics.median(timings), "peak_mib": peak / 2**20, "loss": loss}


def status_mib(name: str) -> float:
    """Return a figure of this process's memory, as the kernel keeps it."""
    found = re.search(rf"{name}:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found is not None
    return int(found[1]) / 1024


def make_inputs(
    sizes: Sizes, signal: dict[str, Tensor], *, frozen: bool, with_teacher: bool = True
) -> Inputs:
    """Return random inputs of these sizes, the teacher's side empty where it is not needed."""
    return Inputs(
        hidden=draw(sizes, sizes.tokens, sizes.student, seed=1).requires_grad_(),
        head=draw(sizes, sizes.vocabulary, sizes.student, seed=2).requires_grad_(not frozen),
        gold=signal["ids"][:, 0].contiguous(),
        signal=signal,
        teacher_hidden=draw(sizes, sizes.tokens, sizes.teacher * with_teacher, seed=3),
        teacher_head=draw(sizes, sizes.vocabulary, sizes.teacher * with_teacher, seed=4),
    )


def draw(sizes: Sizes, rows: int, columns: int, *, seed: int) -> Tensor:
    """Return normal numbers; the logits of hidden states and a head then deviate by 3 as well."""
    generator = torch.Generator(sizes.device).manual_seed(seed)
    room = torch.empty(rows, columns, device=sizes.device, dtype=sizes.kind)
    return room.normal_(0.0, 3**0.5 / max(1, columns) ** 0.25, generator=generator)


def teacher_signal(sizes: Sizes) -> dict[str, Tensor]:
    """Return the teacher's likeliest K per token and the log-mass outside, in float32."""
    hidden = draw(sizes, sizes.tokens, sizes.teacher, seed=3)
    head = draw(sizes, sizes.vocabulary, sizes.teacher, seed=4)
    parts: dict[str, list[Tensor]] = {"ids": [], "logprobs": [], "tail": []}
    for start in range(0, sizes.tokens, 64):
        rows = torch.log_softmax((hidden[start : start + 64] @ head.t()).float(), dim=1)
        kept, ids = rows.topk(TOP_K, dim=1)
        parts["ids"].append(ids)
        parts["logprobs"].append(kept)
        parts["tail"].append(rows.scatter(1, ids, -torch.inf).logsumexp(dim=1))
    return {name: torch.cat(part) for name, part in parts.items()}


def compare(
    options: argparse.Namespace,
    device: str,
    names: Sequence[str],
    aims: Sequence[tuple[str, str, float]],
    *,
    frozen: bool = False,
) -> list[bool]:
    """Measure all candidates in turn, print the tables; return which aims are met."""
    tokens = options.tokens or (8192 if device == "cuda" else 512)
    shared = ["--device", device, "--tokens", str(tokens), "--vocabulary", str(options.vocabulary)]
    shared += ["--hidden", *map(str, options.hidden), *(["--frozen"] if frozen else [])]
    results: dict[str, list[Result]] = {name: [] for name in names}
    with tempfile.TemporaryDirectory() as folder:
        shared += ["--signal", str(Path(folder) / "signal.pt")]
        in_process([*shared, "--candidate", ""])
        for number in range(options.repeats):
            turn = number % len(names)
            for name in (*names[turn:], *names[:turn]):
                output = in_process([*shared, "--candidate", name])
                results[name].append(json.loads(output.splitlines()[-1]))
    where = torch.cuda.get_device_name() if device == "cuda" else "one CPU thread"
    width, rows = options.hidden, options.vocabulary
    print(f"\n{where}: {tokens} tokens, {rows} entries, H = {width[0]}, teacher {width[1]}", end="")
    print(", the head frozen" if frozen else "", f"; {options.repeats} times:")
    print(f"{'':<18}{'seconds':>9}{'least':>9}{'greatest':>9}{'extra MiB':>11}{'loss':>9}")
    for name, runs in results.items():
        seconds = [one["seconds"] for one in runs]
        figures = (statistics.median(seconds), min(seconds), max(seconds))
        peak = statistics.median(one["peak_mib"] for one in runs)
        columns = "".join(f"{figure:9.3f}" for figure in figures)
        print(f"{name:<18}{columns}{peak:11.0f}{runs[0]['loss']:9.4f}")
    return [*check_losses(results), *check_aims(results, aims)]


def in_process(arguments: Sequence[str]) -> str:
    """Return what this program prints in a process of its own, on one thread."""
    quiet = {"TRL_EXPERIMENTAL_SILENCE": "1", "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, __file__, *arguments]
    done = subprocess.run(command, env=os.environ | quiet, stdout=subprocess.PIPE, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(arguments)}: exit status {done.returncode}, see above")
    return done.stdout


def check_losses(results: dict[str, list[Result]]) -> list[bool]:
    """Return whether the values are right: equal where they must be, ours a lower bound."""
    loss = {name: runs[0]["loss"] for name, runs in results.items()}
    dense = [loss[name] for name in loss if name.endswith("JSD") and not name.startswith("ours")]
    right = [max(dense) <= 1.01 * min(dense), 0 <= loss["ours, JSD"] <= 1.01 * min(dense)]
    if "TRL chunked, KL" in loss:
        right.append(0 <= loss["ours, forward KL"] <= 1.01 * loss["TRL chunked, KL"])
    print("the losses agree" if all(right) else "WRONG: the losses do not agree")
    return right


def check_aims(
    results: dict[str, list[Result]], aims: Sequence[tuple[str, str, float]]
) -> list[bool]:
    """Print ours over theirs, each with its spread; return which aims are met."""
    met = []
    for figure, other, limit in aims:
        for name in (name for name in results if name.startswith("ours")):
            pairs = zip(results[name], results[other], strict=True)
            ratios = [one[figure] / theirs[figure] for one, theirs in pairs]
            met.append(statistics.median(ratios) <= limit)
            spread = f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"
            verdict = "met" if met[-1] else "MISSED"
            print(f"{verdict}: {name}: {WHAT[figure]} {spread} of {other}, aim {limit:g}")
    return met


def describe_machine() -> str:
    """Return what the figures depend on, in a line."""
    load = os.getloadavg()[0]
    warning = "; NOT IDLE, only ratios mean anything" if load > 0.5 else ""
    system = f"{platform.system()} {platform.release()} {platform.machine()}"
    cores = len(os.sched_getaffinity(0))
    return f"{cores} cores, {system}, torch {torch.__version__}, load {load:.1f}{warning}"


if __name__ == "__main__":
    sys.exit(main())
