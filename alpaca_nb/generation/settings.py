"""What stage 02 is asked to do, checked, and the way of asking that follows from it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from alpaca_nb.choices import PROTOCOLS
from alpaca_nb.errors import RecipeError
from alpaca_nb.generation.filters import ALL_FILTERS, all_but, filters_of
from alpaca_nb.generation.plain_list import SAMPLING, PlainList
from alpaca_nb.generation.protocol import Protocol
from alpaca_nb.generation.published import Published, check_published
from alpaca_nb.generation.published_files import published_files
from alpaca_nb.generation.ways import Numbered, Structured, Way
from alpaca_nb.prices import is_loopback
from alpaca_nb.records import SeedTask
from alpaca_nb.runs import Parameter
from alpaca_nb.teacher.client import check_key
from alpaca_nb.teacher.pace import MOST_ON_THEIR_WAY
from alpaca_nb.teacher.question import QuestionKind
from alpaca_nb.teacher.settings import TeacherSettings, teacher_settings_of


@dataclass(frozen=True)
class GenerationSettings:
    """The parameters of notebook 02. `tasks_per_request` counts the seeds that a request shows as well."""

    teacher: TeacherSettings
    seed: int
    number_of_rows: int
    seeds_per_request: int = 3
    tasks_per_request: int = 20
    novelty_threshold: float = 0.7
    concurrency: int = 4
    protocol: str = "repaired"
    filters: frozenset[str] = ALL_FILTERS

    def __post_init__(self) -> None:
        _check("number_of_rows", self.number_of_rows, 1, 1_000_000)
        _check("seeds_per_request", self.seeds_per_request, 1, 50)
        _check("tasks_per_request", self.tasks_per_request, self.seeds_per_request + 1, 200)
        _check("novelty_threshold", self.novelty_threshold, 0.0, 1.0)
        _check("concurrency", self.concurrency, 1, MOST_ON_THEIR_WAY)
        if self.protocol not in PROTOCOLS:
            raise RecipeError(f"protocol is {self.protocol!r}; it must be one of {', '.join(PROTOCOLS)}")
        filters_of(self.read_as, self.filters)
        if self.protocol == "stanford":
            teacher = self.teacher
            check_published(
                self.seeds_per_request, self.tasks_per_request, teacher.temperature, teacher.max_completion_tokens
            )

    @property
    def read_as(self) -> Protocol:
        """How answers are read, whatever the way of asking."""
        return "stanford" if self.protocol == "stanford" else "repaired"

    def way(self, seeds: Sequence[SeedTask], published_path: str = "") -> Way:
        """How tasks are asked for; `stanford` takes the published seeds in place of `seeds`.

        Raises `RecipeError` for too few seeds, `InputFileError` where the published files are not to be had.
        """
        if self.protocol == "stanford":
            local = not self.teacher.base_url or is_loopback(self.teacher.base_url)
            kind: QuestionKind | None = "completion" if local else None
            return Published(published_files(published_path), self.seed, kind, self.teacher.model)
        if len(seeds) < self.seeds_per_request:
            raise RecipeError(f"seeds_per_request is {self.seeds_per_request}, but there are {len(seeds)} seed tasks")
        if self.protocol == "list":
            sampling = {} if self.teacher.base_url else SAMPLING  # an address may be any server's
            return PlainList(seeds, self.seed, self.seeds_per_request, self.filters, sampling)
        chosen = Structured if self._structured else Numbered
        return chosen(seeds, self.seed, self.seeds_per_request, self.tasks_per_request)

    @property
    def _structured(self) -> bool:
        if self.protocol != "repaired":
            return self.protocol == "structured"
        accepts = self.teacher.capabilities
        return accepts.known and accepts.structured_output


def settings_of(parameters: Mapping[str, Parameter], *, to_send: bool = True) -> GenerationSettings:
    """The settings that a recipe's parameters ask for, each checked; a parameter that is absent has its usual value.

    Raises `RecipeError`, `TeacherError` or `BudgetError` naming the parameter; where something is to be sent,
    also for a missing key.
    """
    teacher = teacher_settings_of(parameters)
    if to_send:
        check_key(teacher.base_url)
    return GenerationSettings(
        teacher=teacher,
        seed=teacher.seed,
        number_of_rows=int(parameters["number_of_rows"]),
        seeds_per_request=int(parameters["seeds_per_request"]),
        tasks_per_request=int(parameters["tasks_per_request"]),
        novelty_threshold=float(parameters["novelty_threshold"]),
        concurrency=int(parameters["concurrency"]),
        protocol=str(parameters["protocol"]),
        filters=all_but(str(parameters["filters_off"])),
    )


def _check(name: str, value: float, least: float, most: float) -> None:
    if not least <= value <= most:
        raise RecipeError(f"{name} is {value}; it must be between {least} and {most}")
