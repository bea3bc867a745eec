"""The bodies of good answers: a chat completion, or a legacy completion with one choice for each prompt."""

import hashlib
import time

from alpaca_nb.files import Json
from alpaca_nb.offline_teacher.asked import Asked
from alpaca_nb.offline_teacher.tokens import count_tokens, cut
from alpaca_nb.offline_teacher.writer import write_answer
from alpaca_nb.records import FinishReason


def complete(asked: Asked, seed: int) -> dict[str, Json]:
    """The body of a response. All but `created` is the same for the same request and seed."""
    visible = asked.max_tokens - asked.reasoning_tokens
    texts = [_text(prompt, asked, visible, seed) for prompt in asked.prompts]
    digest = hashlib.sha256(f"{seed}:{asked.model}:{asked.conversation}".encode()).hexdigest()
    hidden = min(asked.reasoning_tokens, asked.max_tokens)
    return {
        "id": f"{'chatcmpl' if asked.is_chat else 'cmpl'}-{digest[:24]}",
        "object": "chat.completion" if asked.is_chat else "text_completion",
        "created": int(time.time()),
        "model": asked.model,
        "system_fingerprint": f"offline-seed-{seed}",
        "choices": [_choice(index, text, reason, asked.is_chat) for index, (text, reason) in enumerate(texts)],
        "usage": _usage(
            sum(map(count_tokens, asked.prompts)), hidden + sum(count_tokens(text) for text, _ in texts), hidden
        ),
    }


def _text(prompt: str, asked: Asked, visible_tokens: int, seed: int) -> tuple[str, FinishReason]:
    if visible_tokens < 1:
        return "", "length"  # all of the limit went into reasoning
    text, finish_reason = write_answer(prompt, asked.model, seed)
    return cut(text, finish_reason, visible_tokens, asked.stops)


def _choice(index: int, text: str, finish_reason: FinishReason, is_chat: bool) -> Json:
    content: dict[str, Json] = (
        {"message": {"role": "assistant", "content": text, "refusal": None}} if is_chat else {"text": text}
    )
    return {"index": index, **content, "logprobs": None, "finish_reason": finish_reason}


def _usage(prompt_tokens: int, completion_tokens: int, reasoning_tokens: int) -> dict[str, Json]:
    return {
        "prompt_tokens": prompt_tokens,
        "completion_tokens": completion_tokens,
        "total_tokens": prompt_tokens + completion_tokens,
        "prompt_tokens_details": {"cached_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": reasoning_tokens},
    }
