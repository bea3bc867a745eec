"""Run folders with hand-made stage records, for the tests of the cost room and the report."""

from pathlib import Path

from alpaca_nb.files import write_json
from alpaca_nb.record_files import write_records
from alpaca_nb.records import Answer, CheckableTask, Verdict
from alpaca_nb.runs import record_path

ONE_PIXEL_PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
    "1f15c4890000000d49444154789c6360000002000001e221bc330000000049454e44ae426082"
)
HOSTILE = "<script>alert('boo')</script><img src=x onerror=alert(1)> & \"quoted\""
METRICS: dict[str, dict[str, object]] = {
    "01_seed_tasks": {"tasks": 175},
    "02_generate_data": {
        "teacher": "offline",
        "teacher_model": "offline",
        "requests": 70,
        "candidates": 1050,
        "rows": 700,
        "rejected": {"too_similar": 300, "keyword": 50},
        "prompt_tokens": 53_550,
        "completion_tokens": 123_200,
        "usd": 1.25,
    },
    "03_finetune_fsdp": {
        "base_model": "smollm2-135m",
        "rows_trained": 660,
        "rows_held_out": 40,
        "tokens_trained": 66_000,
        "held_out_loss_before": 2.5,
        "held_out_loss_after": 0.5,
        "training_seconds": 220.0,
        "tokens_per_second": 300.0,
    },
    "04_inference": {"questions": 2},
    "05_blind_comparison": {
        "questions": 2,
        "lenient": {
            "untuned": 0.25,
            "tuned": 0.75,
            "difference": 0.5,
            "interval": [0.4, 0.6],
            "wins": 60,
            "losses": 10,
            "ties": 30,
        },
    },
}


def make_record(
    run_dir: Path, stage: str, *, seconds: float = 3600.0, device: str = "CPU, 2 cores, x86_64, Linux"
) -> None:
    """Write the record of one stage, with one figure."""
    figure = f"figures/{stage[:2]}_one.png"
    (run_dir / "figures").mkdir(parents=True, exist_ok=True)
    (run_dir / figure).write_bytes(ONE_PIXEL_PNG)
    record = {
        "stage": stage,
        "status": "done",
        "started": "2026-11-22T12:00:00+00:00",
        "seconds": seconds,
        "parameters": {"seed": 17, "dataset_path": "/home/somebody/data/rows.json"},
        "inputs": {},
        "outputs": {},
        "figures": {figure: f'a figure of {stage} & "its" <numbers>'},
        "metrics": METRICS[stage],
        "versions": {"python": "3.11.7"},
        "device": device,
        "commit": "abc123",
    }
    write_json(record_path(run_dir, stage), record)


def make_answers(run_dir: Path) -> None:
    """Two questions with answers and verdicts; the untuned model's answers are hostile."""
    tasks = [
        CheckableTask(f"q{i}", "capital_city", "Capital of Italy?", HOSTILE, "Rome", ("Rome",), "exact") for i in (0, 1)
    ]
    write_records(run_dir / "questions.jsonl", tasks)
    answers = [Answer(f"q{i}", "untuned", HOSTILE, 9, 0.1, "length") for i in (0, 1)]
    answers += [Answer(f"q{i}", "tuned", "Rome", 2, 0.1, "stop") for i in (0, 1)]
    write_records(run_dir / "answers.jsonl", answers)
    verdicts = [
        Verdict("q0", "lenient", "tuned", "tuned", True, False),
        Verdict("q1", "lenient", "tuned", "tie", True, True),
    ]
    write_records(run_dir / "comparison.jsonl", verdicts)
