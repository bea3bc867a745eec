"""The forecast before training: sizes from the configuration, memory near the measured, refusals with a way out."""

import math
import re
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.autograd.graph import saved_tensors_hooks
from transformers import AutoModelForCausalLM, LlamaConfig, LlamaForCausalLM

from alpaca_nb import recipes
from alpaca_nb.errors import TrainingError
from alpaca_nb.finetuning.attention import use_packed_attention
from alpaca_nb.finetuning.encode import EncodedRow, encode_examples
from alpaca_nb.finetuning.lora import add_adapters
from alpaca_nb.finetuning.machines import ELSEWHERE, GIB, Machine, cpu_flops, peak_flops, this_machine
from alpaca_nb.finetuning.model_shape import LLAMA_7B, read_shape, shape_of
from alpaca_nb.finetuning.packing import pack
from alpaca_nb.finetuning.preflight import (
    activation_bytes,
    adapter_parameters,
    check_disk,
    check_memory,
    forecast,
    forecasts,
    in_gib,
    in_time,
    table,
    work_of,
)
from alpaca_nb.finetuning.published import STANFORD, ours, side_by_side
from alpaca_nb.finetuning.results import TrainingResult, read_metrics
from alpaca_nb.finetuning.settings import TrainingSettings, settings_from
from alpaca_nb.finetuning.stage import train_in_processes
from alpaca_nb.finetuning.watching import TENSORBOARD_FOLDER
from alpaca_nb.models import load_model, load_tokenizer, model_folder
from alpaca_nb.records import Example
from alpaca_nb.runs import KIT_FOLDER

BASE = "random-llama-1m"
SETTINGS = TrainingSettings(
    base_model=BASE, seed=17, number_of_processes=1, epochs=3, batch_size=128, learning_rate=2e-5
)
ROWS = [EncodedRow(tuple(range(60 + 7 * (n % 20))), 40) for n in range(2600)]  # 126.5 tokens on average
STANFORD_ROWS = [name for name, *_ in side_by_side(STANFORD)]
LAPTOP = Machine("a laptop", 2, 3 * GIB, 1e11, kind="cpu")


def with_settings(**changed: object) -> TrainingSettings:
    return replace(SETTINGS, **changed)  # type: ignore[arg-type]


def test_sizes_come_from_the_configuration_alone() -> None:
    assert shape_of(LlamaConfig()) == LLAMA_7B  # transformers' defaults are LLaMA-7B's
    model = load_model(model_folder(BASE))
    shape = read_shape(model_folder(BASE))
    assert shape.parameters == model.num_parameters() and shape.layers == 5
    assert shape.layers * shape.layer_parameters + shape.outside_layers == shape.parameters
    # 7.9e17 operations for three epochs of 52,002 rows: facts of the original, by hand 6 x 6.607e9 x 19.9e6
    assert LLAMA_7B.training_flops(19.9e6, 19.9e6) == pytest.approx(6 * 6.607e9 * 19.9e6, rel=1e-3)


def test_what_a_layer_keeps_for_the_backward_pass_is_what_torch_keeps() -> None:
    """7B's 187,016 bytes a token, and the same rule on small layers against torch's own hooks."""
    assert activation_bytes(LLAMA_7B, "cuda", 2) == 32 * 187_016
    for keys in (2, 8):
        config = LlamaConfig(
            vocab_size=64, hidden_size=256, intermediate_size=700, num_hidden_layers=2, num_attention_heads=8,
            num_key_value_heads=keys,
        )  # fmt: skip
        kept = []
        for layers in (1, 2):
            config.num_hidden_layers = layers
            model = LlamaForCausalLM(config).to(torch.bfloat16)
            use_packed_attention(model)
            kept.append(bytes_kept(model, pack([EncodedRow(tuple(range(2, 50)), 10)] * 4)))
        tokens = pack([EncodedRow(tuple(range(2, 50)), 10)] * 4).input_ids.shape[1]
        expected = activation_bytes(shape_of(config), "cpu", 2) / 2
        assert (kept[1] - kept[0]) / tokens == pytest.approx(expected, rel=0.1), keys


