"""benchmarks/finetune_gpu.py without a GPU: it refuses clearly, and its logic holds on a tiny model on the CPU."""

import json
import sys
from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
import torch.distributed as dist
from conftest import REPOSITORY

FEW = ("--counted-steps", "2", "--warm-up-steps", "1", "--batch-size", "8", "--max-tokens-per-pack", "600")


@pytest.fixture
def benchmark(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(REPOSITORY / "benchmarks")
    import finetune_gpu

    return finetune_gpu


@pytest.fixture
def group() -> Iterator[None]:
    dist.init_process_group("gloo", store=dist.HashStore(), rank=0, world_size=1)
    yield
    dist.destroy_process_group()


def options(benchmark: ModuleType, monkeypatch: pytest.MonkeyPatch, *words: str) -> Namespace:
    monkeypatch.setattr(sys, "argv", ["finetune_gpu.py", *words])
    return benchmark.parse()  # type: ignore[no-any-return]


@pytest.mark.skipif(torch.cuda.is_available(), reason="a CUDA GPU is there, so nothing is refused")
def test_without_a_gpu_it_says_what_it_needs(benchmark: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["finetune_gpu.py"])
    with pytest.raises(SystemExit, match="needs a CUDA GPU with 80 GB or more; --test-mode"):
        benchmark.main()


def test_packed_padded_and_recomputed_train_the_same_model(
    benchmark: ModuleType, monkeypatch: pytest.MonkeyPatch, group: None
) -> None:
    found: dict[str, Any] = {}
    for name in benchmark.SLICES:
        chosen = options(benchmark, monkeypatch, "--test-mode", "--slice", name, *FEW)
        found[name] = benchmark.measure(chosen, torch.device("cpu"))
    losses = {name: [loss for _, _, loss in one["steps_tokens_seconds_loss"]] for name, one in found.items()}
    assert losses["packed"] == [pytest.approx(loss, abs=0.05) for loss in losses["padded"]]  # a mean; a mean of means
    assert losses["padded, recomputed"] == losses["padded"] and losses["padded"][0] != losses["padded"][1]
    tokens = [[tokens for tokens, _, _ in one["steps_tokens_seconds_loss"]] for one in found.values()]
    assert tokens[0] == tokens[1] == tokens[2] and len(tokens[0]) == 3


@pytest.mark.slow
def test_the_file_holds_slices_projection_and_peers_and_grows(
    benchmark: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "result.json"
    monkeypatch.setenv("PYTHONPATH", str(REPOSITORY))
    words = ["finetune_gpu.py", "--test-mode", "--result-file", str(file), "--usd-per-hour", "3.5", *FEW]
    monkeypatch.setattr(sys, "argv", [*words, "--slice", "packed"])
    benchmark.main()  # the slice itself in a process of its own, as on a GPU
    packed = json.loads(file.read_text())["slices"]["packed"]
    chosen = options(benchmark, monkeypatch, *words[1:])
    half = {**packed, "tokens_per_second": packed["tokens_per_second"] / 2}
    benchmark.report({**benchmark._earlier(file), "padded": half}, chosen)
    result = json.loads(file.read_text())
    assert list(result["slices"]) == ["packed", "padded"] and result["ratio_packed_to_padded"] == pytest.approx(2)
    minutes = 52_002 * 3 * 127.4 / packed["tokens_per_second"] / 60
    assert result["projection"]["minutes"] == pytest.approx(minutes)
    assert result["projection"]["usd"] == pytest.approx(3.5 * minutes / 60)
    assert result["test_mode"] is True and len(result["published_by_others"]) == 7
    benchmark.report({"packed": packed, "padded": {**half, "layers": 1}}, chosen)
    assert "ratio_packed_to_padded" not in json.loads(file.read_text()), "other depths cannot be compared"
