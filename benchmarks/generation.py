"""How much does the kit's own work add to asking? A whole run of stage 02 against a teacher that answers at once.

    python benchmarks/generation.py                       # about three minutes, two cores
    python benchmarks/generation.py --rows 5000 --no-write
    python benchmarks/generation.py --memory-only         # about forty seconds; other work does not change it

The teacher is a process of its own on loopback: it writes answers of sixteen tasks each from made-up instructions with
Alpaca's statistics (`instructions.py`), made before the clock starts. Ours is everything that a run does: ask, record
with fsync, parse, filter, novelty with the nearest neighbour, and the final files. Beside it, in the same run and
against the same teacher, the bare `openai` client sends the same requests at the same concurrency and throws the
answers away; that is the most that any generator built on it can reach on this machine.

Memory is measured before, in a process of its own: what is resident when 1,000, 2,000 and 4,000 answers are recorded.
Of an answer nothing stays but its rows' instructions with the words in the novelty filter's indexes (about 470 bytes a
row, 25 MB at Alpaca's 52,002), and where in the ledger it stands. Bodies are read from the ledger when they are wanted;
kept rows and rejected candidates go to files as they come.
"""

import argparse
import asyncio
import importlib.metadata
import json
import multiprocessing
import os
import platform
import tempfile
import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from multiprocessing.connection import Connection
from pathlib import Path

import psutil
from instructions import instructions

from alpaca_nb.files import write_json
from alpaca_nb.generation.seeds import read_seed_tasks
from alpaca_nb.generation.settings import GenerationSettings
from alpaca_nb.generation.stage import generate
from alpaca_nb.generation.ways import Way
from alpaca_nb.runs import KIT_FOLDER, Stage
from alpaca_nb.teacher.client import open_client
from alpaca_nb.teacher.settings import TeacherSettings

TASKS = 16  # in each answer, as the published generator gets at most
FIRST = 4
CONCURRENCY = 16
GOAL_PER_SECOND = 150
RESULTS = Path(__file__).resolve().parent / "results"
ALPACAS_ROWS = 52_002
MEMORY_AT = (1_000, 2_000, 4_000)  # responses
OUTPUT = "It is about the river, the bridge and the meadow; each of them has its own colour and its own sound. " * 2


@dataclass(frozen=True)
class Measured:
    """One whole run of ours."""

    seconds: float
    cpu_seconds: float  # of this process, the teacher's not counted
    responses: int
    rows: int
    candidates: int
    resident_megabytes: dict[int, float]  # of this process, by the number of answers recorded
    text_megabytes: float  # of the kept rows


def main() -> None:
    options = _options()
    print(f"writing {options.answers:,} answers of {TASKS} tasks …", flush=True)
    bodies = answer_bodies(options.answers, options.seed)
    with tempfile.TemporaryDirectory() as folder, Teacher(bodies) as teacher:
        memory = in_its_own_process(Path(folder) / "memory", teacher.base_url, options.memory_rows)
        if options.memory_only:
            _finish("generation_memory", _conditions(options) | {"memory": memory_of(memory)}, write=options.write)
            return
        ours = whole_run(Path(folder) / "run", teacher.base_url, options.rows)
        before = bare_client(teacher.base_url, ours.responses)
        again = whole_run(Path(folder) / "again", teacher.base_url, options.rows)
        after = bare_client(teacher.base_url, ours.responses)
    bare = (before + after) / 2
    seconds = (ours.seconds + again.seconds) / 2
    per_second = ours.responses / seconds
    result = _conditions(options) | {
        "responses": ours.responses,
        "rows_kept": ours.rows,
        "candidates": ours.candidates,
        "ours_seconds_of_each_run": [round(ours.seconds, 2), round(again.seconds, 2)],
        "ours_cpu_milliseconds_per_response": round(
            1000 * (ours.cpu_seconds + again.cpu_seconds) / 2 / ours.responses, 2
        ),
        "responses_per_second": round(per_second, 1),
        "goal_per_second": GOAL_PER_SECOND,
        "bare_client_responses_per_second_of_each_run": [round(before, 1), round(after, 1)],
        "share_of_the_bare_client": round(per_second / bare, 3),
        "own_milliseconds_per_response": round(1000 * (1 / per_second - 1 / bare), 2),
        "seconds_of_ours_for_52002_rows": round(seconds * ALPACAS_ROWS / ours.rows, 1),
        "memory": memory_of(memory),
    }
    _finish("generation", result, write=options.write)


