"""One answer as it is written: pieces of text to iterate over, then the whole `Answer`.

`generate` runs in a thread of its own and hands its tokens over through transformers' `TextIteratorStreamer`, which
holds text back until a word is whole. Leaving the loop early (or `close`) ends the generation at the next token.
"""

import threading
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

from alpaca_nb.inference.generate import continue_rows, cut_at_end, end_ids, left_pad
from alpaca_nb.inference.sampling import Sampling, processors
from alpaca_nb.prompts import alpaca_prompt
from alpaca_nb.records import Answer

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel, PreTrainedTokenizerBase, TextIteratorStreamer, WatermarkingConfig


class Stream:
    """An answer being written. Iterate once over its pieces; `answer` is there when the iteration has ended."""

    def __init__(
        self,
        model: "PreTrainedModel",
        tokenizer: "PreTrainedTokenizerBase",
        question: tuple[str, str],
        which: Literal["untuned", "tuned"],
        max_new_tokens: int,
        sampling: Sampling,
        watermark: "WatermarkingConfig | None" = None,
    ) -> None:
        """`question` is (instruction, input); nothing is computed before the first piece is asked for."""
        self.model, self.tokenizer, self.which = model, tokenizer, which
        self.prompt_ids: list[int] = tokenizer(alpaca_prompt(*question)).input_ids
        self.max_new_tokens, self.sampling, self.watermark = max_new_tokens, sampling.checked(), watermark
        self.answer: Answer | None = None  # none before the end, and none for an answer that was given up
        self._given_up = threading.Event()
        self._cut = False  # whether the model was stopped for it
        self._failure: BaseException | None = None

    def __iter__(self) -> Iterator[str]:
        from transformers import TextIteratorStreamer

        streamer = TextIteratorStreamer(self.tokenizer, skip_prompt=True, skip_special_tokens=True)
        writer = threading.Thread(target=self._write, args=(streamer,), daemon=True)
        writer.start()
        begun = False
        try:
            for piece in streamer:
                piece = piece if begun else piece.lstrip()  # training puts no space before an answer, models may
                begun = begun or bool(piece)
                if piece:
                    yield piece
        finally:
            self.close()
            writer.join()
        if self._failure is not None:
            raise self._failure

    def close(self) -> None:
        """Give the answer up: the model stops at the next token. Harmless afterwards."""
        self._given_up.set()

    def _write(self, streamer: "TextIteratorStreamer") -> None:
        from transformers import StoppingCriteriaList

        started = time.perf_counter()
        input_ids, attention_mask = left_pad([self.prompt_ids], self.tokenizer.pad_token_id)
        try:
            (row,) = continue_rows(
                self.model,
                input_ids,
                attention_mask,
                self.max_new_tokens,
                self.tokenizer.pad_token_id,
                processors(self.sampling, [""]),
                streamer=streamer,
                stopping_criteria=StoppingCriteriaList([self._stop]),
                watermarking_config=self.watermark,
            )
            ids, reason = cut_at_end(row, end_ids(self.model))
            if reason == "stop" or not self._cut:
                text = str(self.tokenizer.decode(ids, skip_special_tokens=True)).strip()
                seconds = round(time.perf_counter() - started, 4)
                self.answer = Answer("", self.which, text, len(ids), seconds, reason, len(self.prompt_ids))
        except BaseException as error:  # it belongs to whoever reads the stream
            self._failure = error
        finally:
            streamer.on_finalized_text("", stream_end=True)

    def _stop(self, input_ids: "torch.Tensor", scores: object, **options: object) -> "torch.Tensor":
        import torch

        self._cut = self._given_up.is_set()
        return torch.full((input_ids.shape[0],), self._cut, device=input_ids.device)
