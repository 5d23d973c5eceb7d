"""Makes `tiny_study`, `running` and `kills` importable beside the tests."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
