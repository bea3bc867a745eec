"""Generation against a teacher that goes wrong: it ends complete or with a clear error, and never beyond the budget.

Every fault alone at 30 %, all of them mixed at 30 %, and in batches, over real sockets and through the real client.
What the teacher says that it would have billed is the judge: the client may book more than that, never less.
"""

import asyncio
import json
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from served_teacher import endpoint_with, served_teacher

from alpaca_nb.errors import BudgetError, KitError, TeacherError
from alpaca_nb.generation.seeds import read_seed_tasks
from alpaca_nb.generation.settings import GenerationSettings
from alpaca_nb.generation.stage import Generated, generate
from alpaca_nb.offline_teacher.fault_plan import Rule
from alpaca_nb.offline_teacher.faults import FAULTS
from alpaca_nb.offline_teacher.tally import Tally
from alpaca_nb.prices import given_price
from alpaca_nb.runs import KIT_FOLDER, Stage
from alpaca_nb.teacher.settings import TeacherSettings
from alpaca_nb.teacher.totals import Totals, read_totals

KEY = "sk-canary-0123456789abcdefghij"
PRICE = given_price("offline", "1,2")  # dollars per million tokens
SEEDS = read_seed_tasks(KIT_FOLDER / "alpaca_nb" / "seed_tasks" / "seed_tasks.jsonl")
BUDGET_USD, ROWS = 2.0, 120
SECONDS = {"hang": 30.0, "drip": 0.1, "retry-after-too-long": 3600.0}  # the others wait for next to nothing
FINAL = {
    "quota": "no money or quota left",
    "bad-key": "refuses the key",
    "retry-after-too-long": "asks to wait 3600 s",
    "should-not-retry": "Do not try that again",
}
OF_LESS_USE = {"null-choices", "bad-json", "html", "empty-body", "length-stop"}  # paid, recorded, rejected in part
NEVER_ENDING = {"hang", "drip"}
BATCH = [name for name, fault in FAULTS.items() if fault.kind == "batch"]
PASSING = [name for name, fault in FAULTS.items() if fault.kind != "batch" and name not in FINAL]


@pytest.fixture(autouse=True)
def canary_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)


def settings_for(url: str, **changes: object) -> GenerationSettings:
    teacher = TeacherSettings(
        url, "offline", 1.0, 1200, BUDGET_USD, 17, 30.0, first_wait_seconds=0.002, price_usd_per_million="1,2"
    )
    teacher = replace(teacher, **changes)  # type: ignore[arg-type]
    return GenerationSettings(teacher, 17, ROWS, tasks_per_request=8, concurrency=8)


def rule(*names: str, share: float = 0.3) -> list[Rule]:
    """One rule for each fault, with seconds that a test has time for; together they strike `share` of the requests."""
    left = [share / len(names) / (1 - place * share / len(names)) for place in range(len(names))]
    return [Rule((name,), each, seconds=SECONDS.get(name, 0.01)) for name, each in zip(names, left, strict=True)]


def run(
    folder: Path, rules: list[Rule], fault_seed: int = 5, **changes: object
) -> tuple[Generated | KitError, Tally, Totals]:
    """Generate; returns what came of it, the teacher's own count, and the client's books."""
    text = endpoint_with(*rules, fault_seed=fault_seed)
    if NEVER_ENDING & {name for rule in rules for name in rule.faults}:
        changes = {"timeout_seconds": 0.6, **changes}
    with served_teacher(text) as url:
        wanted = settings_for(url, **changes)
        try:
            made: Generated | KitError = asyncio.run(
                generate(Stage("02_generate_data", folder, {}), wanted, wanted.way(SEEDS))
            )
        except KitError as error:
            made = error
    return made, text.tally, read_totals(folder / "generation" / "ledger.jsonl", PRICE)


def is_clear(error: KitError) -> bool:
    """Whether an error says where the paid answers are and that one may run again."""
    return isinstance(error, TeacherError) and "recorded" in str(error).lower() and "run again" in str(error)


def true_usd(tally: Tally) -> Decimal:
    """What a provider would have charged, by the teacher's own count."""
    return sum(
        (PRICE.usd(used["prompt_tokens"], used["completion_tokens"]) for used in tally.tokens.values()), Decimal(0)
    )


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    folder = tmp_path_factory.mktemp("undisturbed")
    made, tally, totals = run(folder, [])
    assert isinstance(made, Generated)
    assert true_usd(tally) == totals.usd, "without faults the books are exact"
    return (folder / "dataset.json").read_bytes()


