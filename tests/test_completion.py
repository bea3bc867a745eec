"""The Tab key: a real bash with the script that `alpaca-nb completion bash` prints."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from alpaca_nb import cli
from alpaca_nb.completion import SHELLS

ASK = """
eval "$(alpaca-nb completion bash)"
COMP_LINE="$1"; COMP_POINT=${#COMP_LINE}; COMP_TYPE=9
read -ra COMP_WORDS <<< "$COMP_LINE"
[[ "$COMP_LINE" == *" " ]] && COMP_WORDS+=("")
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
_python_argcomplete alpaca-nb "${COMP_WORDS[COMP_CWORD]}"
printf '%s\\n' "${COMPREPLY[@]}"
"""


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """A folder with `alpaca-nb` in it, this Python's."""
    script = tmp_path / "alpaca-nb"
    script.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m alpaca_nb.cli "$@"\n')
    script.chmod(0o755)
    return tmp_path


def completed(program: Path, line: str) -> set[str]:
    environment = {"PATH": f"{program}:/usr/bin:/bin", "PYTHONPATH": str(Path(cli.__file__).parent.parent)}
    answer = subprocess.run(
        ["bash", "-c", ASK, "bash", line], capture_output=True, text=True, env=environment, timeout=120, check=True
    )
    return {word.strip() for word in answer.stdout.splitlines()}


@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not installed")
def test_commands_recipes_parameters_and_stages(program: Path) -> None:
    assert {"run", "recipes", "check", "lab", "chat"} <= completed(program, "alpaca-nb ")
    assert completed(program, "alpaca-nb run t") == {"tiny"}
    assert completed(program, "alpaca-nb run tiny -p learning") == {"learning_rate="}
    assert completed(program, "alpaca-nb run tiny --until 0") == {"01", "02", "03", "04", "05", "06"}


@pytest.mark.parametrize("shell", SHELLS)
def test_every_shell_gets_its_script(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["completion", shell]) == 0
    assert "alpaca-nb" in capsys.readouterr().out
