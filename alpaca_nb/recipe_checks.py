"""Values of a recipe that can be known to be wrong at once, not when their stage begins, perhaps hours later.

Stages check their parameters themselves. What is repeated here is cheap and needs no stage's code.
"""

import os
from collections.abc import Mapping

from alpaca_nb.errors import RecipeError, TeacherError
from alpaca_nb.prices import OFFLINE_MODEL, is_loopback
from alpaca_nb.runs import Parameter
from alpaca_nb.teacher.settings import KEY_VARIABLE, check_address, check_address_for

CHOICES = {"judge": ("checkable", "model", "people"), "protocol": ("repaired", "stanford")}


def check_values(parameters: Mapping[str, Parameter]) -> None:
    """Raise RecipeError for a judge, a protocol or a teacher that does not exist; absent parameters are fine."""
    for name, choices in CHOICES.items():
        if name in parameters and parameters[name] not in choices:
            raise RecipeError(f"{name} is {parameters[name]!r}; it must be {' or '.join(choices)}")
    try:
        address = str(parameters.get("teacher_base_url", ""))
        check_address(address)
        check_address_for(str(parameters.get("teacher_model", OFFLINE_MODEL)), address)
    except TeacherError as error:
        raise RecipeError(str(error)) from None


def check_key(parameters: Mapping[str, Parameter]) -> None:
    """Raise RecipeError where stage 02 would ask an endpoint elsewhere and the environment holds no key for it."""
    address = str(parameters.get("teacher_base_url", ""))
    if address and not is_loopback(address) and not os.environ.get(KEY_VARIABLE, "").strip():
        raise RecipeError(
            f"the teacher at {address} needs a key: set the environment variable {KEY_VARIABLE} before the run "
            "(any word will do for a server that asks for none)"
        )
