"""A fine-tuned model as its difference to the base model, as the original was released, and back again.

    make:     difference = tuned - base      recover: tuned = base + difference

Weights are taken as integers (the bits of each number) and subtracted with wrap-around, so what comes back is the tuned
model bit for bit, in any number format; a difference of floats would round. A manifest holds SHA-256 digests of base,
difference and result. Whoever has another base is refused, and a model appears whole or not at all.
Stanford's `weight_diff.py` checked one sum of all weights instead.
"""

import os
import shutil
import tempfile
from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from alpaca_nb.errors import InputFileError, ModelError
from alpaca_nb.files import Json, read_json, sha256_of, sync_folder, write_json, write_text
from alpaca_nb.inference.model_card import model_card
from alpaca_nb.inference.run_models import folder_of
from alpaca_nb.models import check_folder, model_folder

if TYPE_CHECKING:
    import torch

MANIFEST = "diff.json"
FORMAT = "alpaca-nb weight difference 1"


def export_diff(options: Namespace) -> int:
    """Run `export --format diff`; `options` has run_dir, base, output and recover."""
    if options.recover:
        if options.base is None or options.output is None:
            raise InputFileError("--recover needs --base (a folder or a model name) and --output (a new folder)")
        made = recover(options.run_dir, model_folder(options.base), options.output)
        print(f"{made}: the tuned model, checked by SHA-256")
        return 0
    base = model_folder(options.base) if options.base is not None else folder_of(options.run_dir, "untuned")
    made = make(base, folder_of(options.run_dir, "tuned"), options.output or options.run_dir / "diff")
    write_text(made / "MODEL_CARD.md", model_card(options.run_dir))
    print(f"{made}: a difference to {base.name}; without that base it is of no use to anybody")
    return 0


def make(base: Path, tuned: Path, target: Path) -> Path:
    """Write `target`, a folder with the difference; raises `ModelError` where the two have other shapes."""
    first, second = _tensors(base), _tensors(tuned)
    with _whole_folder(target) as work:
        _write(work, second, lambda name: second.get(name) - _like(first, name, second.get(name)))
        _copy_rest(tuned, work)
        write_json(
            work / MANIFEST,
            {
                "format": FORMAT,
                "how": "These weights are differences. alpaca-nb export THIS_FOLDER --format diff --recover "
                f"--base FOLDER_OR_NAME --output NEW_FOLDER adds them to the base ({base.name}).",
                "base": weights_digest(base),
                "difference": weights_digest(work),
                "tuned": weights_digest(tuned),
                "files": {file.name: sha256_of(file) for file in _rest(tuned)},
            },
        )
    return target


def recover(difference: Path, base: Path, target: Path) -> Path:
    """Write `target`, the tuned model; raises `ModelError` for another base or a damaged difference."""
    manifest = read_json(difference / MANIFEST)
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise InputFileError(f"{difference / MANIFEST}: not a weight difference that this kit made")
    check_folder(base)
    for folder, part in ((base, "base"), (difference, "difference")):
        if weights_digest(folder) != manifest.get(part):
            what = "another base model than the one it was made from" if part == "base" else "damaged or changed"
            raise ModelError(f"{folder} is {what}: SHA-256 of its weights should be {manifest.get(part)}")
    _check_rest(difference, manifest.get("files") or {})
    change, first = _tensors(difference), _tensors(base)
    with _whole_folder(target) as work:
        _write(work, change, lambda name: change.get(name) + _like(first, name, change.get(name)))
        _copy_rest(difference, work)
        (work / MANIFEST).unlink()
        if weights_digest(work) != manifest.get("tuned"):
            raise ModelError("what came out is not the tuned model; nothing was written. Please report this")
    return target


