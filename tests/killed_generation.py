"""Generation that is killed again and again: `python killed_generation.py FOLDER URL ROWS CONCURRENCY KILLS SEED`.

This process imports everything once and forks each life, so that a death costs a few hundredths of a second. When a
life dies is drawn from the seed: after so many answers and a few milliseconds more, or anywhere while it starts. What
each death left behind is printed at the end as JSON: bytes on the disk, requests on their way, records lost.
"""

import asyncio
import json
import os
import random
import signal
import sys
import time
from pathlib import Path

from alpaca_nb.generation.seeds import read_seed_tasks
from alpaca_nb.generation.settings import GenerationSettings
from alpaca_nb.generation.stage import generate
from alpaca_nb.runs import KIT_FOLDER, Stage
from alpaca_nb.teacher.ledger import scan
from alpaca_nb.teacher.settings import TeacherSettings

STARTING_SECONDS = 0.1  # a life without a plan dies within this
LATER_SECONDS = 0.02  # after the answer that its death waits for
OUTCOMES = ("answer", "failed")


def settings_for(url: str, rows: int, concurrency: int) -> GenerationSettings:
    """One new task an answer, so that many requests are few rows."""
    teacher = TeacherSettings(url, "offline", 1.0, 500, 100.0, 17, price_usd_per_million="1,2")
    return GenerationSettings(teacher, 17, rows, tasks_per_request=4, concurrency=concurrency)


def run_once(folder: Path, settings: GenerationSettings) -> None:
    """Generate in this process, from the start or from where the last life ended."""
    seeds = read_seed_tasks(KIT_FOLDER / "alpaca_nb" / "seed_tasks" / "seed_tasks.jsonl")
    asyncio.run(generate(Stage("02_generate_data", folder, {}), settings, settings.way(seeds)))


def main() -> None:
    folder, url = Path(sys.argv[1]), sys.argv[2]
    rows, concurrency, kills, seed = map(int, sys.argv[3:])
    settings, chance = settings_for(url, rows, concurrency), random.Random(seed)
    endless = settings_for(url, 10 * rows, concurrency)  # of a life: however late its death comes, it has not finished
    ledger = folder / "generation" / "ledger.jsonl"
    gaps = [chance.paretovariate(1.2) for _ in range(kills)]  # most lives are short, a few are long
    answers_at_death = [int(0.95 * rows * sum(gaps[: life + 1]) / sum(gaps)) for life in range(kills)]
    report: dict[str, list[int]] = {"on_their_way": [], "answers": [], "lost_bytes": []}
    before = b""
    for wanted in answers_at_death:
        pid = os.fork()
        if pid == 0:
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            os.dup2(1, 2)
            run_once(folder, endless)
            os._exit(0)
        wait_for(ledger, wanted, chance)
        os.kill(pid, signal.SIGKILL)
        _, status = os.waitpid(pid, 0)
        assert os.WIFSIGNALED(status), f"life ended by itself with status {status}"
        now = ledger.read_bytes() if ledger.exists() else b""
        report["lost_bytes"].append(0 if now.startswith(before) else len(before))
        before = now[: now.rfind(b"\n") + 1]
        records = scan(before, "ledger").records
        report["answers"].append(sum(record["kind"] == "answer" for record in records))
        open_requests: set[object] = set()
        for record in records:
            if record["kind"] == "sent":
                open_requests.add(record["request"])
            elif record["kind"] in OUTCOMES:
                open_requests.discard(record["request"])
        report["on_their_way"].append(len(open_requests))
    run_once(folder, settings)
    report["lost_bytes"].append(0 if ledger.read_bytes().startswith(before) else len(before))
    print(json.dumps(report))


def wait_for(ledger: Path, answers: int, chance: random.Random) -> None:
    """Return at the moment of death: after so many answers and a little more, or somewhere in a life's beginning."""
    if count_answers(ledger) >= answers:
        time.sleep(chance.uniform(0, STARTING_SECONDS))
        return
    while count_answers(ledger) < answers:
        time.sleep(0.001)
    time.sleep(chance.uniform(0, LATER_SECONDS))


def count_answers(ledger: Path) -> int:
    return ledger.read_bytes().count(b'"kind":"answer"') if ledger.exists() else 0


if __name__ == "__main__":
    main()