def _conditions(options: argparse.Namespace) -> dict[str, object]:
    return {
        "what": "a whole run of stage 02 (ask, fsync, parse, filter, novelty, files), teacher in a process of its own",
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "hardware": {"cpu": platform.processor() or platform.machine(), "cores": os.cpu_count()},
        "load_average_at_end": os.getloadavg()[0],
        "versions": {"python": platform.python_version()}
        | {name: importlib.metadata.version(name) for name in ("openai", "numpy", "rapidfuzz")},
        "config": {"rows": options.rows, "tasks_per_answer": TASKS, "concurrency": CONCURRENCY, "seed": options.seed},
    }


def _finish(name: str, result: dict[str, object], *, write: bool) -> None:
    print(json.dumps(result, indent=2))
    if write:
        print(write_json(RESULTS / f"{name}_{datetime.now(UTC):%Y-%m-%d}.json", result))


def whole_run(folder: Path, base_url: str, rows: int) -> Measured:
    """Stage 02 from an empty folder; memory is sampled beside it."""
    teacher = TeacherSettings(base_url, "instant", 1.0, 3072, 0.0, 17)
    settings = GenerationSettings(teacher, 17, rows, concurrency=CONCURRENCY, protocol="numbered")
    memory = MemoryCurve(folder / "generation" / "ledger.jsonl")
    way = _way(settings)
    began, cpu = time.perf_counter(), time.process_time()
    with memory:
        made = asyncio.run(generate(Stage("02_generate_data", folder, {}), settings, way))
    seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
    candidates = len(made.folded.kept) + len(made.folded.rejected)
    answers = made.totals.answers
    kept = [vars(row.example).values() for row in made.folded.kept]
    text = sum(len(field.encode()) for row in kept for field in row) / 1e6
    return Measured(seconds, cpu, answers, len(kept), candidates, memory.at(answers), text)


def in_its_own_process(folder: Path, base_url: str, rows: int) -> Measured:
    """The same in a fresh process, so that nothing that was freed before is used again."""
    fork = multiprocessing.get_context("fork")
    ours, theirs = fork.Pipe()
    process = fork.Process(target=lambda: theirs.send(whole_run(folder, base_url, rows)))
    process.start()
    measured: Measured = ours.recv()
    process.join()
    return measured


def memory_of(measured: Measured) -> dict[str, object]:
    """The part of the result that tells of memory."""
    (first, low), (last, high) = min(measured.resident_megabytes.items()), max(measured.resident_megabytes.items())
    gained = (high - low) / (last - first) * 1000 if last > first else float("nan")
    return {
        "responses": measured.responses,
        "rows_kept": measured.rows,
        "resident_megabytes_by_responses": {str(at): round(mb, 1) for at, mb in measured.resident_megabytes.items()},
        "megabytes_gained_per_thousand_responses": round(gained, 2),
        "megabytes_of_row_text_per_thousand_responses": round(1000 * measured.text_megabytes / measured.responses, 2),
    }


def bare_client(base_url: str, requests: int) -> float:
    """Requests per second of the `openai` client alone, with the same prompts at the same concurrency."""
    settings = GenerationSettings(TeacherSettings(base_url, "instant", 1.0, 3072, 0.0, 17), 17, 1, protocol="numbered")
    way = _way(settings)

    async def work() -> None:
        numbers = iter(range(requests))
        async with open_client(base_url, 60.0) as client:

            async def worker() -> None:
                for number in numbers:
                    prompt = way.questions(number)[0].prompt
                    await client.chat.completions.with_raw_response.create(
                        model="instant", messages=[{"role": "user", "content": prompt}], max_tokens=3072
                    )

            await asyncio.gather(*(worker() for _ in range(CONCURRENCY)))

    began = time.perf_counter()
    asyncio.run(work())
    return requests / (time.perf_counter() - began)


