"""Our TTFT, TPOT and E2E beside AIPerf's, of the same local server, which streams by a script.

    make bench-latency-clients

The two take turns, some requests each, so that a busy machine slows both. AIPerf calls TPOT
inter-token latency and E2E request latency; definitions: docs/guides/latency.md. Two schedules: a
token a chunk, and three tokens a chunk with empty chunks between. Exits with 1 if the medians of
TTFT or TPOT are further apart than `--within` (a share).
Not covered: AIPerf under load; its tokenizer, since the server counts its tokens.
"""

import argparse
import json
import runpy
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any

from overproof.bench.config import BenchConfig
from overproof.bench.rows import Trial
from overproof.bench.trials import Stage
from overproof.bench.verdicts import counted
from overproof.engines.generate import Contender
from overproof.evaluation import evaluation_recipe
from overproof.models import resolve_model
from overproof.records import Variant
from overproof.store import RunFolder

ROOT = Path(__file__).parent.parent
AIPERF = ROOT / ".venv-bench-latency" / "bin" / "aiperf"
STREAMING = runpy.run_path(str(ROOT / "tests" / "bench" / "streaming.py"))
THEIRS = {
    "ttft_ms": "time_to_first_token",
    "tpot_ms": "inter_token_latency",
    "e2e_ms": "request_latency",
}


def schedules() -> dict[str, Any]:
    """Return a script of the server for each way of sending tokens."""
    script, steady = STREAMING["Script"], STREAMING["steady"]
    pieces = [(0.2, "a b c"), *[(0.06, " d e f")] * 13]
    return {
        "one token a chunk": steady(0.2, 0.02, 40, role_after_s=0.01),
        "three tokens a chunk": script(pieces=pieces, usage=42, empty_between=True),
    }


def ours(url: str, requests: int) -> dict[str, float]:
    """Return the medians of our client."""
    model = f"{url}#coder"
    recipe = evaluation_recipe([model], ["humaneval"], "", 1, None, "server", "", 0)
    contender = Contender(name="coder", source=resolve_model(model))
    with tempfile.TemporaryDirectory() as folder:
        table = RunFolder(Path(folder)).table("trials", Trial)
        variants = list(prompts(requests))
        trials = Stage([contender], variants, recipe, BenchConfig(warmup=2), table).run()
    replies = counted(trials)
    return {name: median([getattr(reply, name) for reply in replies]) for name in THEIRS}


def prompts(count: int) -> Iterator[Variant]:
    """Yield prompts; what they say does not matter, for the server answers by its script."""
    for number in range(count):
        yield Variant(
            key=f"v{number}",
            task_id=f"t/{number}",
            suite="ours",
            operator="nominal",
            family="nominal",
            seed=0,
            prompt=f"def f{number}():\n",
            entry_point=f"f{number}",
        )


def aiperf(url: str, requests: int) -> dict[str, float]:
    """Return the medians of AIPerf, one request at a time, tokens as the server counts them."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        lines = [json.dumps({"text": f"def f{number}():"}) for number in range(requests)]
        (folder / "prompts.jsonl").write_text("\n".join(lines))
        command = [
            *(str(AIPERF), "profile", "--model", "coder", "--url", url.removesuffix("/v1")),
            *("--endpoint-type", "chat", "--streaming", "--use-server-token-count"),
            *("--tokenizer", str(tokenizer(folder / "tokenizer"))),
            *("--concurrency", "1", "--ui", "none"),
            *("--input-file", str(folder / "prompts.jsonl")),
            *("--custom-dataset-type", "single_turn"),
            *("--request-count", str(requests), "--warmup-request-count", "2"),
            *("--output-artifact-dir", str(folder / "out")),
        ]
        done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
        exported = sorted((folder / "out").rglob("profile_export_aiperf.json"))
        if not exported:
            sys.exit(f"aiperf left no result:\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}")
        report = json.loads(exported[0].read_text())
    return {name: float(report[theirs]["p50"]) for name, theirs in THEIRS.items()}


def tokenizer(folder: Path) -> Path:
    """Write a tokenizer of one word: AIPerf loads one, though the server counts the tokens."""
    from tokenizers import Tokenizer, models
    from transformers import PreTrainedTokenizerFast

    inner = Tokenizer(models.WordLevel({"[UNK]": 0}, unk_token="[UNK]"))
    PreTrainedTokenizerFast(tokenizer_object=inner, unk_token="[UNK]").save_pretrained(folder)
    return folder


def main() -> None:
    """Print a line a metric, and exit with 1 if the clients disagree."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=15, help="of each client, in each round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--within", type=float, default=0.03)
    options = parser.parse_args()
    apart = 0.0
    for name, script in schedules().items():
        server = STREAMING["Streaming"](lambda _, script=script: script)
        rounds: dict[str, list[dict[str, float]]] = {"ours": [], "aiperf": []}
        for _ in range(options.rounds):
            rounds["ours"].append(ours(server.url, options.requests))
            rounds["aiperf"].append(aiperf(server.url, options.requests))
        server.close()
        for metric in THEIRS:
            here, there = (median(row[metric] for row in rounds[who]) for who in rounds)
            difference = here / there - 1
            print(f"{name:<22}{metric:<9} ours {here:8.2f}  aiperf {there:8.2f}  {difference:+.2%}")
            if metric != "e2e_ms":
                apart = max(apart, abs(difference))
    print(f"furthest apart: {apart:.2%}, allowed {options.within:.0%}")
    sys.exit(apart > options.within)


if __name__ == "__main__":
    main()
