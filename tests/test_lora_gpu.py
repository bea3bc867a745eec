"""LoRA on a real GPU: bfloat16 base, float32 adapters, the registered kernel; skipped where there is no GPU."""

from pathlib import Path

import pytest
import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM

from alpaca_nb.finetuning.encode import encode_examples
from alpaca_nb.finetuning.settings import TrainingSettings
from alpaca_nb.finetuning.stage import train_in_processes
from alpaca_nb.models import load_model, load_tokenizer, model_folder
from alpaca_nb.records import Example

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device, and there is none here"),
]
BASE = "random-llama-1m"


def test_adapters_train_and_merge_on_a_gpu(tmp_path: Path) -> None:
    examples = [Example("Count.", ", ".join(map(str, range(n))), "one " * (1 + n % 5)) for n in range(16)]
    rows = list(encode_examples(examples, load_tokenizer(model_folder(BASE))).rows)
    settings = TrainingSettings(
        base_model=BASE, seed=17, number_of_processes=1, epochs=4, batch_size=6, learning_rate=2e-2, lora_rank=4
    )
    result = train_in_processes(tmp_path / "finetuning", settings, rows[:12], rows[12:])
    assert result.device.startswith("1 x") and result.precision == "bfloat16"
    assert result.held_out_loss_after < result.held_out_loss_before - 0.3
    ids = torch.tensor([[0, 300, 17, 5, 90, 200, 31]])
    base = load_model(model_folder(BASE), "float32")
    merged = AutoModelForCausalLM.from_pretrained(tmp_path / "model", dtype=torch.float32)
    with torch.no_grad():
        untuned = base(input_ids=ids).logits
        adapted = PeftModel.from_pretrained(base, tmp_path / "adapter")(input_ids=ids).logits
        torch.testing.assert_close(merged(input_ids=ids).logits, adapted, atol=0.2, rtol=0.05)  # rounded to bfloat16
        assert (adapted - untuned).abs().max() > 0.5
