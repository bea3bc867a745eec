"""The command as a user types it: answers at once, says what is wrong in one line, and exits with the right status."""

import dataclasses
import subprocess
import sys
from pathlib import Path

import pytest

from alpaca_nb import __version__, check, cli, recipes
from alpaca_nb.run_progress import as_called
from alpaca_nb.runs import STAGES, StageRecord
from alpaca_nb.summary import Outcome, caveat, key_metric, summary_table

HEAVY = ("torch", "papermill", "transformers", "numpy", "nbformat", "matplotlib", "yaml")


def run_cli(*arguments: str, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "alpaca_nb.cli", *arguments], capture_output=True, text=True, cwd=folder, timeout=120
    )


def test_import_is_light() -> None:
    code = f"import sys, alpaca_nb.cli; print([name for name in {HEAVY} if name in sys.modules])"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert answer.stdout.strip() == "[]"


@pytest.mark.parametrize("command", [[], ["run"], ["recipes"], ["check"], ["teacher"]])
def test_help(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main([*command, "--help"])
    assert ended.value.code == 0
    assert "usage: alpaca-nb" in capsys.readouterr().out


def test_the_bare_command_shows_what_there_is(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main([]) == 2
    assert "first steps:" in capsys.readouterr().out


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(["--version"])
    assert ended.value.code == 0
    assert capsys.readouterr().out.strip() == f"alpaca-nb {__version__}"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", "tinny"], "unknown recipe 'tinny' (did you mean 'tiny'?)"),
        (["run", "smoke", "-p", "sead=4"], "unknown parameter 'sead' (did you mean 'seed'?)"),
        (["run", "smoke", "-p", "seed=four"], "seed: 'four' is not a whole number"),
        (["run", "smoke", "-p", "seed"], "write it as name=value"),
        (["run", "smoke", "-p", "api_key=sk-0123456789abcdef"], "OPENAI_API_KEY instead"),
        (["run", "smoke", "--from", "9"], "unknown stage '9'"),
        (["run", "smoke", "--from", "05", "--until", "02"], "--from 05 comes after --until 02"),
        (["run", "smoke", "--from", "05"], "stage 05_blind_comparison reads questions.jsonl and answers.jsonl"),
        (["run", "smoke", "--from", "03", "-p", "dataset_path=no.json"], "dataset_path: nothing at no.json"),
        (["run", "smoke", "--cell-timeout", "0"], "must be a positive whole number"),
        (["walk"], "invalid choice: 'walk'"),
        (["teacher", "--latency", "-1"], "--latency: must be a number from 0 on"),
        (["teacher", "--latency", "nan"], "--latency: must be a number from 0 on"),
        (["teacher", "--requests-per-minute", "-5"], "--requests-per-minute: must be 0, 1, 2"),
        (["teacher", "--tokens-per-minute", "many"], "--tokens-per-minute: must be 0, 1, 2"),
        (
            ["teacher", "--model", "smollm2-135m", "--fault", "500", "--latency", "1"],
            "--fault, --latency: only the off",
        ),
        (["lab", "--notebooks", "nofolder"], "nofolder holds no 01_seed_tasks.ipynb"),
    ],
)
def test_bad_input_is_one_line_and_status_2(arguments: list[str], message: str, tmp_path: Path) -> None:
    run_dir = ["--run-dir", str(tmp_path / "run")] if arguments[0] == "run" else []
    answer = run_cli(*arguments, *run_dir, folder=tmp_path)
    assert answer.returncode == 2
    assert message in answer.stderr
    assert "Traceback" not in answer.stderr
    assert "0123456789abcdef" not in answer.stderr
    assert answer.stdout == ""
    assert list(tmp_path.iterdir()) == []


