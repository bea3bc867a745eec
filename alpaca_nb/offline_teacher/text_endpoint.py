"""Where text is asked for, alone or in a batch: limits first, a fault that refuses, the work, and a fault in it."""

import hashlib
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from alpaca_nb.files import Json
from alpaca_nb.offline_teacher.asked import Asked, read_chat, read_legacy
from alpaca_nb.offline_teacher.completions import complete
from alpaca_nb.offline_teacher.fault_plan import FaultPlan, Struck
from alpaca_nb.offline_teacher.faults import refusal, spoil_answer, spoil_bytes
from alpaca_nb.offline_teacher.rate_limits import RateLimits
from alpaca_nb.offline_teacher.refusals import ApiError
from alpaca_nb.offline_teacher.response import Response, json_response
from alpaca_nb.offline_teacher.tally import Tally
from alpaca_nb.offline_teacher.tokens import count_tokens

CHAT, LEGACY = "/v1/chat/completions", "/v1/completions"
READERS: dict[str, Callable[[dict[str, Json]], Asked]] = {CHAT: read_chat, LEGACY: read_legacy}


@dataclass
class TextEndpoint:
    """The part of a server that writes, with all that can befall a request for text."""

    seed: int
    plan: FaultPlan = field(default_factory=FaultPlan)
    limits: RateLimits = field(default_factory=RateLimits)
    latency_seconds: float = 0.0  # on average; each answer takes between half of it and half as much again
    tally: Tally = field(default_factory=Tally)

    def answer(self, path: str, body: dict[str, Json], key: str) -> Response:
        """Answer one request; raises `ApiError` for a wrong one, and where a limit or a fault refuses it."""
        asked = READERS[path](body)
        headers = self.limits.admit(sum(map(count_tokens, asked.prompts)) + asked.max_tokens)
        tier = "flex" if body.get("service_tier") == "flex" else "standard"
        try:
            value, struck = self._work(asked, tier, key)
        except ApiError as error:
            error.headers = {**headers, **error.headers}
            raise
        named: dict[str, Json] = {"service_tier": tier} if tier == "flex" else {}
        response = json_response({**value, **named}, headers)
        if struck is None or struck.fault.kind == "answer":
            return response
        if struck.fault.kind == "wire":
            return Response(200, response.body, headers, wire=struck)
        spoilt, content_type = spoil_bytes(struck.fault.name, response.body)
        return Response(200, spoilt, headers, content_type)

    def answer_in_batch(self, path: str, body: dict[str, Json]) -> tuple[int, Json]:
        """Answer one request of a batch: status and body. Faults of the connection do not reach a batch."""
        try:
            return 200, self._work(READERS[path](body), "batch", "")[0]
        except ApiError as error:
            return error.status, error.body()

    def _work(self, asked: Asked, tier: str, key: str) -> tuple[dict[str, Json], Struck | None]:
        """Count, draw a fault, write; returns the body and the fault that is still to strike."""
        prompt = "\n".join(asked.prompts)
        name = hashlib.sha256(prompt.encode("utf-8", "replace")).hexdigest()
        attempt = self.tally.ask(name)
        try:
            struck = self.plan.strike(prompt, name, attempt)
            if struck is not None:
                self.tally.strike(name, struck.fault.name)
            if self.latency_seconds:
                time.sleep(self.latency_seconds * (0.5 + random.Random(f"{name}:{attempt}").random()))
            if struck is not None and struck.fault.kind == "refusal":
                raise refusal(struck.fault.name, struck.seconds, key)
            body = truth = complete(asked, self.seed)
            if struck is not None and struck.fault.kind == "answer":
                body = spoil_answer(struck.fault.name, body, asked.max_tokens)
                truth = truth if struck.fault.lies_about_usage else body
            if struck is None or struck.fault.is_billed:
                self.tally.bill(name, tier, truth["usage"])
            return body, struck
        finally:
            self.tally.end()
