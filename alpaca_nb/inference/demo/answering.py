"""One question's way through the demo: bounds, moderation, the model with its watermark, moderation again."""

import dataclasses
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

from alpaca_nb.inference.demo.guards import (
    MOST_NEW_TOKENS,
    MOST_PROMPT_TOKENS,
    RateLimit,
    RefusedError,
    checked_question,
    special_tokens,
)
from alpaca_nb.inference.demo.moderation import Moderator
from alpaca_nb.inference.demo.watermark import Detection, detect, marking
from alpaca_nb.inference.generate import room_after
from alpaca_nb.inference.run_models import Loaded, Which
from alpaca_nb.inference.sampling import Sampling
from alpaca_nb.memory import give_back_freed_memory
from alpaca_nb.prompts import alpaca_prompt

WITHHELD = "[withheld: {}]"


@dataclass(frozen=True)
class Shown:
    """What the page shows at one moment; `exchange` is what a report of it would hold, empty before the first words."""

    tuned: str = ""
    untuned: str = ""
    status: str = ""
    exchange: dict[str, object] = field(default_factory=dict)


@dataclass
class Demo:
    """The models, loaded once, and the guards around them. One answer is computed at a time; others wait."""

    models: dict[Which, Loaded]
    moderator: Moderator
    limit: RateLimit = field(default_factory=RateLimit)
    _computing: threading.Lock = field(default_factory=threading.Lock)

    def ask(
        self,
        client: str,
        instruction: str,
        input: str,
        sampling: Sampling,
        max_new_tokens: int,
        compare: bool = False,
    ) -> Iterator[Shown]:
        """Yield what to show, piece by piece; raises `RefusedError` for what is not answered."""
        self.limit.admit(client)
        tokenizer = self.models["tuned"].tokenizer
        instruction, input = checked_question(instruction, input, special_tokens(tokenizer))
        tokens = len(tokenizer(alpaca_prompt(instruction, input)).input_ids)
        if tokens > (most := min(MOST_PROMPT_TOKENS, room_after(0, self.models["tuned"].model) - 1)):
            raise RefusedError(f"This question has {tokens:,} tokens; {most:,} are allowed.")
        if objection := self.moderator.objection(f"{instruction}\n{input}"):
            raise RefusedError(f"This question is not answered: {objection}.")
        limit = max(1, min(int(max_new_tokens), MOST_NEW_TOKENS))
        asked: list[Which] = ["tuned", "untuned"] if compare and "untuned" in self.models else ["tuned"]
        question: dict[str, object] = {"instruction": instruction, "input": input}
        settings: dict[str, object] = {**dataclasses.asdict(sampling), "max_new_tokens": limit}
        written: dict[str, str] = {}
        said: dict[str, str] = {}
        yield Shown(status="waiting …")
        with self._computing:
            for which in asked:
                for text, status in self._write(which, instruction, input, sampling.checked(), limit):
                    written[which], said[which] = text, status
                    exchange = question | written | settings if written["tuned"] else {}
                    yield Shown(written["tuned"], written.get("untuned", ""), " · ".join(said.values()), exchange)
        give_back_freed_memory()  # a thread for each answer leaves holes that would add up over days

    def detect(self, text: str) -> Detection:
        """Look for the watermark in any text; raises `RefusedError` for one that is too long."""
        tuned = self.models["tuned"]
        if len(text) > 20_000 or len(tuned.tokenizer(text).input_ids) > 10_000:
            raise RefusedError("At most 20,000 characters, or 10,000 tokens, are looked at.")
        return detect(text, tuned.model, tuned.tokenizer)

    def _write(
        self, which: Which, instruction: str, input: str, sampling: Sampling, limit: int
    ) -> Iterator[tuple[str, str]]:
        """(text to show, status) of one model's answer, as it grows."""
        stream = self.models[which].stream(instruction, input, limit, sampling, marking())
        text, count = "", 0
        for piece in stream:
            text, count = text + piece, count + 1
            if self.moderator.piecewise:
                if objection := self.moderator.objection(text):
                    stream.close()
                    yield WITHHELD.format(objection), f"{which}: withheld"
                    return
                yield text, f"{which}: writing …"
            else:  # only a whole answer can be judged
                yield "", f"{which}: writing, held back until it has been moderated … {count}"
        if not self.moderator.piecewise and (objection := self.moderator.objection(text)):
            yield WITHHELD.format(objection), f"{which}: withheld"
            return
        answer = stream.answer
        told = f", {answer.new_tokens} tokens, {answer.seconds:.1f} s, {answer.finish_reason}" if answer else ""
        yield text.strip(), f"{which}: done{told}"
