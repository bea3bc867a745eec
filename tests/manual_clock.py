"""A clock that tests turn by hand: nobody waits, it jumps to the first moment at which a sleeper wants to wake."""

import asyncio


class ManualClock:
    def __init__(self) -> None:
        self.seconds = 1000.0
        self.slept: list[float] = []
        self._wakings: list[float] = []

    def now(self) -> float:
        return self.seconds

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        waking = self.seconds + seconds
        self._wakings.append(waking)
        try:
            while self.seconds < waking:
                await asyncio.sleep(0)  # let all others run until they sleep too, or wait for a socket
                if waking == min(self._wakings):
                    self.seconds = max(self.seconds, waking)
        finally:
            self._wakings.remove(waking)
