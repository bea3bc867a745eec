"""One step of `transformers.Trainer` on padded rows and of this kit on packed rows: loss, norm and new weights."""

from pathlib import Path

import pytest
import torch

from alpaca_nb.finetuning.attention import use_packed_attention
from alpaca_nb.finetuning.encode import encode_examples
from alpaca_nb.finetuning.packing import pack, summed_loss
from alpaca_nb.finetuning.with_trainer import trainer_for
from alpaca_nb.models import load_model, load_tokenizer, model_folder
from alpaca_nb.records import Example

BASE = model_folder("random-llama-1m")


@pytest.mark.parametrize("numbers", [1, 8])
def test_a_step_is_the_same(tmp_path: Path, numbers: int, capsys: pytest.CaptureFixture[str]) -> None:
    tokenizer = load_tokenizer(BASE)
    examples = [Example("Count.", ", ".join(map(str, range(3 * n))), "one " * (1 + 2 * n)) for n in range(numbers)]
    rows = encode_examples(examples, tokenizer).rows
    trainer = trainer_for(load_model(BASE, "float32"), rows, tokenizer, tmp_path, learning_rate=1e-3)
    theirs = trainer.train().training_loss
    (log,) = [line for line in trainer.state.log_history if "grad_norm" in line]

    model = load_model(BASE, "float32").train()
    use_packed_attention(model)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0.0)
    loss = summed_loss(model, pack(rows)) / sum(row.learned_tokens for row in rows)
    loss.backward()
    norm = torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()

    assert theirs == pytest.approx(loss.item(), rel=1e-5)
    assert log["grad_norm"] == pytest.approx(norm.item(), rel=1e-3)
    for mine, other in zip(model.parameters(), trainer.model.parameters(), strict=True):
        torch.testing.assert_close(mine, other, atol=2e-4, rtol=0)
        assert (mine - other).abs().mean() < 1e-5
    assert list(tmp_path.iterdir()) == []
