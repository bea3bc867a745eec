"""Values of a recipe that can be known to be wrong at once, not when their stage begins, perhaps hours later.

Stages check their parameters themselves. What is repeated here is cheap; of a stage it needs the filters' names only.
What stages 04 and 05 fetch is fetched here, before the hours of training; they find it in the cache.
"""

import math
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path

from alpaca_nb.choices import EVALUATION_SETS, JUDGES, PROTOCOLS, RIVALS, TRAINING_OPTIONS, names_in
from alpaca_nb.errors import BudgetError, InputFileError, KitError, RecipeError, TeacherError
from alpaca_nb.evaluation_sets.downloads import fetched
from alpaca_nb.evaluation_sets.load import evaluation_tasks
from alpaca_nb.generation.filters import all_but
from alpaca_nb.prices import LOCAL_MODELS, OFFLINE_MODEL, is_loopback, price_of
from alpaca_nb.runs import Parameter
from alpaca_nb.teacher.capabilities import check_not_shut_down
from alpaca_nb.teacher.pace import MOST_ON_THEIR_WAY
from alpaca_nb.teacher.settings import (
    KEY_VARIABLE,
    NEEDED,
    TeacherSettings,
    check_address,
    check_address_for,
    teacher_settings_of,
)


@dataclass(frozen=True)
class Range:
    """Numbers from `least` to `most`; `above` and `below` leave out these two themselves. Infinity is in no range."""

    least: float = 0
    most: float = math.inf
    above: bool = False
    below: bool = False

    def __contains__(self, value: float) -> bool:
        """Whether the number may be given; never for infinity and what is no number."""
        enough = value > self.least if self.above else value >= self.least
        return enough and (value < self.most if self.below or self.most == math.inf else value <= self.most)

    def __str__(self) -> str:
        """The range in words, after "it must be"."""
        if not self.above and not self.below and self.most < math.inf:
            return f"between {self.least} and {self.most}"
        least = f"above {self.least}" if self.above else f"at least {self.least}"
        if self.most == math.inf:
            return least
        return f"{least} and {'below' if self.below else 'at most'} {self.most}"


_FROM_ZERO, _ABOVE_ZERO, _FROM_ONE, _SHARE_BELOW_ONE = Range(), Range(above=True), Range(1), Range(0, 1, below=True)
RANGES = {  # as the stages themselves have them
    "seed": Range(0, 2**63 - 1),  # what every library that draws takes
    # 02
    "number_of_rows": Range(1, 1_000_000),
    "seeds_per_request": Range(1, 50),
    "tasks_per_request": Range(2, 200),
    "novelty_threshold": Range(0.0, 1.0),
    "concurrency": Range(1, MOST_ON_THEIR_WAY),
    # 03
    "number_of_processes": _FROM_ONE,
    "nodes": _FROM_ONE,
    "epochs": _ABOVE_ZERO,
    "batch_size": _FROM_ONE,
    "learning_rate": _ABOVE_ZERO,
    "max_length": _FROM_ONE,
    "warmup_ratio": _SHARE_BELOW_ONE,
    "held_out_rows": _FROM_ONE,
    "max_tokens_per_pack": _FROM_ONE,
    "checkpoint_every": _FROM_ZERO,
    "keep_checkpoints": _FROM_ZERO,
    "lora_rank": _FROM_ZERO,
    "lora_dropout": _SHARE_BELOW_ONE,
    # 04
    "number_of_questions": _FROM_ONE,
    "max_new_tokens": _FROM_ONE,
    "inference_batch_size": _FROM_ONE,
    "open_max_new_tokens": _FROM_ONE,
    # 05
    "judge_budget_usd": _FROM_ZERO,
    "judge_concurrency": Range(1, MOST_ON_THEIR_WAY),
    "bootstrap_resamples": Range(1000),
    # 06
    "projected_rows": _FROM_ONE,
    "usd_per_gpu_hour": _FROM_ZERO,
    "usd_per_kwh": _FROM_ZERO,
    "watts": _FROM_ZERO,
    "grams_co2_per_kwh": _FROM_ZERO,
    "own_card_usd": _FROM_ZERO,
    "own_card_watts": _FROM_ZERO,
    "own_card_tokens_per_second": _ABOVE_ZERO,
}
CHOICES = {"judge": JUDGES, "rival": RIVALS, "protocol": PROTOCOLS}


def check_values(parameters: Mapping[str, Parameter]) -> None:
    """Raise RecipeError for a judge, protocol, option, filter or teacher that is none, or a number out of its range.

    Absent parameters are fine.
    """
    for name, choices in CHOICES.items():
        if name in parameters and parameters[name] not in choices:
            raise RecipeError(f"{name} is {parameters[name]!r}; it must be {' or '.join(choices)}")
    for name, allowed in RANGES.items():
        value = parameters.get(name)
        if isinstance(value, int | float) and value not in allowed:
            raise RecipeError(f"{name} is {value}; it must be {allowed}")
    all_but(str(parameters.get("filters_off", "")))
    _check_request(parameters)
    _check_training(parameters)
    others = ("", *(name for name in EVALUATION_SETS if name != "self_instruct"))  # a file may hold the same tasks
    if parameters.get("rival") == "text-davinci-003" and parameters.get("evaluation_set", "") in others:
        raise RecipeError("rival=text-davinci-003 answered the tasks of evaluation_set=self_instruct; set that too")
    if parameters.get("judge") == "model":
        if not parameters.get("judge_model"):
            raise RecipeError(
                "judge=model needs judge_model and judge_base_url: the model that judges, and where it is"
            )
        _check_judge(parameters)
    try:
        address = str(parameters.get("teacher_base_url", ""))
        check_address(address)
        check_address_for(str(parameters.get("teacher_model", OFFLINE_MODEL)), address)
        if all(name in parameters for name in NEEDED):
            teacher_settings_of(parameters)  # its price form, tier, interface and limits too
    except (TeacherError, BudgetError) as error:
        raise RecipeError(str(error)) from None


