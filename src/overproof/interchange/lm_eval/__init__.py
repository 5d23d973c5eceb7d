r"""lm-eval's door: a folder of tasks for `--include_path`, with the functions that they name.

    lm_eval run --include_path "$(python -m overproof.interchange.lm_eval)" \
        --tasks overproof_humaneval --model hf --model_args pretrained=… --confirm_run_unsafe_code

The programs run in this sandbox, whatever lm-eval warns of. Nothing here imports lm-eval.
"""

from pathlib import Path

FOLDER = Path(__file__).parent
"""Where the tasks are."""
