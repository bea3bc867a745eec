"""The training process, with a death at an exact place: when process 0 is about to say a certain line of progress.

`DEADLY_LINE` is how that line begins ("4 writing"), `DYING_RANK` which process is killed, and `PIDS` a folder in which
each notes its number. The killing happens before process 0 goes on, so no machine is too slow or too fast for it.
"""

import json
import os
import signal
import sys
from pathlib import Path
from typing import TextIO

from alpaca_nb.finetuning.launch import PROGRESS_MARK
from alpaca_nb.finetuning.train import main

PIDS = Path(os.environ["PIDS"])


class Watched:
    """A stream that kills a process at a line of progress, which still gets out."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream

    def write(self, text: str) -> int:
        written = self.stream.write(text)
        if text.startswith(PROGRESS_MARK):
            said = json.loads(text.removeprefix(PROGRESS_MARK))
            if f"{said['step']} {said['note']}".startswith(os.environ["DEADLY_LINE"]):
                self.stream.flush()
                os.kill(int((PIDS / os.environ["DYING_RANK"]).read_text()), signal.SIGKILL)
        return written

    def __getattr__(self, name: str) -> object:
        return getattr(self.stream, name)


(PIDS / os.environ["RANK"]).write_text(str(os.getpid()))
sys.stdout = Watched(sys.stdout)  # type: ignore[assignment]
main()