def _check_request(parameters: Mapping[str, Parameter]) -> None:
    shown, listed = int(parameters.get("seeds_per_request", 1)), int(parameters.get("tasks_per_request", 200))
    if listed <= shown:
        raise RecipeError(f"tasks_per_request is {listed}; it must be above seeds_per_request, which is {shown}")


def _check_training(parameters: Mapping[str, Parameter]) -> None:
    options = names_in(str(parameters.get("training_options", "")), TRAINING_OPTIONS, "training_options")
    processes = int(parameters.get("number_of_processes", 1)) * int(parameters.get("nodes", 1))
    if (rows := int(parameters.get("batch_size", processes))) < processes:
        raise RecipeError(f"batch_size is {rows}; each of the {processes} processes needs a row in each step")
    if not parameters.get("lora_rank"):
        return
    if (alpha := int(parameters.get("lora_alpha", 1))) <= 0:
        raise RecipeError(f"lora_alpha is {alpha}; it must be above 0")
    if not re.fullmatch(r"\w+(,\w+)*", targets := str(parameters.get("lora_targets", "q_proj"))):
        raise RecipeError(f"lora_targets is {targets!r}; it must be names with commas between")
    if "add_pad_row" in options:
        raise RecipeError("add_pad_row needs all weights trained (lora_rank 0): an adapter cannot hold the new row")


def _check_judge(parameters: Mapping[str, Parameter]) -> None:
    model, address = str(parameters["judge_model"]), str(parameters.get("judge_base_url", ""))
    price, budget = str(parameters.get("judge_price", "")), float(parameters.get("judge_budget_usd", 0.0))
    try:
        TeacherSettings(address, model, 1.0, 1, budget, seed=0, price_usd_per_million=price)
    except (TeacherError, BudgetError) as error:
        raise RecipeError(_in_the_words_of("judge", error)) from None


def check_teacher(parameters: Mapping[str, Parameter]) -> None:
    """Raise RecipeError where stage 02 could not ask: no key for an endpoint elsewhere, no price, a model shut down."""
    _check_can_be_asked("teacher", parameters, str(parameters.get("price_usd_per_million", "")))


def check_open_tasks(parameters: Mapping[str, Parameter], notebooks_folder: Path) -> None:
    """Find or fetch the open tasks of notebook 04; raises `RecipeError` where they are not to be had, or needed."""
    name = str(parameters.get("evaluation_set", ""))
    if parameters.get("rival_path") and not name:
        raise RecipeError("rival_path holds answers to open tasks, and none are asked: give evaluation_set too")
    if name:
        try:
            evaluation_tasks(name if name in EVALUATION_SETS else str(notebooks_folder / name))
        except InputFileError as error:
            raise RecipeError(f"evaluation_set={name}: {error}") from None


def check_published_files(parameters: Mapping[str, Parameter]) -> None:
    """Find or fetch what notebook 05 compares with; raises `RecipeError` where it is not to be had."""
    wanted = []
    if (rival := str(parameters.get("rival", RIVALS[0]))) != RIVALS[0] and not parameters.get("rival_path"):
        wanted.append((rival, f"rival={rival}", "rival_path=FILE"))
    if parameters.get("recount_published"):
        wanted.append(("alpaca_eval_annotations", "recount_published", "annotations_path=FILE"))
    for name, parameter, by_path in wanted:
        try:
            fetched(name, by_path=by_path)
        except InputFileError as error:
            raise RecipeError(f"{parameter}: {error}") from None


def check_judge_model(parameters: Mapping[str, Parameter]) -> None:
    """The same for the judge model of stage 05: better now than after the training."""
    if parameters.get("judge") == "model":
        _check_can_be_asked("judge", parameters, str(parameters.get("judge_price", "")))


def _check_can_be_asked(who: str, parameters: Mapping[str, Parameter], price: str) -> None:
    address, model = str(parameters.get(f"{who}_base_url", "")), str(parameters.get(f"{who}_model", ""))
    if address and not is_loopback(address) and not os.environ.get(KEY_VARIABLE, "").strip():
        raise RecipeError(
            f"the {who} at {address} needs a key: set the environment variable {KEY_VARIABLE} before the run "
            "(any word will do for a server that asks for none)"
        )
    if not address and model in LOCAL_MODELS and find_spec("xllamacpp") is None:
        raise RecipeError(f'the {who} {model} needs the package xllamacpp on this machine: pip install -e ".[local]"')
    try:
        if model and not price:
            price_of(model, base_url=address)
        check_not_shut_down(model, address, datetime.now(UTC).date())
    except (TeacherError, BudgetError) as error:
        raise RecipeError(_in_the_words_of(who, error)) from None


def _in_the_words_of(who: str, error: KitError) -> str:
    """An error about a teacher, with the names of the parameters that the judge model has."""
    words = str(error)
    if who == "judge":
        words = words.replace("teacher_", "judge_").replace("price_usd_per_million", "judge_price")
        words = words.replace("budget_usd", "judge_budget_usd")
    return words
