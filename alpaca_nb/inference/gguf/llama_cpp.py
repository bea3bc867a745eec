"""A GGUF file at work: llama.cpp inside this process, through the binding xllamacpp (extra `gguf`).

The binding is llama.cpp's own server; requests are handed to it as Python objects, without HTTP. A text's probability
is measured token by token: the next token is forced by a bias so large that nothing else can be drawn, and the server
reports that token's probability from before the bias.
"""

import queue
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from alpaca_nb.errors import ModelError
from alpaca_nb.inference.sampling import GREEDY, Sampling
from alpaca_nb.prompts import alpaca_prompt
from alpaca_nb.records import Answer, FinishReason

EXTRA = 'pip install -e ".[gguf]"'
CERTAIN = 1e4  # added to a score, it leaves nothing to chance
CONTEXT_TOKENS = 2048
LARGEST_SEED = 2**32 - 1  # which llama.cpp itself takes as "any seed"


def load_binding() -> Any:
    """The module xllamacpp; raises `ModelError` where the extra is absent."""
    try:
        import xllamacpp
    except ImportError as error:
        raise ModelError(f"running GGUF needs xllamacpp, which does not load ({error}): {EXTRA}") from None
    return xllamacpp


class LlamaCpp:
    """A loaded GGUF file; one request at a time."""

    def __init__(self, file: Path, *, threads: int = 1, context: int = CONTEXT_TOKENS) -> None:
        """Load; raises `ModelError` where the extra is absent or llama.cpp refuses the file."""
        xllamacpp = load_binding()
        if not file.is_file():
            raise ModelError(f"{file} does not exist; `alpaca-nb export RUN_DIR --format gguf` writes one")
        parameters = xllamacpp.CommonParams()
        parameters.model.path = str(file)
        parameters.hostnames, parameters.port = ["127.0.0.1"], 0
        parameters.n_parallel, parameters.n_ctx = 1, context
        parameters.cpuparams.n_threads = parameters.cpuparams_batch.n_threads = threads
        parameters.ui, parameters.verbosity = False, 0
        try:
            self._server = xllamacpp.Server(parameters)
        except RuntimeError as error:
            raise ModelError(f"llama.cpp cannot load {file}: {error}") from None
        # Its loop starts in a thread; a server ended before that waits for it for ever. Once it has answered, it runs.
        self._completion({"prompt": "a", "max_tokens": 1, "temperature": 0})

    def answer(
        self,
        instruction: str,
        input: str = "",
        max_new_tokens: int = 64,
        sampling: Sampling = GREEDY,
        **more: object,
    ) -> Answer:
        """One answer, whole."""
        stream = self.stream(instruction, input, max_new_tokens, sampling, **more)
        for _ in stream:
            pass
        assert stream.answer is not None
        return stream.answer

    def stream(
        self, instruction: str, input: str, max_new_tokens: int, sampling: Sampling, **more: object
    ) -> "LlamaStream":
        """Begin an answer; the same seed draws the same text, though not the text that transformers draws.

        `more` are options of llama.cpp's own server.
        """
        request = {
            "prompt": alpaca_prompt(instruction, input),
            "max_tokens": max_new_tokens,
            "temperature": sampling.temperature,
            "top_p": sampling.top_p,
            "top_k": min(sampling.top_k, 1 << 30),
            "min_p": 0.0,  # llama.cpp's default cuts at 0.05
            "seed": sampling.seed % LARGEST_SEED,
            "cache_prompt": False,  # a prompt half remembered is summed in another order
            **more,
        }
        return LlamaStream(self._server, request)

    def log_probabilities(self, prompt: Sequence[int], continuation: Sequence[int]) -> list[float | None]:
        """ln p of each token of `continuation` after `prompt` and those before it, in nats.

        None for a token that ends within a character: llama.cpp holds it back, with what it knows of it.
        """
        found: list[float | None] = []
        before = list(prompt)
        for token in continuation:
            request = {
                "prompt": before,
                "max_tokens": 1,
                "temperature": 0,
                "n_probs": 1,
                "logit_bias": [[token, CERTAIN]],
            }
            found.append(_log_probability(self._completion(request), token))
            before.append(token)
        return found

    def tokens(self, text: str) -> list[int]:
        """The token ids that llama.cpp makes of a prompt, as it does for every request."""
        import json
        import urllib.request

        body = json.dumps({"content": text, "add_special": True, "parse_special": True}).encode()
        url = f"{self._server.listening_address}/tokenize"
        request = urllib.request.Request(url, body, {"Content-Type": "application/json"})
        direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # loopback is never a proxy's business
        with direct.open(request, timeout=60) as answer:
            ids: list[int] = json.load(answer)["tokens"]
        return ids

    def _completion(self, request: dict[str, object]) -> dict[str, Any]:
        answer: dict[str, Any] = self._server.handle_completions(request)
        return _refused(answer)


class LlamaStream:
    """An answer being written by llama.cpp (as `streaming.Stream` is by transformers)."""

    def __init__(self, server: Any, request: dict[str, object]) -> None:
        self._server, self._request = server, request
        self.answer: Answer | None = None

    def __iter__(self) -> Iterator[str]:
        pieces: queue.Queue[dict[str, Any] | None] = queue.Queue()
        given_up = threading.Event()
        failures: list[BaseException] = []

        def arrived(chunk: dict[str, Any]) -> bool:
            pieces.put(chunk)
            return given_up.is_set()  # true stops llama.cpp

        def work() -> None:
            try:
                self._server.handle_completions({**self._request, "stream": True}, arrived)
            except BaseException as error:  # it belongs to whoever reads the stream
                failures.append(error)
            finally:
                pieces.put(None)

        started = time.perf_counter()
        threading.Thread(target=work, daemon=True).start()
        usage: dict[str, int] = {}
        text, reason = "", "length"
        try:
            while (chunk := pieces.get()) is not None:
                usage = _refused(chunk).get("usage") or usage
                for choice in chunk["choices"]:
                    reason = choice.get("finish_reason") or reason
                    if piece := choice["text"] if text else choice["text"].lstrip():
                        text += piece
                        yield piece
        finally:
            given_up.set()
        if failures:
            raise failures[0]
        written: FinishReason = "stop" if reason == "stop" else "length"
        seconds = round(time.perf_counter() - started, 4)
        new, asked = usage.get("completion_tokens", 0), usage.get("prompt_tokens", 0)
        self.answer = Answer("", "tuned", text.strip(), new, seconds, written, asked)


def _refused(answer: dict[str, Any]) -> dict[str, Any]:
    """The same answer; raises `ModelError` where llama.cpp says that it cannot (a prompt too long, for example)."""
    if "choices" not in answer:
        raise ModelError(f"llama.cpp refused: {answer.get('error', {}).get('message') or answer}")
    return answer


def _log_probability(answer: dict[str, Any], token: int) -> float | None:
    reported = answer["choices"][0].get("logprobs")
    if not reported or not reported["content"]:
        return None
    (content,) = reported["content"]
    if content["id"] != token:
        raise ModelError(f"llama.cpp did not take the token {token} that was forced; has the file another vocabulary?")
    return float(content["logprob"])
