"""The models that the offline teacher lists: one writer under names that behave as the families of real models do."""

from dataclasses import dataclass

from alpaca_nb.files import Json
from alpaca_nb.offline_teacher import MODEL
from alpaca_nb.offline_teacher.refusals import ApiError, unsupported

CREATED = 1_795_000_000  # Unix seconds; a fixed day, so that the list is the same whenever it is asked for
REASONING_TOKENS = 128  # hidden and billed, unless `reasoning_effort` is "none"


@dataclass(frozen=True)
class ServedModel:
    """A name; `reasons` means the parameters of today's reasoning models, of which several of Alpaca's are none."""

    id: str
    shutdown_date: str | None = None  # ISO date
    reasons: bool = False
    is_gone: bool = False

    def card(self) -> dict[str, Json]:
        """Its entry in `/v1/models`."""
        return {
            "id": self.id,
            "object": "model",
            "created": CREATED,
            "owned_by": "alpaca-nb",
            "shutdown_date": self.shutdown_date,
        }


SERVED = (
    ServedModel(MODEL),
    ServedModel(f"{MODEL}-reasoning", reasons=True),
    ServedModel(f"{MODEL}-retiring", shutdown_date="2099-12-31"),
    ServedModel(f"{MODEL}-retired", shutdown_date="2024-01-04", is_gone=True),
)


def served_model(id: str) -> ServedModel:
    """Find a model by its name; raises `ApiError` for one that does not exist, or has been shut down."""
    for model in SERVED:
        if model.id == id:
            return model
    names = ", ".join(repr(model.id) for model in SERVED)
    message = f"The model '{id}' does not exist; this server has only {names}."
    raise ApiError(404, message, param="model", code="model_not_found")


def check_parameters(model: ServedModel, body: dict[str, Json]) -> None:
    """Raise `ApiError` for a parameter that this model does not take, in the words of OpenAI's own refusals."""
    if model.is_gone:
        message = f"The model '{model.id}' was shut down on {model.shutdown_date}."
        raise ApiError(404, message, param="model", code="model_not_found")
    if not model.reasons:
        return
    for name, instead in (("max_tokens", " Use 'max_completion_tokens' instead."), ("stop", ""), ("logit_bias", "")):
        if body.get(name) is not None:
            message = f"Unsupported parameter: '{name}' is not supported with this model.{instead}"
            raise ApiError(400, message, param=name, code="unsupported_parameter")
    temperature = body.get("temperature")
    if temperature not in (None, 1) and body.get("reasoning_effort") != "none":
        message = f"Unsupported value: 'temperature' does not support {temperature} with this model."
        raise unsupported("temperature", f"{message} Only the default (1) value is supported.")


def reasoning_tokens(model: ServedModel, body: dict[str, Json]) -> int:
    """How many hidden tokens an answer to this request costs."""
    return REASONING_TOKENS if model.reasons and body.get("reasoning_effort") != "none" else 0
