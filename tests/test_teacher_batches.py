"""The Batch API end to end, over sockets: half the price, every way to end, and nothing ordered twice after a crash."""

import asyncio
import json
from collections import Counter
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from manual_clock import ManualClock
from served_teacher import SEED, served_teacher

from alpaca_nb.costs.ledger_bill import bill_of_ledger
from alpaca_nb.errors import BudgetError, KitError, LedgerError, TeacherError
from alpaca_nb.files import Json
from alpaca_nb.generation.seeds import read_seed_tasks
from alpaca_nb.generation.settings import GenerationSettings
from alpaca_nb.generation.stage import generate
from alpaca_nb.offline_teacher.api import Request, Teacher
from alpaca_nb.offline_teacher.response import Response
from alpaca_nb.offline_teacher.text_endpoint import TextEndpoint
from alpaca_nb.prices import Price
from alpaca_nb.runs import Stage
from alpaca_nb.seed_tasks.stage import KIT_SEED_TASKS
from alpaca_nb.teacher.answers import TeacherAnswer
from alpaca_nb.teacher.batch_files import Results, read_results
from alpaca_nb.teacher.ledger import scan
from alpaca_nb.teacher.question import Question
from alpaca_nb.teacher.recorded import RecordedTeacher, open_teacher, recorded_answers
from alpaca_nb.teacher.settings import TeacherSettings
from alpaca_nb.teacher.totals import read_totals

PRICE = Price("offline", 1.0, 2.0, "2026-01-01", "test", batch_factor=0.5)
COUNT = 7


class CountingTeacher(Teacher):
    """The offline teacher, with a list of faults for the batches to come and a count of the work it did."""

    def __init__(self, *faults: str) -> None:
        super().__init__(TextEndpoint(SEED))
        coming = list(faults)
        self.batches.befall = lambda content, number: coming.pop(0) if coming else ""
        self.worked: Counter[str] = Counter()
        self.spoil = lambda request, response: response

    def _work_in_batch(self, endpoint: str, body: dict[str, Json]) -> tuple[int, Json]:
        self.worked[json.dumps(body)] += 1
        return super()._work_in_batch(endpoint, body)

    def respond(self, request: Request) -> Response:
        return self.spoil(request, super().respond(request))  # type: ignore[no-any-return]


def settings_for(url: str, **changes: object) -> TeacherSettings:
    base = TeacherSettings(url, "offline", 1.0, 100, 1.0, 17, first_wait_seconds=0.001, max_attempts=3)
    return replace(base, service_tier="batch", **changes)  # type: ignore[arg-type]


def ask(settings: TeacherSettings, ledger: Path, count: int = COUNT) -> tuple[list[TeacherAnswer], RecordedTeacher]:
    async def run() -> tuple[list[TeacherAnswer], RecordedTeacher]:
        async with open_teacher(settings, ledger, {}, price=PRICE, clock=ManualClock()) as teacher:
            asked = [teacher.answer(index, Question(f"Hello {index}", stop=("7.",))) for index in range(count)]
            results = await asyncio.gather(*asked, return_exceptions=True)
            errors = [result for result in results if isinstance(result, BaseException)]
            if errors:
                raise errors[0]
            return [result for result in results if isinstance(result, TeacherAnswer)], teacher

    return asyncio.run(run())


def states(ledger: Path) -> list[object]:
    return [r.get("state") for r in scan(ledger.read_bytes(), "").records if r["kind"] == "batch"]


def test_a_batch_answers_as_single_requests_do_at_half_the_price(tmp_path: Path) -> None:
    teacher = CountingTeacher()
    with served_teacher(teacher) as url:
        batched, by_batch = ask(settings_for(url), tmp_path / "batch.jsonl")
        single, one_by_one = ask(replace(settings_for(url), service_tier=""), tmp_path / "single.jsonl")
        again, _ = ask(settings_for(url), tmp_path / "batch.jsonl")
    assert batched == again == recorded_answers(tmp_path / "batch.jsonl")
    assert batched == [replace(answer, service_tier="") for answer in single]
    assert by_batch.budget.spent_usd * 2 == one_by_one.budget.spent_usd > 0
    assert by_batch.budget.reserved_usd == 0
    assert states(tmp_path / "batch.jsonl") == ["planned", "created", "ended"]
    assert len(teacher.batches.newest_first()) == 1
    assert read_totals(tmp_path / "batch.jsonl", PRICE).usd == by_batch.budget.spent_usd