def test_recipes_lists_each_with_its_comment(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["recipes"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == [path.stem for path in sorted(recipes.RECIPES_FOLDER.glob("*.yaml"))]
    assert all(len(line.split()) > 5 for line in lines)


def test_check_says_what_is_missing() -> None:
    assert check.package_finding("no-such-package", "1.2").text == (
        "no-such-package is not installed: pip install no-such-package==1.2"
    )
    assert check.package_finding("no-such-package", "1.2").level == "fail"
    assert check.package_finding("pyyaml").level == "ok"
    assert "(tested with 0.1)" in check.package_finding("pyyaml", "0.1").text


def test_check_reports_a_package_that_does_not_load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "brokenwheel.py").write_text("raise OSError('libfoo.so:\\n  cannot open')")
    (tmp_path / "brokenwheel-1.0.dist-info").mkdir()
    (tmp_path / "brokenwheel-1.0.dist-info" / "METADATA").write_text("Name: brokenwheel\nVersion: 1.0\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    finding = check.package_finding("brokenwheel")
    assert (finding.level, finding.text) == (
        "fail",
        "brokenwheel 1.0 does not load: OSError: libfoo.so: cannot open "
        "(try: pip install --force-reinstall --no-deps brokenwheel==1.0)",
    )


def test_check_knows_the_tested_versions() -> None:
    tested = check.tested_versions()
    assert {"torch", "papermill", "openai"} <= tested.keys()


def record(stage: str, **metrics: object) -> StageRecord:
    return StageRecord(stage, "done", "2026-01-01", 1.0, {}, {}, {}, {}, metrics, {}, "", "")  # type: ignore[arg-type]


def test_summary_shows_the_key_metric_and_forgives_its_absence() -> None:
    loss = record(STAGES[2], held_out_loss_before=4.0, held_out_loss_after=2.5)
    verdict = {"untuned": 0.1, "tuned": 0.7, "difference": 0.6, "interval": [0.5, 0.68]}
    both = {"strict": verdict, "lenient": {**verdict, "untuned": 0.4}}
    assert key_metric(loss) == "held-out loss 4.000 → 2.500"
    assert "untuned 10%, tuned 70% (difference +50% to +68%)" in key_metric(record(STAGES[4], strict=verdict))
    assert key_metric(record(STAGES[4], **both)).endswith("; in any form 40%, 70%")
    assert key_metric(record(STAGES[4])) == ""
    assert key_metric(None) == ""
    table = summary_table([Outcome(STAGES[2], "done", 12.34, loss), Outcome(STAGES[3], "not run", 0.0, None)])
    assert table.splitlines()[2:] == [
        "03_finetune_fsdp  done        12.3  held-out loss 4.000 → 2.500",
        "04_inference      not run",
    ]


def test_a_gain_in_format_is_said_to_be_one() -> None:
    verdict = record(STAGES[4], strict={"untuned": 0.1, "tuned": 0.7, "difference": 0.6, "interval": [0.5, 0.68]})

    def beside(base_model: str, *others: StageRecord) -> str:
        answered = dataclasses.replace(record(STAGES[3]), parameters={"base_model": base_model})
        return caveat([Outcome(item.stage, "done", 1.0, item) for item in (answered, *others)])

    assert "re-tuned" in beside("smollm2-135m", verdict)
    assert "random" in beside("random-llama-1m", verdict)
    assert beside("HuggingFaceTB/SmolLM2-135M", verdict) == ""
    assert beside("smollm2-135m") == "", "nothing to explain before the comparison"


def test_the_next_command_is_named_as_the_caller_typed_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "alpaca-nb"
    program.write_text("")
    program.chmod(0o755)
    for path, typed, named in (
        ("", ".venv/bin/alpaca-nb", str(Path(".venv/bin/alpaca-nb"))),  # `make run`: nothing is activated
        (str(tmp_path), str(program), "alpaca-nb"),  # found by the shell
        ("", "somewhere/cli.py", "alpaca-nb"),  # python -m
    ):
        monkeypatch.setenv("PATH", path)
        monkeypatch.setattr(sys, "argv", [typed, "check"])
        assert as_called() == named
