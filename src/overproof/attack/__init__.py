"""The adversary that searches: robust pass@1 against the number of queries.

    overproof attack --model qwen2.5-coder-0.5b-instruct --budget 20 \
        --strategy random --strategy evolution

Only problems that the model solves as published are attacked. A query is one certified variant,
answered and executed; a problem falls with the first that fails. All problems advance together,
a query a round, so the model works in batches and the search can learn from one problem for the
others. Every round is on disk: a killed search goes on where it was.

Covered: strategies side by side on the same problems, white-box guidance by loss, a gate of
naturalness, transfer of what was found to other models.
Not covered: operators on half-written bodies (another nominal), sampling above temperature 0.
"""

from contextlib import ExitStack
from pathlib import Path

from overproof.attack.arena import Arena
from overproof.attack.config import AttackConfig, attack_config, check_config, default_operators
from overproof.attack.results import Attacked, summary, summary_lines, write_results
from overproof.attack.transfer import Transfer, try_on_others
from overproof.engines.generate import name_contenders
from overproof.extras import require
from overproof.models import resolve_model
from overproof.recipe import Recipe, dump_recipe
from overproof.store import RunFolder, write_atomically
from overproof.suites import load_suites

__all__ = [
    "AttackConfig",
    "Attacked",
    "Transfer",
    "attack",
    "attack_config",
    "check_config",
    "default_operators",
    "summary",
    "summary_lines",
    "try_on_others",
]


def attack(
    model: str, recipe: Recipe, config: AttackConfig, out: Path, judge: str = ""
) -> list[Attacked]:
    """Search for variants that break a model; one result per strategy, files in `out`.

    Raises: UsageError for operators that start from another nominal; OverproofError of any
    kind; a rerun goes on.
    """
    require("scipy")
    check_config(config, judge)
    folder = RunFolder(out)
    with folder.locked(), ExitStack() as stack:
        problems = load_suites(recipe.suites.names, recipe.suites.problems)
        (contender,) = name_contenders([resolve_model(model)])
        write_atomically(out / "recipe.yaml", dump_recipe(recipe).encode())
        arena = Arena(contender, problems, recipe, config, folder, stack, judge)
        arena.judge_nominal()
        found = [arena.search(strategy) for strategy in config.strategies]
        write_results(found, config, folder)
    return found
