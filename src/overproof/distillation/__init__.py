"""The objective, term by term, and the one training loop."""
