"""A LLaMA-architecture Hugging Face folder as one GGUF file, with nothing but the package `gguf`.

Matrices are rounded in blocks of 32 numbers that share a scale (`q8_0`, `q4_0`, …); embedding and output stay at eight
bits, as small matrices with a large effect; norms stay float32. Tensors are read, rounded and written one by one, so a
large model needs little memory. The file appears whole or not at all.
"""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from alpaca_nb.errors import ModelError
from alpaca_nb.files import Json, read_json, sync_folder
from alpaca_nb.inference.gguf.tokens import add_tokenizer
from alpaca_nb.models import check_folder

if TYPE_CHECKING:
    from gguf import GGMLQuantizationType, GGUFWriter

QUANTIZATIONS = ("f32", "f16", "bf16", "q8_0", "q5_1", "q5_0", "q4_1", "q4_0")
EIGHT_BIT_AT_LEAST = ("token_embd.weight", "output.weight")
BLOCK = 32
PARTS_OF_A_LAYER = (
    *("attn_norm", "attn_q", "attn_k", "attn_v", "attn_output"),
    *("ffn_norm", "ffn_gate", "ffn_up", "ffn_down"),
)

Array = np.ndarray[tuple[int, ...], np.dtype[np.float32]]


def write_gguf(folder: Path, target: Path, quantization: str) -> Path:
    """Write the model of `folder` to `target`; raises `ModelError` for what llama.cpp would not read rightly."""
    from gguf import GGUFWriter

    if quantization not in QUANTIZATIONS:
        raise ModelError(f"quantization {quantization!r} is not known; there are {', '.join(QUANTIZATIONS)}")
    config = _config(check_folder(folder))
    target.parent.mkdir(parents=True, exist_ok=True)
    neighbour = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    writer = GGUFWriter(neighbour, "llama")
    try:
        _add_shape(writer, config, quantization, folder.resolve().parent.name)
        add_tokenizer(writer, folder, _number(config, "vocab_size"))
        shapes = _shapes(folder, config)
        kinds = {name: _kind_of(name, shape, quantization) for name, shape in shapes.items()}
        for name, shape in shapes.items():
            _announce(writer, name, shape, kinds[name])
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_ti_data_to_file()
        for name, values in _values(folder, config):
            writer.write_tensor_data(_rounded(values, kinds[name]))
        writer.close()
        with neighbour.open("rb") as file:
            os.fsync(file.fileno())
        neighbour.replace(target)
        sync_folder(target.parent)
    except OSError as error:
        raise ModelError(f"{target} could not be written: {error.strerror or 'the disk is full'}") from error
    finally:
        with contextlib.suppress(OSError):  # a full disk refuses what is left in the buffer once more
            writer.close()
        neighbour.unlink(missing_ok=True)
    return target


def _config(folder: Path) -> dict[str, Json]:
    config = read_json(folder / "config.json")
    assert isinstance(config, dict)
    if config.get("architectures") != ["LlamaForCausalLM"]:
        raise ModelError(
            f"{folder}: architecture {config.get('architectures')}; the kit writes GGUF of LlamaForCausalLM only. "
            "For others use llama.cpp's convert_hf_to_gguf.py"
        )
    rope = config.get("rope_parameters") or config.get("rope_scaling") or {}
    assert isinstance(rope, dict)
    if rope.get("rope_type", "default") != "default" or config.get("attention_bias") or config.get("mlp_bias"):
        raise ModelError(f"{folder}: scaled rotary positions or biases, which the kit does not write to GGUF")
    theta = rope.get("rope_theta", config.get("rope_theta", 10000.0))
    return {**config, "rope_theta": theta}


