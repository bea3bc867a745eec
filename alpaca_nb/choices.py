"""Words that a parameter may hold where only some are known: the one list that recipes, stages and commands read."""

from collections.abc import Collection

from alpaca_nb.errors import RecipeError

PROTOCOLS = ("repaired", "numbered", "structured", "list", "stanford")  # see the table in `generation.ways`
JUDGES = ("checkable", "model", "people")
EVALUATION_SETS = ("kit", "self_instruct", "alpaca_eval")  # or a file of open tasks
RIVALS = ("untuned", "text-davinci-003")  # or a file of answers, in rival_path
TRAINING_OPTIONS = ("activation_checkpointing", "compile_layers", "deterministic", "add_pad_row", "tensorboard")


def names_in(text: str, known: Collection[str], parameter: str) -> frozenset[str]:
    """The names that a parameter holds, with commas between. Raises `RecipeError` for one that is not known."""
    names = frozenset(name.strip() for name in text.split(",")) - {""}
    if unknown := names - set(known):
        raise RecipeError(f"{parameter} names {', '.join(sorted(unknown))}; there are {', '.join(sorted(known))}")
    return names
