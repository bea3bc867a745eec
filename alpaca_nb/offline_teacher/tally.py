"""What a server was asked, prompt by prompt, so that a test can say what was paid twice. Shown at `/tally`."""

import threading
from collections import Counter
from dataclasses import dataclass, field

from alpaca_nb.files import Json


@dataclass
class PromptCount:
    """One prompt: how often it was asked, and how often a provider would have charged for it."""

    asked: int = 0
    billed: int = 0
    faults: list[str] = field(default_factory=list)


@dataclass
class Tally:
    """All counts of one server; the key of a prompt is its SHA-256."""

    prompts: dict[str, PromptCount] = field(default_factory=dict)
    tokens: dict[str, Counter[str]] = field(default_factory=dict)  # tier → tokens truly used, in and out
    at_work: int = 0
    most_at_work: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def ask(self, key: str) -> int:
        """Count a request that has begun; returns how often this prompt was asked, this time included."""
        with self._lock:
            count = self.prompts.setdefault(key, PromptCount())
            count.asked += 1
            self.at_work += 1
            self.most_at_work = max(self.most_at_work, self.at_work)
            return count.asked

    def end(self) -> None:
        """Count a request as answered, one way or the other."""
        with self._lock:
            self.at_work -= 1

    def strike(self, key: str, fault: str) -> None:
        """Note a fault that met a prompt."""
        with self._lock:
            self.prompts[key].faults.append(fault)

    def bill(self, key: str, tier: str, usage: Json) -> None:
        """Count an answer that a provider would charge for, with what it truly used."""
        assert isinstance(usage, dict)
        with self._lock:
            self.prompts[key].billed += 1
            tokens = self.tokens.setdefault(tier, Counter())
            for name in ("prompt_tokens", "completion_tokens"):
                value = usage[name]
                assert isinstance(value, int)
                tokens[name] += value

    def card(self) -> Json:
        """All of it, as `/tally` gives it."""
        with self._lock:
            prompts: dict[str, Json] = {
                key: {"asked": count.asked, "billed": count.billed, "faults": list(count.faults)}
                for key, count in self.prompts.items()
            }
            return {
                "asked": sum(count.asked for count in self.prompts.values()),
                "billed": sum(count.billed for count in self.prompts.values()),
                "most_at_work": self.most_at_work,
                "faults": dict(Counter(fault for count in self.prompts.values() for fault in count.faults)),
                "tokens": {tier: dict(tokens) for tier, tokens in self.tokens.items()},
                "prompts": prompts,
            }