@pytest.mark.parametrize(
    ("faults", "batches"),
    [
        (["batch-partial"], 2),
        (["batch-expired"], 2),
        (["batch-expired", "batch-partial"], 3),
        (["batch-errors-only"], 2),
        (["batch-failed"], 3),  # too large: once more in halves, of 3 and then of 4
    ],
    ids=lambda value: "+".join(value) if isinstance(value, list) else "",
)
def test_what_a_batch_left_open_is_asked_in_the_next(tmp_path: Path, faults: list[str], batches: int) -> None:
    teacher = CountingTeacher(*faults)
    with served_teacher(teacher) as url:
        answers, by_batch = ask(settings_for(url), tmp_path / "ledger.jsonl")
        wanted, _ = ask(settings_for(url), tmp_path / "other.jsonl")
    assert answers == wanted
    assert len(teacher.batches.newest_first()) >= batches + 1
    assert set(teacher.worked.values()) == {2}, "once for this ledger and once for the other: nothing was paid twice"
    assert by_batch.budget.spent_usd == read_totals(tmp_path / "ledger.jsonl", PRICE).usd


@pytest.mark.parametrize(
    ("faults", "words"),
    [
        (["batch-errors-only"] * 3, "given up after 3 batches; the last one: HTTP 500"),
        (["batch-cancelled"], "was cancelled at the endpoint"),
        (["batch-failed"] * 9, "refused batch .* which cost nothing: token_limit_exceeded"),
    ],
)
def test_an_end_that_cannot_be_mended_is_a_clear_error_and_the_next_run_goes_on(
    tmp_path: Path, faults: list[str], words: str
) -> None:
    teacher = CountingTeacher(*faults)
    with served_teacher(teacher) as url:
        with pytest.raises(TeacherError, match=words):
            ask(settings_for(url), tmp_path / "ledger.jsonl")
        teacher.batches.befall = lambda content, number: ""
        answers, by_batch = ask(settings_for(url), tmp_path / "ledger.jsonl")
    assert len(answers) == COUNT and by_batch.budget.reserved_usd == 0
    assert set(teacher.worked.values()) == {1}


def test_after_a_crash_at_any_record_nothing_is_ordered_twice(tmp_path: Path) -> None:
    teacher = CountingTeacher("batch-partial")
    with served_teacher(teacher) as url:
        wanted, _ = ask(settings_for(url), tmp_path / "whole.jsonl")
        lines = (tmp_path / "whole.jsonl").read_bytes().splitlines(keepends=True)
        spent = read_totals(tmp_path / "whole.jsonl", PRICE).usd
        second_plan = next(n for n, line in enumerate(lines) if n > 3 and b'"planned"' in line)
        for kept in range(3, len(lines) + 1):  # header, price and the first plan at least
            before, path = teacher.worked.total(), tmp_path / f"{kept}.jsonl"
            path.write_bytes(b"".join(lines[:kept]))
            answers, by_batch = ask(settings_for(url), path)
            assert answers == wanted
            assert by_batch.budget.spent_usd == read_totals(path, PRICE).usd == spent, f"after {kept} records"
            assert by_batch.budget.reserved_usd == 0
            new_work = teacher.worked.total() - before
            assert new_work == (2 if kept <= second_plan else 0), "only what no plan of this ledger ordered"


def test_a_planned_batch_that_never_came_to_be_is_created_under_its_own_key(tmp_path: Path) -> None:
    first, second = CountingTeacher(), CountingTeacher()
    with served_teacher(first) as url:
        ask(settings_for(url), tmp_path / "ledger.jsonl")
    lines = (tmp_path / "ledger.jsonl").read_bytes().splitlines(keepends=True)
    (tmp_path / "ledger.jsonl").write_bytes(b"".join(lines[:3]))
    with served_teacher(second) as url:
        answers, _ = ask(settings_for(url), tmp_path / "ledger.jsonl")
        assert len(answers) == COUNT and states(tmp_path / "ledger.jsonl") == ["planned", "created", "ended"]
        (tmp_path / "ledger.jsonl").write_bytes(b"".join(lines[:3]))
    with served_teacher(CountingTeacher()) as url:
        fewer, by_batch = ask(settings_for(url), tmp_path / "ledger.jsonl", count=2)  # not all of its questions
    assert len(fewer) == 2 and by_batch.budget.reserved_usd == 0
    assert states(tmp_path / "ledger.jsonl") == ["planned", "ended", "planned", "created", "ended"]


