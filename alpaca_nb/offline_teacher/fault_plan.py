"""Which request meets which fault: by a share drawn from the seed, or by a script of rules.

Whether a fault strikes follows from the seed, the prompt and how often that prompt was asked before, and from nothing
else: not from the clock, nor from the order in which requests arrive. A script is YAML (or JSON):

    faults:
      - {fault: [500, cut-body], share: 0.3}                    # three in ten, one of the two
      - {fault: hang, prompt: "chien", attempts: [1]}           # the first asking of prompts that hold the word
      - {fault: retry-after-seconds, seconds: 0.1, times: 20}   # so many, then no more

The first rule that fits a request strikes it.
"""

import random
import re
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from alpaca_nb.errors import InputFileError, RecipeError
from alpaca_nb.files import Json
from alpaca_nb.offline_teacher.faults import FAULTS, Fault


@dataclass(frozen=True)
class Rule:
    """When one of `faults` strikes; what is left out is no condition."""

    faults: tuple[str, ...]
    share: float = 1.0  # of the requests that the other conditions let through
    prompt: str = ""  # a regular expression that must be found in the prompt
    attempts: tuple[int, ...] = ()  # which askings of the same prompt, from 1
    times: int | None = None  # at most so many in all
    seconds: float | None = None  # instead of the fault's own

    def __post_init__(self) -> None:
        unknown = [name for name in self.faults if name not in FAULTS]
        if unknown or not self.faults:
            raise RecipeError(f"no fault is called {unknown[0] if unknown else ''!r}; there are {', '.join(FAULTS)}")
        if not 0 <= self.share <= 1:
            raise RecipeError(f"the share of a fault is {self.share}; it must be between 0 and 1")
        try:
            re.compile(self.prompt)
        except re.error as error:
            raise RecipeError(f"{self.prompt!r} is no regular expression: {error}") from None


@dataclass(frozen=True)
class Struck:
    """A fault that strikes, and its seconds."""

    fault: Fault
    seconds: float


@dataclass
class FaultPlan:
    """The rules of one server. Without rules nothing ever goes wrong."""

    rules: Sequence[Rule] = ()
    seed: int = 17
    _struck: dict[int, int] = field(default_factory=dict)  # rule → how often
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def strike(self, prompt: str, key: str, attempt: int, *, batch: bool = False) -> Struck | None:
        """The fault that meets this request, if one does; `key` stands for all of it, `attempt` counts from 1."""
        for number, rule in enumerate(self.rules):
            names = [name for name in rule.faults if (FAULTS[name].kind == "batch") == batch]
            if not names or (rule.attempts and attempt not in rule.attempts):
                continue
            if rule.prompt and not re.search(rule.prompt, prompt):
                continue
            drawn = random.Random(f"{self.seed}:{number}:{key}:{attempt}")
            if drawn.random() >= rule.share or not self._counted(number, rule.times):
                continue
            fault = FAULTS[drawn.choice(names)]
            return Struck(fault, fault.seconds if rule.seconds is None else rule.seconds)
        return None

    def _counted(self, number: int, times: int | None) -> bool:
        with self._lock:
            count = self._struck.get(number, 0)
            if times is not None and count >= times:
                return False
            self._struck[number] = count + 1
            return True


def read_script(path: Path) -> list[Rule]:
    """Read a script of faults; raises `InputFileError` saying what is wrong with it."""
    try:
        value: Json = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise InputFileError(f"{path}: not a script of faults ({error})") from None
    entries = value.get("faults") if isinstance(value, dict) else value
    if not isinstance(entries, list) or not entries:
        raise InputFileError(f"{path}: a script is a list of rules under `faults:`")
    try:
        return [_rule(entry) for entry in entries]
    except (RecipeError, TypeError, ValueError) as error:
        raise InputFileError(f"{path}: {error}") from None


def _rule(entry: Json) -> Rule:
    if not isinstance(entry, dict):
        raise ValueError(f"{entry!r} is no rule; one looks like {{fault: hang, share: 0.1}}")
    wrong = sorted(set(entry) - {"fault", "share", "prompt", "attempts", "times", "seconds"})
    if wrong:
        raise ValueError(f"a rule has no {wrong[0]!r}; it has fault, share, prompt, attempts, times, seconds")
    names, attempts = entry.get("fault"), entry.get("attempts", [])
    times, seconds = entry.get("times"), entry.get("seconds")
    return Rule(
        tuple(str(name) for name in (names if isinstance(names, list) else [names])),  # YAML reads 500 as a number
        float(str(entry.get("share", 1.0))),
        str(entry.get("prompt", "")),
        tuple(int(str(attempt)) for attempt in (attempts if isinstance(attempts, list) else [attempts])),
        None if times is None else int(str(times)),
        None if seconds is None else float(str(seconds)),
    )