def bytes_kept(model: LlamaForCausalLM, one: object) -> int:
    """Bytes that autograd saves in a forward pass, weights not counted and each storage once."""
    weights = {weight.untyped_storage().data_ptr() for weight in model.parameters()}
    saved: dict[int, int] = {}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in weights:
            saved[storage.data_ptr()] = storage.nbytes()
        return tensor

    with saved_tensors_hooks(keep, lambda tensor: tensor):
        output = model.model(  # type: ignore[operator]
            input_ids=one.input_ids, position_ids=one.position_ids, borders=one.borders, longest=one.longest,  # type: ignore[attr-defined]
            use_cache=False,
        )  # fmt: skip
    assert output.last_hidden_state.requires_grad
    return sum(saved.values())


@pytest.mark.parametrize("targets", ["q_proj,v_proj", "q_proj,k_proj,v_proj,o_proj,gate_proj,up_proj,down_proj"])
def test_adapters_are_counted_as_peft_makes_them(targets: str) -> None:
    chosen = with_settings(lora_rank=6, lora_targets=targets)
    model = load_model(model_folder(BASE))
    add_adapters(model, chosen)
    trained = sum(weight.numel() for weight in model.parameters() if weight.requires_grad)
    assert adapter_parameters(read_shape(model_folder(BASE)), chosen) == trained
    assert adapter_parameters(read_shape(model_folder(BASE)), SETTINGS) == 0


def test_llama_7b_goes_where_it_is_known_to_go() -> None:
    """Full training takes 16 bytes a weight, 100.4 GiB, and fits one H200; LoRA fits 24 GB with smaller packs."""
    full = {answer.machine.name: answer for answer in forecasts(LLAMA_7B, SETTINGS, ROWS, LAPTOP)}
    big = full["one 140 GB GPU (H200)"]
    states = big.memory.weights + big.memory.gradients + big.memory.optimizer
    assert states == 16 * LLAMA_7B.parameters and 100.3 < states / GIB < 100.5
    assert {name: answer.fits for name, answer in full.items()} == {
        "a laptop": False,
        "one 24 GB GPU (RTX 4090)": False,
        "one 80 GB GPU (A100)": False,
        "one 140 GB GPU (H200)": True,
        "8 GPUs of 80 GB (A100)": True,
    }
    lora = with_settings(lora_rank=16, max_tokens_per_pack=1024)
    small = forecast(LLAMA_7B, lora, ROWS, ELSEWHERE[0])
    assert small.fits and 13 < small.memory.total / GIB < 23
    # by the published rate on this card, 3,083 tokens/s of an 8B model, 1.5 to 1.8 hours
    assert 60 < 52_002 / len(ROWS) * small.seconds / 60 < 180


@pytest.mark.parametrize(("recipe", "card"), [("one_gpu", 0), ("one_big_gpu", 2), ("stanford", 3)])
def test_recipes_for_llama_7b_fit_the_machine_they_name(recipe: str, card: int) -> None:
    chosen = settings_from(recipes.load(recipe).stages["03_finetune_fsdp"])
    assert forecast(LLAMA_7B, chosen, ROWS, ELSEWHERE[card]).fits and chosen.base_model == "huggyllama/llama-7b"
    assert (chosen.batch_size, chosen.epochs, chosen.max_length, chosen.warmup_ratio) == (128, 3, 512, 0.03)
    columns = dict(zip(STANFORD_ROWS, list(side_by_side(ours(chosen, "GPUs"), STANFORD)), strict=True))
    for name in ("epochs", "length", "weight decay", "learns", *(["learning rate"] if recipe != "one_gpu" else [])):
        assert columns[name][1] == columns[name][2], name
    assert columns["trained"][1] == (
        "LoRA r 16, alpha 16, dropout 0.05, on q, k, v, o" if recipe == "one_gpu" else "all weights"
    )


@pytest.mark.parametrize(("recipe", "card"), [("one_gpu", 0), ("one_big_gpu", 2), ("stanford", 3)])
def test_minutes_said_of_llama_7b_are_those_of_the_forecast(recipe: str, card: int) -> None:
    """For 52,000 rows of 128 tokens, 60 of them learned: in the recipe's first lines and in the course's table."""
    chosen = settings_from(recipes.load(recipe).stages["03_finetune_fsdp"])
    rows = [EncodedRow(tuple(range(128)), 68)] * (52_000 - 64)
    minutes = f"{forecast(LLAMA_7B, chosen, rows, ELSEWHERE[card]).seconds / 60:.0f}"
    said = (recipes.RECIPES_FOLDER / f"{recipe}.yaml").read_text(encoding="utf-8")
    assert re.findall(r"(\d+) minutes of steps", said) == [minutes]
    course = (KIT_FOLDER / "course" / "README.md").read_text(encoding="utf-8")
    assert re.findall(rf"^\| `{recipe}` \|.* training (\d+) \|", course, flags=re.MULTILINE) == [minutes]


