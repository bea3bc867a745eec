"""Whether a run that was broken off and one that begins now are the same, so that one can go on as the other."""

import dataclasses
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from alpaca_nb.errors import InputFileError
from alpaca_nb.files import read_json, sha256_of, write_json
from alpaca_nb.finetuning.encode import EncodedRow
from alpaca_nb.finetuning.settings import TrainingSettings

FINGERPRINT_FILE = "fingerprint.json"
# Who computes, how fast and how often it is saved: the numbers stay the same, to rounding.
NOT_PART_OF_A_RUN = (
    "number_of_processes",
    "nodes",
    "max_tokens_per_pack",
    "activation_checkpointing",
    "compile_layers",
    "deterministic",
    "checkpoint_every",
    "keep_checkpoints",
    "tensorboard",
)


@dataclass(frozen=True)
class Fingerprint:
    """What decides a run's numbers: its settings, and hashes of the rows and of the base model."""

    settings: dict[str, str]
    training_rows: str
    held_out_rows: str
    base_model: str

    @property
    def digest(self) -> str:
        """All of it in 16 hexadecimal digits."""
        return hashlib.sha256(repr(dataclasses.astuple(self)).encode()).hexdigest()[:16]


def fingerprint_of(
    settings: TrainingSettings, training: Sequence[EncodedRow], held_out: Sequence[EncodedRow], base: Path
) -> Fingerprint:
    """The fingerprint of a run that starts from the model folder `base`; reads all of its weights."""
    deciding = {
        name: repr(value)
        for name, value in sorted({**vars(settings), "epochs": float(settings.epochs)}.items())
        if name not in (*NOT_PART_OF_A_RUN, "base_model")
    }
    files = [base / "config.json", *sorted(base.glob("*.safetensors"))]
    weights = hashlib.sha256("".join(f"{file.name} {sha256_of(file)}\n" for file in files).encode()).hexdigest()
    return Fingerprint(deciding, _rows_hash(training), _rows_hash(held_out), weights)


def differences(old: Fingerprint, new: Fingerprint) -> list[str]:
    """What has changed from one run to the other, in words; empty where they are the same run."""
    names = sorted({*old.settings, *new.settings})
    changed = [
        f"{name} {old.settings.get(name, 'unknown')} → {new.settings.get(name, 'unknown')}"
        for name in names
        if old.settings.get(name) != new.settings.get(name)
    ]
    parts = (
        ("training_rows", "the training rows"),
        ("held_out_rows", "the held-out rows"),
        ("base_model", "base_model"),
    )
    return changed + [words for field, words in parts if getattr(old, field) != getattr(new, field)]


def write_fingerprint(folder: Path, fingerprint: Fingerprint) -> None:
    """Write `fingerprint.json` into the folder of a run."""
    write_json(folder / FINGERPRINT_FILE, dataclasses.asdict(fingerprint))


def read_fingerprint(folder: Path) -> Fingerprint | None:
    """Read what `write_fingerprint` wrote; None where there is no such file."""
    path = folder / FINGERPRINT_FILE
    if not path.exists():
        return None
    value = read_json(path)
    try:
        return Fingerprint(**value)  # type: ignore[arg-type]
    except TypeError as error:
        raise InputFileError(f"{path}: not the fingerprint of a training run ({error})") from None


def run_digest(folder: Path) -> str:
    """The digest of the run that was prepared in `folder`; empty where no fingerprint was written."""
    fingerprint = read_fingerprint(folder)
    return fingerprint.digest if fingerprint else ""


def _rows_hash(rows: Sequence[EncodedRow]) -> str:
    digest = hashlib.sha256()
    for row in rows:
        digest.update(np.array([row.prompt_tokens, len(row.input_ids), *row.input_ids], dtype="<i4").tobytes())
    return digest.hexdigest()