@pytest.mark.parametrize("tier", ["batch", ""])
def test_a_batch_of_the_kits_own_teacher_which_ended_with_its_run_is_asked_again(tmp_path: Path, tier: str) -> None:
    settings, ledger = settings_for(""), tmp_path / "ledger.jsonl"  # each run starts a teacher of its own
    wanted, _ = ask(settings, ledger)
    ledger.write_bytes(b"".join(ledger.read_bytes().splitlines(keepends=True)[:4]))  # killed when it was created
    answers, again = ask(replace(settings, service_tier=tier), ledger)
    assert [answer.text for answer in answers] == [answer.text for answer in wanted]
    assert again.budget.reserved_usd == 0 and again.totals.answers == COUNT


def test_a_server_that_was_restarted_and_forgot_the_batch_is_told_so(tmp_path: Path) -> None:
    ledger = tmp_path / "ledger.jsonl"
    with served_teacher(CountingTeacher()) as url:
        ask(settings_for(url), ledger)
    ledger.write_bytes(b"".join(ledger.read_bytes().splitlines(keepends=True)[:4]))  # killed when it was created
    with served_teacher(CountingTeacher()) as url, pytest.raises(TeacherError, match="restarted forgets its batches"):
        ask(settings_for(url), ledger)


def test_a_creation_whose_answer_is_lost_is_found_by_its_key(tmp_path: Path) -> None:
    teacher, lost = CountingTeacher(), []

    def lose_the_first(request: Request, response: Response) -> Response:
        if (request.method, request.path) == ("POST", "/v1/batches") and not lost:
            lost.append(request)
            return Response(502, b"<html>bad gateway</html>", content_type="text/html")
        return response

    teacher.spoil = lose_the_first
    with served_teacher(teacher) as url:
        answers, _ = ask(settings_for(url), tmp_path / "ledger.jsonl")
    assert len(answers) == COUNT and lost and len(teacher.batches.newest_first()) == 1