def weights_digest(folder: Path) -> str:
    """SHA-256 over names, kinds, shapes and bytes of all tensors: the same however they are spread over files."""
    import hashlib

    import torch

    tensors = _tensors(folder)
    digest = hashlib.sha256()
    for name in sorted(tensors.files):
        values = tensors.read(name)
        digest.update(f"{name}\0{values.dtype}\0{tuple(values.shape)}\0".encode())
        digest.update(values.contiguous().view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


class _Tensors:
    """The tensors of a folder by name, read one at a time."""

    def __init__(self, files: dict[str, Path]) -> None:
        self.files = files

    def read(self, name: str) -> "torch.Tensor":
        from safetensors import safe_open

        with safe_open(self.files[name], framework="pt") as tensors:
            values: torch.Tensor = tensors.get_tensor(name)
        return values.reshape(1) if values.ndim == 0 else values

    def get(self, name: str) -> "torch.Tensor":
        """The bits of a tensor's numbers, as integers."""
        import torch

        values = self.read(name)
        return values.contiguous().view(
            {1: torch.int8, 2: torch.int16, 4: torch.int32, 8: torch.int64}[values.itemsize]
        )


def _tensors(folder: Path) -> _Tensors:
    from safetensors import safe_open

    files: dict[str, Path] = {}
    for file in sorted(folder.glob("*.safetensors")):
        with safe_open(file, framework="pt") as tensors:
            files.update(dict.fromkeys(tensors.keys(), file))
    if not files:
        raise ModelError(f"{folder} holds no safetensors weights")
    return _Tensors(files)


def _like(base: _Tensors, name: str, wanted: "torch.Tensor") -> "torch.Tensor":
    """The base's bits, as far as the base has such a tensor of that kind; a new or grown one is kept whole."""
    import torch

    if name not in base.files:
        return torch.zeros_like(wanted)
    found = base.get(name)
    if found.dtype != wanted.dtype:
        raise ModelError(
            f"{name}: the base has {found.dtype}, the other {wanted.dtype}; load both in one number format"
        )
    if found.shape == wanted.shape:
        return found
    if found.shape[1:] != wanted.shape[1:] or len(found) > len(wanted):
        raise ModelError(
            f"{name}: shape {tuple(found.shape)} and {tuple(wanted.shape)}: no pair of base and tuned model"
        )
    grown = torch.zeros_like(wanted)  # a vocabulary with added tokens, as Alpaca's [PAD]
    grown[: len(found)] = found
    return grown


def _write(work: Path, names: _Tensors, compute: "object") -> None:
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    for file in sorted(set(names.files.values())):
        part = {name: compute(name) for name, where in names.files.items() if where == file}  # type: ignore[operator]
        kinds = {name: names.read(name).dtype for name in part}
        tensors = {name: bits.view(kinds[name]) for name, bits in part.items()}
        try:
            save_file(tensors, work / file.name, metadata={"format": "pt"})
        except SafetensorError as error:  # how it words a full disk, too
            raise ModelError(f"{work.parent}: {file.name} could not be written ({error})") from None


def _rest(folder: Path) -> list[Path]:
    """What a model folder holds beside its weights: configuration, tokenizer, card."""
    return sorted(file for file in folder.iterdir() if file.is_file() and file.suffix != ".safetensors")


def _copy_rest(source: Path, work: Path) -> None:
    for file in _rest(source):
        shutil.copy2(file, work / file.name)


def _check_rest(difference: Path, digests: Json) -> None:
    """Raise `ModelError` where a file beside the weights was lost or changed on its way."""
    for name, digest in digests.items() if isinstance(digests, dict) else ():
        file = difference / Path(name).name
        if not file.is_file() or sha256_of(file) != digest:
            raise ModelError(f"{file} is missing or changed; get the difference again")


@contextmanager
def _whole_folder(target: Path) -> Iterator[Path]:
    """A neighbour of `target` to fill, renamed to it at the end; removed where something goes wrong."""
    if target.exists():
        raise InputFileError(f"{target} is there already; name a new folder")
    target.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    try:
        yield work
        work.chmod(0o755 & ~_umask())
        work.rename(target)
        sync_folder(target.parent)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
