"""What a base model's name means, and the check that a model folder is complete and safe to load."""

import re
from pathlib import Path

from alpaca_nb.errors import InputFileError, ModelError
from alpaca_nb.files import read_json, sha256_of
from alpaca_nb.models import random_llama
from alpaca_nb.models.cache import built_once

RANDOM_LLAMA, SMOLLM2 = "random-llama-1m", "smollm2-135m"
HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")
HUB_PATTERNS = ("*.safetensors", "*.json", "*.model", "*.txt", "*.jinja")  # never *.bin, *.pt, *.py
PICKLES = ("*.bin", "*.pt", "*.pth", "*.ckpt")


def model_folder(name: str, *, seed: int = 17) -> Path:
    """Return the folder of a base model, built, converted or downloaded first where it is not there yet.

    `name` is `random-llama-1m` (its weights drawn from `seed`), `smollm2-135m`, a hub id such as
    `HuggingFaceTB/SmolLM2-135M`, or a folder. Raises `ModelError` saying what is wrong and what to do.
    """
    if name == RANDOM_LLAMA:
        recipe = sha256_of(Path(random_llama.__file__))[:12]  # a changed text or shape is another model
        return built_once(f"{RANDOM_LLAMA}-seed{seed}-{recipe}", lambda folder: random_llama.build(folder, seed))
    if name == SMOLLM2:
        from alpaca_nb.models import smollm2

        return built_once(smollm2.CACHED_AS, smollm2.build)
    folder = Path(name).expanduser()
    if folder.is_dir():
        return check_folder(folder.resolve())
    if HUB_ID.fullmatch(name):
        return check_folder(_from_hub(name))
    raise ModelError(
        f"base_model {name!r} is no folder and no model name; give {RANDOM_LLAMA}, {SMOLLM2}, "
        "a hub id like HuggingFaceTB/SmolLM2-135M, or the path of a model folder"
    )


def check_folder(folder: Path) -> Path:
    """Return `folder` if it holds a configuration, a tokenizer and whole safetensors weights, and asks to run no code.

    Raises `ModelError` otherwise.
    """
    if not (folder / "config.json").is_file():
        raise ModelError(f"{folder} is no model folder: it has no config.json")
    for file in ("config.json", "tokenizer_config.json"):
        if (folder / file).is_file() and "auto_map" in _object(folder / file):
            raise ModelError(
                f"{folder / file} asks to run the model's own Python code (auto_map), which this kit never does; "
                "choose a model of an architecture that transformers itself knows"
            )
    if not (folder / "tokenizer.json").is_file() and not (folder / "tokenizer.model").is_file():
        raise ModelError(f"{folder} has no tokenizer (neither tokenizer.json nor tokenizer.model)")
    missing = [file for file in _weight_files(folder) if not (folder / file).is_file()]
    if missing:
        raise ModelError(f"{folder}: {missing[0]} is missing{_pickle_hint(folder)}")
    for file in _weight_files(folder):
        _check_header(folder / file)
    return folder


def _check_header(file: Path) -> None:
    """Read what a file says that it holds, which takes no time; raises `ModelError` where it is not whole."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(file, framework="numpy"):
            pass
    except SafetensorError as error:
        raise ModelError(f"{file} is damaged ({error}); make or download it again") from None


def _weight_files(folder: Path) -> list[str]:
    index = folder / "model.safetensors.index.json"
    if not index.is_file():
        return ["model.safetensors"]
    shards = _object(index).get("weight_map")
    if not isinstance(shards, dict) or not shards:
        raise ModelError(f"{index}: no weight_map in it")
    return sorted({str(shard) for shard in shards.values()})


def _object(path: Path) -> dict[str, object]:
    try:
        value = read_json(path)
    except InputFileError as error:
        raise ModelError(str(error)) from None
    if not isinstance(value, dict):
        raise ModelError(f"{path}: a JSON object was expected")
    return dict(value)


def _pickle_hint(folder: Path) -> str:
    if any(file for pattern in PICKLES for file in folder.glob(pattern)):
        return (
            "; its weights are pickle files, which can run code when they are opened, so the kit does not read them: "
            "convert them to safetensors first"
        )
    return ""


def _from_hub(name: str) -> Path:
    import huggingface_hub
    from huggingface_hub.utils.tqdm import disable_progress_bars, enable_progress_bars

    print(f"Fetching {name} from the Hugging Face hub (safetensors, configuration and tokenizer only) …", flush=True)
    disable_progress_bars()
    try:
        folder = huggingface_hub.snapshot_download(name, allow_patterns=list(HUB_PATTERNS))
    except Exception as error:  # the hub's client raises errors of its own, of httpx and of the operating system
        reason = " ".join(str(error).split())[:400].rstrip(".") or type(error).__name__
        raise ModelError(
            f"base_model {name!r} could not be fetched from the Hugging Face hub: {reason}. "
            "Check the name and the connection (and `hf auth login` for gated models), or use smollm2-135m, "
            "which comes from the Python package index"
        ) from None
    finally:
        enable_progress_bars()
    return Path(folder)
