"""Latency that is fair, and joined with correctness: `overproof bench`.

    from overproof.bench.run import bench
    bench(["smollm2-135m-instruct", "student.gguf"], recipe, BenchConfig(), Path("runs/bench"), "")

config.py says what is asked, turns.py whose turn it is, pacing.py when a request is due, trials.py
times and keeps the raw stamps, verdicts.py executes what was answered, figures.py counts.
Definitions: docs/guides/latency.md.
"""
