"""Which teacher is asked, and how: the settings and their checks."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from alpaca_nb.errors import TeacherError
from alpaca_nb.prices import LOCAL_MODELS, OFFLINE_MODEL, Price, Tier, given_price, price_of
from alpaca_nb.teacher.capabilities import Capabilities, capabilities_of

KEY_VARIABLE = "OPENAI_API_KEY"
NEEDED = ("teacher_base_url", "teacher_model", "temperature", "max_completion_tokens", "budget_usd", "seed")
_NOT_ALWAYS_DECLARED = {  # parameter → field of `TeacherSettings`
    "teacher_api": "api",
    "teacher_like": "like",
    "service_tier": "service_tier",
    "price_usd_per_million": "price_usd_per_million",
}
SERVICE_TIERS: dict[str, Tier] = {"": "standard", "flex": "flex", "batch": "batch"}
USUAL_TIMEOUT_SECONDS, FLEX_TIMEOUT_SECONDS = 600.0, 900.0  # OpenAI's guide to flex processing asks for the second


@dataclass(frozen=True)
class TeacherSettings:
    """One teacher. An empty `base_url` means one of the kit's own, started for the time of asking: the offline teacher,
    or a real small model (`prices.LOCAL_MODELS`)."""

    base_url: str
    model: str
    temperature: float
    max_completion_tokens: int
    budget_usd: float
    seed: int  # of the offline teacher; other teachers promise no determinism
    timeout_seconds: float = USUAL_TIMEOUT_SECONDS  # for one whole request, from sending to the last byte
    max_attempts: int = 6
    first_wait_seconds: float = 0.5  # before the second attempt; doubles each time
    patience_seconds: float = 900.0  # how long an endpoint that has answered before may fail without a break
    api: str = "chat"  # chat, or completion: the old interface, which servers of base models still have
    service_tier: str = ""  # half price. flex: slower, sometimes refused for a while; batch: answers within a day
    batch_requests: int = 2_000  # most requests that travel in one batch
    price_usd_per_million: str = ""  # "input,output" where the price book has no row, or a wrong one
    like: str = ""  # a known model whose form of request this one takes; empty: by its name

    def __post_init__(self) -> None:
        check_address(self.base_url)
        check_address_for(self.model, self.base_url)
        if self.api not in ("chat", "completion"):
            raise TeacherError(f"teacher_api is {self.api!r}; it must be chat or completion")
        if self.service_tier not in SERVICE_TIERS:
            raise TeacherError(
                f"service_tier is {self.service_tier!r}; it must be flex or batch, or empty for the usual tier"
            )
        if not 0 <= self.temperature <= 2:
            raise TeacherError(f"temperature is {self.temperature}; it must be between 0 and 2")
        if self.max_completion_tokens < 1:
            raise TeacherError(f"max_completion_tokens is {self.max_completion_tokens}; it must be at least 1")
        if self.budget_usd < 0:
            raise TeacherError(f"budget_usd is {self.budget_usd}; it must not be negative")
        if not 1 <= self.batch_requests <= 50_000:
            raise TeacherError(f"batch_requests is {self.batch_requests}; it must be between 1 and 50000")
        if self.price_usd_per_million:
            given_price(self.model, self.price_usd_per_million)
        accepts = self.capabilities
        if self.temperature != 1 and not accepts.any_temperature:
            raise TeacherError(f"{self.model} accepts no temperature but 1.0; set temperature to 1.0")
        if accepts.longest_answer_tokens and self.max_completion_tokens > accepts.longest_answer_tokens:
            raise TeacherError(
                f"max_completion_tokens is {self.max_completion_tokens}, but an answer of {self.model} has at most "
                f"{accepts.longest_answer_tokens} tokens"
            )

    @property
    def capabilities(self) -> Capabilities:
        """What the model accepts in a request."""
        return capabilities_of(self.like or self.model, self.base_url)

    @property
    def price(self) -> Price:
        """The price given, else the price book's row. Raises `BudgetError` where there is neither."""
        if self.price_usd_per_million:
            return given_price(self.model, self.price_usd_per_million)
        return price_of(self.model, base_url=self.base_url)

    @property
    def request_seconds(self) -> float:
        """How long one whole request may take: longer at the flex tier, unless another time is asked for."""
        patient = self.tier == "flex" and self.timeout_seconds == USUAL_TIMEOUT_SECONDS
        return FLEX_TIMEOUT_SECONDS if patient else self.timeout_seconds

    @property
    def reserved_tier(self) -> Tier:
        """The tier at which the worst case is reserved: an endpoint may answer a flex request at the usual tier."""
        return "batch" if self.tier == "batch" else "standard"

    @property
    def tier(self) -> Tier:
        """The tier whose price is charged."""
        return SERVICE_TIERS[self.service_tier]


def teacher_settings_of(parameters: Mapping[str, str | int | float | bool]) -> TeacherSettings:
    """The teacher that a recipe's parameters name, checked; all of `NEEDED` must be among them.

    Raises `TeacherError` or `BudgetError` naming the parameter.
    """
    given = {name: parameters[name] for name in _NOT_ALWAYS_DECLARED if name in parameters}
    return TeacherSettings(
        base_url=str(parameters["teacher_base_url"]),
        model=str(parameters["teacher_model"]),
        temperature=float(parameters["temperature"]),
        max_completion_tokens=int(parameters["max_completion_tokens"]),
        budget_usd=float(parameters["budget_usd"]),
        seed=int(parameters["seed"]),
        **{_NOT_ALWAYS_DECLARED[name]: value for name, value in given.items()},  # type: ignore[arg-type]
    )


def check_address(base_url: str) -> None:
    """Raise `TeacherError` for an address that is none, or that holds a secret; empty means the offline teacher."""
    if not base_url:
        return
    parts = urlsplit(base_url)
    if parts.username or parts.password or parts.query:
        raise TeacherError(
            "teacher_base_url holds a user name, a password or a query; secrets must not stand in parameters. "
            f"Give the plain address and put the key into the environment variable {KEY_VARIABLE}."
        )
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise TeacherError(f"teacher_base_url is {base_url!r}; an address such as https://api.openai.com/v1 is needed")


def check_address_for(model: str, base_url: str) -> None:
    """Raise `TeacherError` where a real model is named but no endpoint that has it."""
    if not base_url and model not in (OFFLINE_MODEL, *LOCAL_MODELS):
        raise TeacherError(
            f"teacher_model is {model!r}, but teacher_base_url is empty, which means a teacher of the kit's own. "
            f"Give the endpoint too (for OpenAI: https://api.openai.com/v1), or set teacher_model to "
            f"{' or '.join(map(repr, (OFFLINE_MODEL, *LOCAL_MODELS)))}."
        )
