"""What only a GPU can show: the attention kernel, the same numbers as the CPU's, exact resume, compiled layers."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
import torch.distributed as dist
import torch.nn.functional as F
from training_rows import BASE, SETTINGS, STEPS, make_rows, with_settings

from alpaca_nb.errors import TrainingError
from alpaca_nb.finetuning.attention import packed_attention
from alpaca_nb.finetuning.checkpoints import Checkpoint, restore_checkpoint
from alpaca_nb.finetuning.encode import EncodedRow
from alpaca_nb.finetuning.faults import out_of_memory_in_words
from alpaca_nb.finetuning.loop import mean_loss, packs_of, take_step
from alpaca_nb.finetuning.results import cut_metrics, read_metrics
from alpaca_nb.finetuning.save import whole_weights
from alpaca_nb.finetuning.settings import TrainingSettings
from alpaca_nb.finetuning.shares import build_model
from alpaca_nb.finetuning.stage import train_in_processes
from alpaca_nb.finetuning.train import new_optimizer, take_steps, use_repeatable_kernels
from alpaca_nb.models import load_model, model_folder

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device, and torch sees none here"),
]
CPU, GPU = torch.device("cpu"), torch.device("cuda", 0)
START = Checkpoint(0, "this run", held_out_loss_before=8.0)


@pytest.fixture(scope="module")
def rows() -> list[EncodedRow]:
    return make_rows(12)


@pytest.fixture
def group() -> Iterator[None]:
    torch.cuda.set_device(GPU)
    dist.init_process_group("cpu:gloo,cuda:nccl", store=dist.HashStore(), rank=0, world_size=1)
    yield
    dist.destroy_process_group()


@pytest.fixture
def repeatable(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    use_repeatable_kernels()
    yield
    torch.use_deterministic_algorithms(False)


def train(
    folder: Path, settings: TrainingSettings, rows: list[EncodedRow], start: Checkpoint
) -> dict[str, torch.Tensor]:
    """Train on the GPU from `start` to the end; returns the weights."""
    folder.mkdir(exist_ok=True)
    model = build_model(model_folder(BASE), settings, GPU, torch.bfloat16)
    optimizer = new_optimizer(model, settings)
    if start.step:
        restore_checkpoint(model, optimizer, folder, start)
    cut_metrics(folder, start.step)
    take_steps(model, optimizer, rows, settings, GPU, folder, start, STEPS)
    return whole_weights(model, torch.float32)


def numbers(folder: Path) -> list[tuple[int, float, float]]:
    return [(line.step, line.loss, line.grad_norm) for line in read_metrics(folder)]


@pytest.mark.parametrize("key_heads", [8, 2])
def test_one_kernel_for_all_rows_equals_attention_row_by_row(key_heads: int) -> None:
    torch.manual_seed(0)
    sizes = [17, 64, 5, 33, 90]
    borders = torch.tensor([0, *sizes], device=GPU).cumsum(0).int()
    shapes = ((1, 8, sum(sizes), 64), (1, key_heads, sum(sizes), 64), (1, key_heads, sum(sizes), 64))
    parts = [torch.randn(shape, device=GPU, dtype=torch.bfloat16, requires_grad=True) for shape in shapes]
    answer, _ = packed_attention(torch.nn.Module(), *parts, None, borders=borders, longest=90)
    weight = torch.randn_like(answer)
    got = torch.autograd.grad((answer * weight).sum(), parts)
    whole = [part.detach().float().requires_grad_() for part in parts]
    rows = zip(*(torch.split(part, sizes, dim=2) for part in whole), strict=True)
    one_by_one = [F.scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=True) for q, k, v in rows]
    wanted = torch.cat(one_by_one, dim=2).transpose(1, 2)
    torch.testing.assert_close(answer.float(), wanted, atol=2e-2, rtol=2e-2)
    expected = torch.autograd.grad((wanted * weight.float()).sum(), whole)
    for found, gradient in zip(got, expected, strict=True):
        torch.testing.assert_close(found.float(), gradient, atol=6e-2, rtol=6e-2)


@pytest.mark.usefixtures("group")
def test_a_step_has_the_loss_and_gradient_norm_of_the_cpu(rows: list[EncodedRow]) -> None:
    lengths = [len(row.input_ids) for row in rows]
    learned = sum(row.learned_tokens for row in rows)
    answers = []
    for device, dtype in ((CPU, torch.float32), (GPU, torch.bfloat16)):
        model = build_model(model_folder(BASE), SETTINGS, device, dtype)
        held_out = mean_loss(model, rows, 150, device)
        packs = packs_of(range(len(rows)), rows, lengths, 150, device)
        answers.append((held_out, *take_step(model, new_optimizer(model, SETTINGS), packs, learned)))
    assert answers[1] == pytest.approx(answers[0], rel=2e-2)


@pytest.mark.usefixtures("group", "repeatable")
def test_a_run_goes_on_with_the_same_bits(tmp_path: Path, rows: list[EncodedRow]) -> None:
    settings = with_settings(keep_checkpoints=STEPS, deterministic=True)
    wanted = train(tmp_path, settings, rows, START)
    told = numbers(tmp_path)
    for step in (2, 4):
        got = train(tmp_path, settings, rows, dataclasses.replace(START, step=step))
        assert numbers(tmp_path) == told
        assert all(torch.equal(got[name], weight) for name, weight in wanted.items())


@pytest.mark.usefixtures("group")
@pytest.mark.parametrize("changed", [{"compile_layers": True}, {"activation_checkpointing": True}])
def test_faster_and_smaller_ways_compute_the_same(
    tmp_path: Path, rows: list[EncodedRow], changed: dict[str, bool]
) -> None:
    train(tmp_path / "plain", with_settings(checkpoint_every=0), rows, START)
    torch._dynamo.utils.counters.clear()
    train(tmp_path / "other", with_settings(checkpoint_every=0, **changed), rows, START)
    assert numbers(tmp_path / "other") == [pytest.approx(line, rel=3e-2) for line in numbers(tmp_path / "plain")]
    if "compile_layers" in changed:  # one program for all layers and all lengths, and nothing left uncompiled
        assert torch._dynamo.utils.counters["stats"]["unique_graphs"] <= 2
        assert not torch._dynamo.utils.counters["graph_break"]


def test_out_of_memory_is_said_in_words() -> None:
    with (
        pytest.raises(TrainingError, match="set training_options to activation_checkpointing"),
        out_of_memory_in_words(SETTINGS, GPU),
    ):
        torch.empty(1 << 50, device=GPU)


def test_the_whole_stage_on_one_gpu(tmp_path: Path) -> None:
    made = make_rows(16)
    result = train_in_processes(tmp_path / "finetuning", with_settings(number_of_processes=1), made[:12], made[12:])
    assert torch.cuda.get_device_name(0) in result.device and result.precision == "bfloat16"
    assert result.steps == STEPS and result.held_out_loss_after < result.held_out_loss_before
    assert load_model(tmp_path / "model").config.vocab_size > 0
