"""Formats in and out: samples, problems and results of other tools.

    overproof convert runs/demo --to evalplus --out samples.jsonl
    overproof convert runs/demo --to every-eval-ever --out data

What is read lies in `overproof.suites` (samples.py, read.py); here is what is written, and what
lets lm-eval and Inspect score with this sandbox (`lm_eval/`, inspect.py).
"""