def test_what_does_not_fit_is_refused_with_what_would() -> None:
    answers = forecasts(LLAMA_7B, SETTINGS, ROWS, ELSEWHERE[0])
    with pytest.raises(TrainingError) as error:
        check_memory(LLAMA_7B, SETTINGS, ROWS, answers)
    text = str(error.value)
    assert text.startswith("this run needs 11") and "there are 23.5 GiB" in text
    assert "lora_rank=16 and training_options=activation_checkpointing (1" in text and "one 140 GB GPU (H200)" in text
    assert "one 80 GB GPU" not in text
    enough, big = 64 * GIB, forecasts(LLAMA_7B, SETTINGS, ROWS, ELSEWHERE[2])
    assert check_memory(LLAMA_7B, SETTINGS, ROWS, big, enough) == "it fits"
    crowded = forecasts(LLAMA_7B, SETTINGS, ROWS, Machine("a large computer in use", 512, 1 << 50, 1e11, kind="cpu"))
    assert "are needed" in check_memory(LLAMA_7B, SETTINGS, ROWS, crowded)
    rows = table(answers)
    assert rows[0][4:] == ("no", "–") and [len(row) for row in rows] == [6] * len(rows)


def test_the_computers_own_memory_holds_the_model_once_whatever_the_number_of_gpus() -> None:
    one, eight = (forecast(LLAMA_7B, SETTINGS, ROWS, card) for card in (ELSEWHERE[2], ELSEWHERE[3]))
    thin = forecast(LLAMA_7B, with_settings(lora_rank=16), ROWS, ELSEWHERE[0])
    whole = 4 * LLAMA_7B.parameters
    assert (one.host - 2 * GIB, eight.host - 8 * 2 * GIB, thin.host - 2 * GIB) == (whole, whole, whole // 2)
    assert table([eight])[0][3] == "41.1 GiB"
    laptop = forecast(LLAMA_7B, SETTINGS, ROWS, LAPTOP)
    assert laptop.host == 2 * laptop.memory.total
    words = check_memory(LLAMA_7B, SETTINGS, ROWS, [one], free=16 * GIB)
    assert words.startswith("warning: 27.1 GiB of the computer's own memory are needed, 16.0 GiB are free now")


@settings(deadline=None, max_examples=25)
@given(st.integers(1, 8), st.sampled_from(["cpu", "cuda"]), st.booleans())
def test_less_memory_is_needed_with_more_processes_smaller_packs_or_recomputing(
    processes: int, kind: str, recompute: bool
) -> None:
    def need(processes: int, **changed: object) -> int:
        machine = Machine("any", processes, GIB, 1e12, kind=kind)
        changed = {"activation_checkpointing": recompute, "batch_size": 16, **changed}
        return forecast(LLAMA_7B, with_settings(**changed), ROWS[:160], machine).memory.total

    assert need(1, max_tokens_per_pack=512) <= need(1)  # several processes keep whole gradients between packs
    assert need(processes, activation_checkpointing=True) <= need(processes, activation_checkpointing=False)
    assert need(processes, lora_rank=8) < need(processes)
    work = work_of(ROWS, SETTINGS, steps=60, processes=processes)
    assert work.tokens == pytest.approx(60 * 128 * 126.5, rel=0.02) and work.pack_tokens <= 2048


def test_several_computers_share_the_model_and_each_has_a_memory_of_its_own() -> None:
    one, two = this_machine(2), this_machine(2, nodes=2)
    assert (two.processes, two.nodes, two.memory) == (4, 2, one.memory) and "on 1 like it: 4 " in two.name
    cards = [replace(ELSEWHERE[1], processes=nodes, nodes=nodes) for nodes in (1, 4)]  # an 80 GB GPU in each
    alone, together = (forecast(LLAMA_7B, SETTINGS, ROWS, machine) for machine in cards)
    assert not alone.fits and together.fits
    assert together.host == alone.host == 2 * GIB + 4 * LLAMA_7B.parameters
    assert together.seconds == pytest.approx(alone.seconds / 4)
    assert check_memory(LLAMA_7B, SETTINGS, ROWS, [together], free=64 * GIB) == "it fits"


def test_too_small_a_disk_is_refused_before_anything_is_loaded(tmp_path: Path) -> None:
    folder = tmp_path / "run" / "finetuning"  # which training will make
    small = read_shape(model_folder(BASE))
    assert re.fullmatch(
        r"disk, for checkpoints and model: \d+ MiB of the \S+ GiB that are free", check_disk(small, SETTINGS, folder)
    )
    assert not folder.parent.exists()
    huge = replace(LLAMA_7B, parameters=10**15)
    with pytest.raises(TrainingError, match=r"may be needed on the disk of finetuning/ .*lower keep_checkpoints"):
        check_disk(huge, SETTINGS, folder)


def test_machines_are_known_by_name_and_speed() -> None:
    assert peak_flops("NVIDIA H100 80GB HBM3") == 989e12 and peak_flops("NVIDIA H100 PCIe") == 756e12
    assert peak_flops("NVIDIA GeForce RTX 4090") == pytest.approx(165.2e12) and peak_flops("Some GPU") == 0
    assert 1e9 < cpu_flops(1, seconds=0.02) < 1e14
    here = this_machine(2)
    assert here.processes == 2 and here.memory > 0 and math.isfinite(here.peak_flops)
    unknown = forecast(LLAMA_7B, SETTINGS, ROWS[:200], Machine("a new GPU", 1, 200 * GIB, 0.0))
    assert unknown.fits and in_time(unknown.seconds) == "unknown"
    assert (in_time(50), in_time(600), in_time(7200), in_gib(3.25 * GIB)) == ("50 s", "10 min", "2.0 h", "3.2 GiB")


@dataclass(frozen=True)
class Run:
    """A run in one process: with the original's pad row, and with curves where TensorBoard is installed."""

    folder: Path
    settings: TrainingSettings
    rows: list[EncodedRow]
    result: TrainingResult


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    sizes = [n % 40 // 5 * 5 for n in range(140)]  # eight lengths
    examples = [Example("Count.", ", ".join(map(str, range(n))), "one two " * (5 + n)) for n in sizes]
    rows = list(encode_examples(examples, load_tokenizer(model_folder(BASE))).rows)
    chosen = with_settings(
        batch_size=64,
        epochs=1,
        learning_rate=1e-3,
        add_pad_row=True,
        tensorboard=find_spec("tensorboard") is not None,
        precision="bfloat16",
    )
    folder = tmp_path_factory.mktemp("run") / "finetuning"
    return Run(folder, chosen, rows, train_in_processes(folder, chosen, rows[:130], rows[130:]))


@pytest.mark.slow
def test_the_forecast_is_near_what_a_run_takes(run: Run) -> None:
    """Memory within 30 % of the process's peak, with rows of few lengths (see `preflight` on what each one takes)."""
    machine = Machine("here", 1, 8 * GIB, 1e11, kind="cpu")
    expected = forecast(read_shape(model_folder(BASE)), run.settings, run.rows[:130], machine).memory.total
    assert run.result.peak_memory_bytes / expected == pytest.approx(1, abs=0.3), (run.result, expected)
    assert 0 < run.result.mfu < 1.5


@pytest.mark.slow
def test_the_originals_pad_row_is_in_the_saved_model(run: Run) -> None:
    tokens = len(load_tokenizer(model_folder(BASE)))
    model = run.folder.with_name("model")
    assert AutoModelForCausalLM.from_pretrained(model).config.vocab_size == 1 + tokens
    assert load_tokenizer(model).pad_token == "[PAD]"


@pytest.mark.slow
def test_curves_are_written_for_tensorboard(run: Run) -> None:
    reader = pytest.importorskip(
        "tensorboard.backend.event_processing.event_accumulator", reason="the extra `tensorboard` is not installed"
    )
    curves = reader.EventAccumulator(str(run.folder / TENSORBOARD_FOLDER)).Reload()
    metrics = read_metrics(run.folder)
    assert [point.step for point in curves.Scalars("loss")] == [1, 2]
    assert [point.value for point in curves.Scalars("loss")] == [pytest.approx(line.loss) for line in metrics]
    assert set(curves.Tags()["scalars"]) == {"loss", "gradient norm", "learning rate", "tokens per second", "MFU"}