@pytest.mark.parametrize(("cuts", "worked"), [(2, 1), (3, 2)])
def test_a_file_that_comes_cut_is_fetched_again_then_its_missing_lines_count_as_paid(
    tmp_path: Path, cuts: int, worked: int
) -> None:
    teacher, left = CountingTeacher(), [None] * cuts

    def cut(request: Request, response: Response) -> Response:
        if request.path.endswith("/content") and left:
            left.pop()
            return replace(response, body=response.body[: len(response.body) // 2])
        return response

    teacher.spoil = cut
    with served_teacher(teacher) as url:
        answers, by_batch = ask(settings_for(url), tmp_path / "ledger.jsonl")
    assert len(answers) == COUNT and max(teacher.worked.values()) == worked
    assert (by_batch.totals.maybe_billed > 0) is (worked == 2)
    assert bill_of_ledger(tmp_path / "ledger.jsonl", PRICE).usd == by_batch.budget.spent_usd, "the audit agrees"


def test_the_budget_makes_batches_smaller_and_is_never_passed(tmp_path: Path) -> None:
    worst = Decimal("0.000112")  # (7 + 16) in at $0.5, 100 out at $1 a million: 0.0000115 + 0.0001
    teacher = CountingTeacher()
    with served_teacher(teacher) as url:
        with pytest.raises(BudgetError):
            ask(settings_for(url, budget_usd=float(worst / 2)), tmp_path / "none.jsonl")
        answers, by_batch = ask(settings_for(url, budget_usd=float(worst * COUNT)), tmp_path / "ledger.jsonl")
    assert len(answers) == COUNT and by_batch.budget.spent_usd <= worst * COUNT
    sizes = [
        len(r["questions"]) for r in scan((tmp_path / "ledger.jsonl").read_bytes(), "").records if "questions" in r
    ]  # type: ignore[arg-type]
    assert sum(sizes) == COUNT
    assert states(tmp_path / "none.jsonl") == []


def test_a_batch_on_its_way_holds_its_money_and_its_questions_for_a_run_without_batches(tmp_path: Path) -> None:
    teacher, ledger = CountingTeacher(), tmp_path / "ledger.jsonl"
    with served_teacher(teacher) as url:
        ask(settings_for(url), ledger)
        ledger.write_bytes(b"".join(ledger.read_bytes().splitlines(keepends=True)[:4]))  # created, no more is known
        answers, _ = ask(replace(settings_for(url), service_tier=""), ledger, count=COUNT + 2)
    assert len(answers) == COUNT + 2
    assert set(teacher.worked.values()) == {1}, "the batch's answers were fetched, not asked again"
    kinds = Counter(r["kind"] for r in scan(ledger.read_bytes(), "").records)
    assert (kinds["sent"], kinds["answer"]) == (2, COUNT + 2)


def test_a_recorded_answer_of_a_batch_to_another_prompt_is_refused(tmp_path: Path) -> None:
    async def other(settings: TeacherSettings) -> None:
        async with open_teacher(settings, tmp_path / "ledger.jsonl", {}, price=PRICE, clock=ManualClock()) as teacher:
            await teacher.answer(0, "Something else")

    with served_teacher(CountingTeacher()) as url:
        ask(settings_for(url), tmp_path / "ledger.jsonl")
        with pytest.raises(LedgerError, match="another prompt"):
            asyncio.run(other(settings_for(url)))


def test_a_server_without_batches_says_so_and_costs_nothing(tmp_path: Path) -> None:
    teacher = CountingTeacher()
    teacher.spoil = lambda request, response: (
        Response(404, b'{"error": {"message": "Not Found"}}') if "batches" in request.path else response
    )
    with served_teacher(teacher) as url, pytest.raises(KitError, match="HTTP 404"):
        ask(settings_for(url), tmp_path / "ledger.jsonl")
    assert not teacher.worked


@pytest.mark.parametrize("path", ["/v1/files", "/v1/batches", "/v1/batches/batch_000001"])
def test_a_page_of_html_for_an_answer_is_tried_again_then_told_to_all_who_wait(tmp_path: Path, path: str) -> None:
    teacher, page = CountingTeacher(), Response(200, b"<html>It works!</html>", content_type="text/html")
    left = [None] * 2

    def twice(request: Request, response: Response) -> Response:
        if request.path == path and left:
            left.pop()
            return page
        return response

    teacher.spoil = twice
    with served_teacher(teacher) as url:
        assert len(ask(settings_for(url), tmp_path / "ledger.jsonl")[0]) == COUNT and not left
        teacher.spoil = lambda request, response: page if request.path.startswith("/v1/files") else response
        with pytest.raises(TeacherError, match="an answer that is no JSON"):
            ask(settings_for(url, patience_seconds=1.0), tmp_path / "other.jsonl")


def test_generation_by_batches_makes_the_same_files_byte_for_byte(tmp_path: Path) -> None:
    seeds = read_seed_tasks(KIT_SEED_TASKS)

    def generated(name: str, teacher: TeacherSettings) -> Path:
        wanted = GenerationSettings(teacher, 17, number_of_rows=60)
        asyncio.run(generate(Stage("02_generate_data", tmp_path / name, {}), wanted, wanted.way(seeds)))
        return tmp_path / name

    with served_teacher(CountingTeacher("batch-partial")) as url:
        settings = replace(settings_for(url), max_completion_tokens=3072)
        one_by_one, batched = generated("single", replace(settings, service_tier="")), generated("batch", settings)
    for file in ("dataset.json", "rejected.jsonl", "generation/provenance.jsonl"):
        assert (one_by_one / file).read_bytes() == (batched / file).read_bytes()
    assert len(states(batched / "generation" / "ledger.jsonl")) >= 6, "what the first batch left open, a second asked"


def test_lines_that_are_damaged_foreign_or_doubled_are_passed_over() -> None:
    def line(custom_id: str, status: int = 200, text: str = "a") -> str:
        response = {"status_code": status, "request_id": "r", "body": {"text": text, "error": {"message": text}}}
        return json.dumps({"custom_id": custom_id, "response": response, "error": None})

    lines = [
        line("request-1"),
        line("request-1", text="b"),
        line("request-9"),
        line("x"),
        "{",
        "[]",
        line("request-2", 429),
    ]
    results = Results()
    read_results("\n".join(lines).encode(), {1, 2, 3}, results)
    assert set(results.replies) == {1} and json.loads(results.replies[1].body)["text"] == "a"
    assert set(results.failures) == {2} and not results.failures[2].final
