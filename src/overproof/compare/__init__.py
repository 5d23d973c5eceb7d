"""Two models over the same tasks, prompts and samples: differences, and gates on them.

    overproof compare runs/old runs/new --gate "robust_pass@1 >= -0.02"

The difference is always B - A: the second that is named minus the first.
"""
