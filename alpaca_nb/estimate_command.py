"""`alpaca-nb estimate RECIPE`: what the recipe's data would take in requests, tokens, dollars and hours."""

import argparse
from collections.abc import Callable

from alpaca_nb.runs import NOTEBOOKS_FOLDER

EXAMPLES = """\
examples:
  alpaca-nb estimate laptop
  alpaca-nb estimate laptop -p number_of_rows=52002 -p budget_usd=10
  alpaca-nb estimate laptop -p number_of_rows=52002 -p service_tier=flex"""


def add_estimate(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]", add: Callable[..., argparse.ArgumentParser]
) -> None:
    """Declare the command."""
    command = add(commands, "estimate", _estimate, "say what a recipe's data would cost, without sending", EXAMPLES)
    command.add_argument("recipe", help="a name from `alpaca-nb recipes`, or a YAML file")
    command.add_argument(
        "-p",
        "--parameter",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="set a notebook parameter, as for `alpaca-nb run`; may be repeated",
    )


def _estimate(options: argparse.Namespace) -> int:
    from alpaca_nb import recipes
    from alpaca_nb.generation.estimate import estimate, text_of
    from alpaca_nb.generation.seeds import read_seed_tasks
    from alpaca_nb.generation.settings import settings_of
    from alpaca_nb.seed_tasks.stage import KIT_SEED_TASKS

    recipe = recipes.load(options.recipe, options.parameter)
    settings = settings_of(recipe.stages["02_generate_data"], to_send=False)
    own = recipe.stages["01_seed_tasks"].get("seed_tasks_path")
    seeds = read_seed_tasks(NOTEBOOKS_FOLDER / str(own) if own else KIT_SEED_TASKS)
    print(text_of(estimate(settings, seeds), recipe.name, settings))
    return 0
