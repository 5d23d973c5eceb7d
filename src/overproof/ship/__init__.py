"""What leaves with a checkpoint: its card, and the formats that other programs load.

overproof export CHECKPOINT --to gguf --quantise q4_k_m --out DIR
"""

from overproof.ship.card import describe_objective, write_model_card

__all__ = ["describe_objective", "write_model_card"]
