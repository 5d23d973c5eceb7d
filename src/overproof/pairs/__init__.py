"""Code–text pairs: mined, read, filtered, deduplicated, decontaminated."""
