"""A job for torchrun whose process 1 fails in the way its argument names, while process 0 waits for it."""

import os
import signal
import sys
from datetime import timedelta

import torch
import torch.distributed as dist

from alpaca_nb.finetuning.last_words import record


@record
def main() -> None:
    dist.init_process_group("gloo", timeout=timedelta(minutes=2))
    try:
        if dist.get_rank() == 0:
            print('PROGRESS {"step": 1, "steps": 2, "note": "half way"}', flush=True)
        if dist.get_rank() == 1 and sys.argv[1] == "raise":
            raise ValueError("row 7 is bad")
        if dist.get_rank() == 1 and sys.argv[1] == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        if dist.get_rank() == 1 and sys.argv[1] == "hang":
            signal.pause()
        dist.all_reduce(torch.zeros(1))
    finally:
        dist.destroy_process_group()


main()