def _add_shape(writer: "GGUFWriter", config: dict[str, Json], quantization: str, name: str) -> None:
    from gguf import GGML_QUANT_VERSION, LlamaFileType

    heads = _number(config, "num_attention_heads")
    writer.add_name(f"alpaca-nb {name}")
    kind = {"f32": "ALL_F32"}.get(quantization, f"MOSTLY_{quantization.upper()}")
    writer.add_file_type(LlamaFileType[kind])
    writer.add_quantization_version(GGML_QUANT_VERSION)
    writer.add_vocab_size(_number(config, "vocab_size"))
    writer.add_context_length(_number(config, "max_position_embeddings"))
    writer.add_embedding_length(_number(config, "hidden_size"))
    writer.add_block_count(_number(config, "num_hidden_layers"))
    writer.add_feed_forward_length(_number(config, "intermediate_size"))
    writer.add_head_count(heads)
    writer.add_head_count_kv(_number(config, "num_key_value_heads", heads))
    width = _number(config, "head_dim", _number(config, "hidden_size") // heads)
    writer.add_rope_dimension_count(width)
    writer.add_key_length(width)
    writer.add_value_length(width)
    writer.add_rope_freq_base(float(str(config["rope_theta"])))
    writer.add_layer_norm_rms_eps(float(str(config["rms_norm_eps"])))


def _shapes(folder: Path, config: dict[str, Json]) -> dict[str, tuple[int, ...]]:
    """The shape of every tensor by llama.cpp's name, from the files' headers, in their order."""
    shapes: dict[str, tuple[int, ...]] = {}
    for name, file, own_name, shape in _places(folder, config):
        if name in shapes:
            raise ModelError(f"{file}: the tensor {own_name} stands in another file too")
        shapes[name] = shape
    wanted = {"token_embd.weight", "output_norm.weight"}
    if not config.get("tie_word_embeddings"):
        wanted.add("output.weight")
    for layer in range(_number(config, "num_hidden_layers")):
        wanted |= {f"blk.{layer}.{part}.weight" for part in PARTS_OF_A_LAYER}
    if missing := sorted(wanted - shapes.keys()):
        raise ModelError(f"{folder}: {len(missing)} tensors are missing, {missing[0]} first (llama.cpp's names)")
    rows = shapes["token_embd.weight"][0]
    if rows != _number(config, "vocab_size"):
        raise ModelError(f"{folder}: the embedding has {rows} rows, config.json says {config.get('vocab_size')}")
    return shapes


def _values(folder: Path, config: dict[str, Json]) -> Iterator[tuple[str, Array]]:
    """(llama.cpp's name, float32 values) of every tensor, in the same order."""
    import torch
    from safetensors import safe_open

    heads = _number(config, "num_attention_heads")
    for name, file, own_name, _ in _places(folder, config):
        with safe_open(file, framework="pt") as tensors:
            values: Array = tensors.get_tensor(own_name).to(torch.float32).numpy()
        if own_name.endswith(("q_proj.weight", "k_proj.weight")):
            turning = heads if "q_proj" in own_name else _number(config, "num_key_value_heads", heads)
            values = _in_pairs(values, turning)
        yield name, values


def _places(folder: Path, config: dict[str, Json]) -> Iterator[tuple[str, Path, str, tuple[int, ...]]]:
    from gguf import MODEL_ARCH, get_tensor_name_map
    from safetensors import safe_open

    names = get_tensor_name_map(MODEL_ARCH.LLAMA, _number(config, "num_hidden_layers"))
    for file in sorted(folder.glob("*.safetensors")):
        with safe_open(file, framework="pt") as tensors:
            for own_name in tensors.keys():  # noqa: SIM118
                if own_name == "lm_head.weight" and config.get("tie_word_embeddings"):
                    continue  # the embedding itself
                name = names.get_name(own_name, try_suffixes=(".weight",))
                if name is None:
                    raise ModelError(f"{file}: llama.cpp has no place for the tensor {own_name}")
                yield name, file, own_name, tuple(tensors.get_slice(own_name).get_shape())


def _in_pairs(values: Array, heads: int) -> Array:
    """Rows of a query or key matrix in llama.cpp's order: rotary partners side by side, not half a head apart."""
    rows, columns = values.shape
    return values.reshape(heads, 2, rows // heads // 2, columns).swapaxes(1, 2).reshape(rows, columns)


def _kind_of(name: str, shape: tuple[int, ...], quantization: str) -> "GGMLQuantizationType":
    from gguf import GGMLQuantizationType

    if len(shape) < 2:
        return GGMLQuantizationType.F32
    if quantization.startswith("q"):
        if shape[-1] % BLOCK:
            return GGMLQuantizationType.F16
        if name in EIGHT_BIT_AT_LEAST:
            return GGMLQuantizationType.Q8_0
    return GGMLQuantizationType[quantization.upper()]


def _announce(writer: "GGUFWriter", name: str, shape: tuple[int, ...], kind: "GGMLQuantizationType") -> None:
    from gguf.quants import quant_shape_to_byte_shape

    stored = quant_shape_to_byte_shape(shape, kind)
    writer.add_tensor_info(name, stored, np.dtype(np.uint8), int(np.prod(stored)), raw_dtype=kind)


def _rounded(values: Array, kind: "GGMLQuantizationType") -> "np.ndarray[tuple[int, ...], np.dtype[np.uint8]]":
    from gguf import quants

    return np.ascontiguousarray(quants.quantize(values, kind)).view(np.uint8)


def _number(config: dict[str, Json], name: str, otherwise: int | None = None) -> int:
    value = config.get(name, otherwise)
    value = otherwise if value is None else value
    if not isinstance(value, int):
        raise ModelError(f"config.json: {name} must be a whole number, not {value!r}")
    return value