@pytest.mark.parametrize("fault", PASSING)
def test_a_passing_fault_alone_ends_complete_within_the_budget(fault: str, tmp_path: Path, undisturbed: bytes) -> None:
    made, tally, totals = run(tmp_path, rule(fault))
    assert isinstance(made, Generated), made
    assert sum(count.faults.count(fault) for count in tally.prompts.values()) >= 2, "the fault should have struck"
    assert len(json.loads((tmp_path / "dataset.json").read_bytes())) == ROWS
    if fault not in OF_LESS_USE:
        assert (tmp_path / "dataset.json").read_bytes() == undisturbed
    assert true_usd(tally) <= totals.usd <= Decimal(str(BUDGET_USD))


@pytest.mark.parametrize("fault", FINAL)
def test_a_final_fault_stops_at_once_and_says_what_to_do(fault: str, tmp_path: Path, undisturbed: bytes) -> None:
    made, tally, totals = run(tmp_path, rule(fault))
    assert isinstance(made, TeacherError)
    assert FINAL[fault] in str(made) and "Recorded answers are safe" in str(made)
    assert KEY not in str(made)
    asked = sum(count.asked for count in tally.prompts.values())
    assert asked <= 24, "asking should stop soon after the refusal"
    assert true_usd(tally) <= totals.usd <= Decimal(str(BUDGET_USD))
    again, second, _ = run(tmp_path, [])  # the user mends it and runs again
    assert isinstance(again, Generated)
    assert (tmp_path / "dataset.json").read_bytes() == undisturbed
    paid_before = {prompt for prompt, count in tally.prompts.items() if count.billed}
    assert not paid_before & set(second.prompts), "what was paid is not asked again"


@pytest.mark.parametrize("fault_seed", range(6))
def test_all_faults_mixed_at_thirty_per_cent(fault_seed: int, tmp_path: Path) -> None:
    made, tally, totals = run(tmp_path, rule(*PASSING), fault_seed)
    struck = {fault for count in tally.prompts.values() for fault in count.faults}
    assert len(struck) >= 5, struck
    assert isinstance(made, Generated) or is_clear(made)
    if isinstance(made, Generated):
        assert len(json.loads((tmp_path / "dataset.json").read_bytes())) == ROWS
    assert true_usd(tally) <= totals.usd <= Decimal(str(BUDGET_USD))


@pytest.mark.parametrize("fault", BATCH)
def test_a_batch_that_goes_wrong_is_made_good_by_the_next(fault: str, tmp_path: Path, undisturbed: bytes) -> None:
    made, tally, totals = run(tmp_path, [Rule((fault,), times=1)], service_tier="batch")
    if fault == "batch-cancelled":  # somebody's decision, so the run stops; the next one goes on
        assert isinstance(made, TeacherError) and is_clear(made)
        paid = {prompt for prompt, count in tally.prompts.items() if count.billed}
        made, tally, totals = run(tmp_path, [], service_tier="batch")
        assert not paid & set(tally.prompts)
    assert isinstance(made, Generated), made
    assert (tmp_path / "dataset.json").read_bytes() == undisturbed
    assert set(tally.tokens) == {"batch"}
    assert max(count.billed for count in tally.prompts.values()) == 1, "nothing is paid twice"
    assert true_usd(tally) <= totals.usd <= Decimal(str(BUDGET_USD))


@pytest.mark.parametrize("fault_seed", range(3))
def test_requests_of_batches_that_go_wrong_at_thirty_per_cent(fault_seed: int, tmp_path: Path) -> None:
    made, tally, totals = run(tmp_path, [*rule(*PASSING), Rule(tuple(BATCH), 0.3)], fault_seed, service_tier="batch")
    assert isinstance(made, Generated) or is_clear(made)
    assert true_usd(tally) <= totals.usd <= Decimal(str(BUDGET_USD))


@pytest.mark.parametrize("budget", [0.004, 0.02, 0.04])
def test_the_budget_is_a_wall_whatever_goes_wrong(budget: float, tmp_path: Path) -> None:
    made, tally, totals = run(tmp_path, rule(*PASSING), budget_usd=budget)
    assert isinstance(made, BudgetError), made
    assert "Raise budget_usd" in str(made)
    assert true_usd(tally) <= totals.usd <= Decimal(str(budget))


def test_a_teacher_that_never_works_is_given_up_with_its_last_words(tmp_path: Path) -> None:
    made, tally, totals = run(tmp_path, rule("503", share=1.0))
    assert isinstance(made, TeacherError)
    assert "given up after 6 attempts" in str(made) and "overloaded" in str(made)
    assert (true_usd(tally), totals.usd) == (0, 0)