def answer_bodies(answers: int, seed: int) -> list[bytes]:
    """HTTP responses, whole: the head and a chat completion with sixteen numbered tasks."""
    texts = instructions(answers * TASKS, seed)
    bodies = []
    for start in range(0, len(texts), TASKS):
        items = [
            f"{n}. Instruction: {text}\n{n}. Input: <noinput>\n{n}. Output: {OUTPUT}"
            for n, text in enumerate(texts[start : start + TASKS], start=FIRST)
        ]
        content = "\n###\n".join(items).removeprefix(f"{FIRST}. Instruction:")
        message = {"index": 0, "message": {"role": "assistant", "content": content}, "finish_reason": "stop"}
        usage = {"prompt_tokens": 700, "completion_tokens": 1500, "total_tokens": 2200}
        value = {"id": "x", "object": "chat.completion", "model": "instant", "choices": [message], "usage": usage}
        body = json.dumps(value).encode()
        head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        bodies.append(head.encode() + body)
    return bodies


class Teacher:
    """The teacher's process; request n gets answer n, whatever it asks."""

    def __init__(self, bodies: list[bytes]) -> None:
        self._bodies = bodies

    def __enter__(self) -> "Teacher":
        ours, theirs = multiprocessing.get_context("fork").Pipe()
        self._process = multiprocessing.get_context("fork").Process(target=_serve, args=(self._bodies, theirs))
        self._process.start()
        self.base_url = f"http://127.0.0.1:{ours.recv()}/v1"
        return self

    def __exit__(self, *arguments: object) -> None:
        self._process.terminate()
        self._process.join()


def _serve(bodies: list[bytes], connection: Connection) -> None:
    count = 0

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal count
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                lower = head.lower()
                start = lower.index(b"content-length:") + 15
                await reader.readexactly(int(lower[start : lower.index(b"\r\n", start)]))
                writer.write(bodies[count % len(bodies)])
                count += 1
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    async def serve() -> None:
        server = await asyncio.start_server(handle, "127.0.0.1", 0)
        connection.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(serve())


class MemoryCurve:
    """Resident memory of this process against the ledger's size, sampled twenty times a second."""

    def __init__(self, ledger: Path) -> None:
        self._ledger, self._samples, self._stop = ledger, list[tuple[int, int]](), threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)

    def __enter__(self) -> "MemoryCurve":
        self._thread.start()
        return self

    def __exit__(self, *arguments: object) -> None:
        self._stop.set()
        self._thread.join()

    def _sample(self) -> None:
        process = psutil.Process()
        while not self._stop.wait(0.05):
            if self._ledger.exists():
                self._samples.append((self._ledger.stat().st_size, process.memory_info().rss))

    def at(self, responses: int) -> dict[int, float]:
        """Megabytes resident when so many of all `responses` were recorded; the ledger grows evenly with them."""
        largest = self._samples[-1][0]
        found = {}
        for wanted in (at for at in MEMORY_AT if at <= responses):
            size = largest * wanted / responses
            found[wanted] = next(rss for at, rss in self._samples if at >= size) / 1e6
        return found


def _way(settings: GenerationSettings) -> Way:
    return settings.way(read_seed_tasks(KIT_FOLDER / "alpaca_nb" / "seed_tasks" / "seed_tasks.jsonl"))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=ALPACAS_ROWS)
    parser.add_argument("--memory-rows", type=int, default=57_000, help="rows of the run whose memory is measured")
    parser.add_argument("--answers", type=int, default=5_500, help="how many the teacher has ready")
    parser.add_argument("--seed", type=int, default=17)
    parser.add_argument("--memory-only", action="store_true", help="the run whose memory is measured, and no other")
    parser.add_argument("--no-write", dest="write", action="store_false", help="print the result only")
    return parser.parse_args()


if __name__ == "__main__":
    main()
