"""A refusal in the form of OpenAI's API: HTTP status, message and the machine-readable fields."""

from dataclasses import dataclass, field

from alpaca_nb.files import Json


@dataclass(eq=False)
class ApiError(Exception):
    """A refusal; its body is `{"error": {message, type, param, code}}`, as the `openai` package expects it."""

    status: int
    message: str
    type: str = "invalid_request_error"
    param: str | None = None
    code: str | None = None
    headers: dict[str, str] = field(default_factory=dict)

    def body(self) -> Json:
        """The JSON body of this refusal."""
        return {"error": {"message": self.message, "type": self.type, "param": self.param, "code": self.code}}


def bad_value(param: str, message: str) -> ApiError:
    """HTTP 400 for a parameter with a wrong value."""
    return ApiError(400, message, param=param)


def unsupported(param: str, message: str) -> ApiError:
    """HTTP 400 for something that OpenAI's API knows and this server, or this model, does not do."""
    return ApiError(400, message, param=param, code="unsupported_value")


def unknown(what: str, id: str) -> ApiError:
    """HTTP 404 for a file or a batch that is not there."""
    return ApiError(404, f"No such {what}: {id}", param="id", code=f"{what}_not_found")
