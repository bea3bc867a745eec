"""Values of a recipe that can be known to be wrong at once, not when their stage begins, perhaps hours later.

Stages check their parameters themselves. What is repeated here is cheap and needs no stage's code.
"""

import os
from collections.abc import Mapping

from alpaca_nb.errors import BudgetError, RecipeError, TeacherError
from alpaca_nb.prices import OFFLINE_MODEL, is_loopback
from alpaca_nb.runs import Parameter
from alpaca_nb.teacher.settings import KEY_VARIABLE, NEEDED, check_address, check_address_for, teacher_settings_of

CHOICES = {
    "judge": ("checkable", "model", "people"),
    "evaluation_set": ("", "kit", "self_instruct", "alpaca_eval"),
    "rival": ("untuned", "text-davinci-003"),
    "protocol": ("repaired", "stanford"),
}


def check_values(parameters: Mapping[str, Parameter]) -> None:
    """Raise RecipeError for a judge, a protocol or a teacher that does not exist; absent parameters are fine."""
    for name, choices in CHOICES.items():
        if name in parameters and parameters[name] not in choices:
            raise RecipeError(f"{name} is {parameters[name]!r}; it must be {' or '.join(filter(None, choices))}")
    if parameters.get("rival") == "text-davinci-003" and parameters.get("evaluation_set") != "self_instruct":
        raise RecipeError("rival=text-davinci-003 answered the tasks of evaluation_set=self_instruct; set that too")
    if parameters.get("judge") == "model":
        if not parameters.get("judge_model"):
            raise RecipeError(
                "judge=model needs judge_model and judge_base_url: the model that judges, and where it is"
            )
        _check_judge(str(parameters["judge_model"]), str(parameters.get("judge_base_url", "")))
    try:
        address = str(parameters.get("teacher_base_url", ""))
        check_address(address)
        check_address_for(str(parameters.get("teacher_model", OFFLINE_MODEL)), address)
        if all(name in parameters for name in NEEDED):
            teacher_settings_of(parameters)  # its price form, tier, interface and limits too
    except (TeacherError, BudgetError) as error:
        raise RecipeError(str(error)) from None


def _check_judge(model: str, address: str) -> None:
    try:
        check_address(address)
        check_address_for(model, address)
    except TeacherError as error:
        raise RecipeError(str(error).replace("teacher_", "judge_")) from None


def check_key(parameters: Mapping[str, Parameter]) -> None:
    """Raise RecipeError where stage 02 would ask an endpoint elsewhere and the environment holds no key for it."""
    _check_key_for("teacher", str(parameters.get("teacher_base_url", "")))


def check_judge_key(parameters: Mapping[str, Parameter]) -> None:
    """The same for the judge model of stage 05: better now than after the training."""
    if parameters.get("judge") == "model":
        _check_key_for("judge", str(parameters.get("judge_base_url", "")))


def _check_key_for(who: str, address: str) -> None:
    if address and not is_loopback(address) and not os.environ.get(KEY_VARIABLE, "").strip():
        raise RecipeError(
            f"the {who} at {address} needs a key: set the environment variable {KEY_VARIABLE} before the run "
            "(any word will do for a server that asks for none)"
        )
