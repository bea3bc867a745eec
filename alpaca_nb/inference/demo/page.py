"""The page itself, drawn with Gradio; nothing here decides anything.

Answers stand in plain text boxes, so nothing that a model or a stranger writes is ever read as HTML. No font, script or
statistic comes from or goes to another server.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alpaca_nb.inference.demo.answering import Demo, Shown
from alpaca_nb.inference.demo.flags import LONGEST_NOTE, REASONS, store_flag
from alpaca_nb.inference.demo.guards import LONGEST_INPUT, LONGEST_INSTRUCTION, MOST_NEW_TOKENS, RefusedError
from alpaca_nb.inference.sampling import HIGHEST_TEMPERATURE, Sampling

if TYPE_CHECKING:
    import gradio as gr

EXAMPLES = (
    ("Name three rivers in Europe.", ""),
    ("Sort the numbers from smallest to largest.", "23, 5, 17, 42, 8"),
    ("Is the mood of this sentence positive or negative?", "The soup was cold and the waiter was rude."),
    ("What is the capital of Tanzania?", ""),
)
TERMS = """\
**Terms.** For research and teaching; not for production. The model's licence, and the terms of whoever wrote its
training data, hold for what it writes. Do not enter personal data: what you flag is stored here, with your reason.

**Limitations.** The model invents facts, repeats stereotypes, and can be brought to write abuse. It answers one
instruction at a time and remembers nothing. Every answer carries a watermark that the second tab detects."""
TITLE = "Alpaca, made at home"


def build(demo: Demo, flags: Path, *, waiting: int = 64) -> "gr.Blocks":
    """The page around `demo`; reports go to the file `flags`, and at most `waiting` questions queue up."""
    os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
    import gradio as gr

    usual = Sampling()
    page: gr.Blocks
    with gr.Blocks(title=TITLE, analytics_enabled=False) as page:
        gr.Markdown(f"# {TITLE}\n{demo.moderator.notice}")
        exchange = gr.State({}, time_to_live=3600)
        with gr.Tab("Ask"):
            instruction = gr.Textbox(label="Instruction", lines=2, max_length=LONGEST_INSTRUCTION, autofocus=True)
            input = gr.Textbox(label="Input (optional)", lines=2, max_length=LONGEST_INPUT)
            with gr.Row():
                ask = gr.Button("Ask (Shift+Enter)", variant="primary", elem_id="ask")
                stop = gr.Button("Stop", elem_id="stop")
                compare = gr.Checkbox(label="beside the untuned model", interactive="untuned" in demo.models)
            with gr.Row():
                tuned = gr.Textbox(label="Tuned model", lines=6, interactive=False, elem_id="tuned")
                untuned = gr.Textbox(label="Untuned model", lines=6, interactive=False, elem_id="untuned")
            status = gr.Textbox(label="Status", interactive=False, elem_id="status", container=False)
            with gr.Accordion("Sampling (as in Stanford's demo: temperature 0.7, top_p 0.9)", open=False):
                temperature = gr.Slider(0, HIGHEST_TEMPERATURE, usual.temperature, step=0.05, label="temperature")
                top_p = gr.Slider(0.05, 1, usual.top_p, step=0.05, label="top_p")
                top_k = gr.Slider(0, 200, 0, step=1, label="top_k (0: no limit)")
                tokens = gr.Slider(1, MOST_NEW_TOKENS, 128, step=1, label="most new tokens")
                seed = gr.Number(usual.seed, precision=0, label="seed")
            gr.Examples([list(example) for example in EXAMPLES], [instruction, input], cache_examples=False)
            with gr.Accordion("Flag this answer", open=False):
                reason = gr.Radio(list(REASONS), label="What is wrong with it?", elem_id="reason")
                note = gr.Textbox(label="Note (optional)", max_length=LONGEST_NOTE)
                flag = gr.Button("Flag", elem_id="flag")
                flagged = gr.Textbox(label="Report", interactive=False, elem_id="flagged", container=False)
        with gr.Tab("Detect the watermark"):
            pasted = gr.Textbox(label="Text", lines=8, max_length=20_000, elem_id="pasted")
            look = gr.Button("Detect", variant="primary", elem_id="detect")
            found = gr.Textbox(label="Result", interactive=False, elem_id="found")
        gr.Markdown(TERMS)

        def answered(
            a: Any, b: Any, c: Any, d: Any, e: Any, f: Any, g: Any, h: Any, request: gr.Request
        ) -> Iterator[tuple[Any, ...]]:  # Gradio fills in the request after the values of `everything`, in order
            yield from _shown(demo, _client(request), (a, b, c, d, e, f, g, h))

        def report(last: dict[str, object], why: str, words: str, request: gr.Request) -> str:
            try:
                demo.limit.admit(_client(request))
                store_flag(flags, last, why or "", words or "")
            except RefusedError as refusal:
                return str(refusal)
            except OSError as error:
                return f"The report could not be stored ({error.strerror})."
            return "Thank you. The report is stored."

        def detected(text: str, request: gr.Request) -> str:
            try:
                demo.limit.admit(_client(request))
                return str(demo.detect(text or ""))
            except RefusedError as refusal:
                return str(refusal)

        everything = [instruction, input, compare, temperature, top_p, top_k, tokens, seed]
        running = gr.on(
            [ask.click, instruction.submit, input.submit],
            answered,
            everything,
            [tuned, untuned, status, exchange],
            api_name="ask",
            concurrency_limit=1,
            show_progress="hidden",
        )
        stop.click(None, cancels=[running])
        flag.click(report, [exchange, reason, note], flagged, api_name="flag")
        gr.on([look.click], detected, pasted, found, api_name="detect")
    page.queue(max_size=waiting)
    return page


def serve(page: "gr.Blocks", host: str, port: int | None, *, wait: bool) -> str:
    """Serve the page and return its address; with `wait`, only when it is stopped."""
    import gradio as gr

    plain = gr.themes.Default(font=["system-ui", "sans-serif"], font_mono=["ui-monospace", "monospace"])
    _, address, _ = page.launch(
        server_name=host,
        server_port=port,
        share=False,
        quiet=True,
        inbrowser=False,
        prevent_thread_lock=True,
        footer_links=[],
        run_history=False,
        theme=plain,
        ssr_mode=False,
        max_file_size=0,
        state_session_capacity=1000,
    )
    print(f"listening on {address}", flush=True)
    if wait:
        page.block_thread()
    return str(address)


def _shown(demo: Demo, client: str, values: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
    instruction, input, compare, temperature, top_p, top_k, tokens, seed = values
    shown = Shown()
    try:
        sampling = Sampling(float(temperature), float(top_p), int(top_k), int(seed or 0)).checked()
        for shown in demo.ask(client, str(instruction or ""), str(input or ""), sampling, int(tokens), bool(compare)):
            yield shown.tuned, shown.untuned, shown.status, shown.exchange
    except (RefusedError, ValueError, TypeError, OverflowError) as refusal:
        yield shown.tuned, shown.untuned, str(refusal), {}


def _client(request: "gr.Request") -> str:
    """Who asks, for the rate limit: the address, for a session's name is whatever a program says it is."""
    return str(request.client.host) if request.client is not None else ""
