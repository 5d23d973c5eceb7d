"""What the teacher is asked for, once: solutions that pass, and sparse logits, both cached."""
