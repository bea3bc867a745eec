"""No child outlives the one who started it, however that one ends."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from alpaca_nb import processes

# A child that ignores polite requests and starts a child of its own; both wait for ever.
STUBBORN = (
    "import signal, subprocess, sys, time\n"
    "for s in (signal.SIGINT, signal.SIGTERM): signal.signal(s, signal.SIG_IGN)\n"
    "grandchild = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
    "print(grandchild.pid, flush=True)\n"
    "time.sleep(600)\n"
)


def gone(pid: int) -> bool:
    """Wait for a process of somebody else to end; a zombie counts as ended."""
    try:
        process = psutil.Process(pid)
        if process.status() != psutil.STATUS_ZOMBIE:
            process.wait(timeout=120)
    except psutil.NoSuchProcess:
        return True
    except psutil.TimeoutExpired:
        return process.status() == psutil.STATUS_ZOMBIE
    return True


@pytest.mark.skipif(os.name != "posix", reason="process groups are a POSIX matter")
def test_stop_ends_a_stubborn_child_and_its_child() -> None:
    child = processes.start([sys.executable, "-c", STUBBORN])
    assert child.stdout is not None
    grandchild = int(child.stdout.readline())
    processes.stop(child, grace_seconds=0.2)
    assert child.poll() is not None and gone(grandchild)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child that its parent died")
def test_a_child_ends_when_its_parent_is_killed(tmp_path: Path) -> None:
    code = (
        "import sys, time; from alpaca_nb import processes\n"
        "child = processes.start([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
        "print(child.pid, flush=True); time.sleep(600)\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    assert psutil.pid_exists(child)
    os.kill(parent.pid, signal.SIGKILL)
    parent.communicate()
    assert gone(child)


def test_the_environment_is_added_and_output_is_text() -> None:
    child = processes.start(
        [sys.executable, "-c", "import os; print(os.environ['GREETING'])"], environment={"GREETING": "é"}
    )
    output, _ = child.communicate()
    assert output == "é\n" and child.returncode == 0
