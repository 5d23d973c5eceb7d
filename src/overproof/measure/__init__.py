"""From verdicts and timings to scores: pass@k, robustness, latency, each with an interval.

    from overproof.measure.scores import measure

Runs nothing and times nothing itself: it reads rows that other stages wrote.
"""
