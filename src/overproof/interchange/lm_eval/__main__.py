"""Print the folder of the tasks: `python -m overproof.interchange.lm_eval`."""

import sys

from overproof.interchange.lm_eval import FOLDER

sys.stdout.write(f"{FOLDER}\n")
