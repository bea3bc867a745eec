"""What other jobs would cost: hand-worked sums, and properties that hold for every job."""

import random
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from run_folders import make_record

from alpaca_nb.costs.accounting import Rates, finished_stages
from alpaca_nb.costs.estimates import Estimate, exactly, mean_of
from alpaca_nb.costs.figures import dollars_by_yield
from alpaca_nb.costs.hardware import DATA_CENTRE_OVERHEAD, gpu_in, power_figure
from alpaca_nb.costs.jobs import ASSUMED_YIELD, job_now, job_then, teachers_of_today, variants, waterfall
from alpaca_nb.costs.measurements import measured_mfu, measured_throughput, measured_yield
from alpaca_nb.costs.own_gpu import OwnGpu, break_even_hours, break_even_rows
from alpaca_nb.costs.projection import ARTICLE_REQUEST
from alpaca_nb.costs.rental import RENTALS, rentals
from alpaca_nb.costs.sensitivity import swings
from alpaca_nb.costs.what_if import LLAMA_WEIGHTS, Job, cost_of, gpu_hours, implied_mfu
from alpaca_nb.errors import BudgetError, InputFileError, RecipeError
from alpaca_nb.files import write_jsonl
from alpaca_nb.finetuning.machines import peak_flops
from alpaca_nb.gpus import gpu_named
from alpaca_nb.prices import price_of

RATES = Rates(usd_per_kwh=0.17, watts=65.0, usd_per_gpu_hour=4.59)
POSITIVE = st.floats(0.01, 1e6)


@st.composite
def estimates(draw: st.DrawFn) -> Estimate:
    low, value, high = sorted(draw(st.lists(POSITIVE, min_size=3, max_size=3)))
    return Estimate(value, low, high)


@given(estimates(), estimates(), POSITIVE)
def test_estimates_keep_their_order_and_certainty_adds_nothing(a: Estimate, b: Estimate, factor: float) -> None:
    for found, value in ((a + b, a.value + b.value), (a * b, a.value * b.value), (a / b, a.value / b.value)):
        assert found.value == pytest.approx(value) and found.low <= found.value <= found.high
    scaled = a * factor
    assert scaled.high == pytest.approx(a.high * factor) and scaled.low == pytest.approx(a.low * factor)
    assert (a * b).high / (a * b).value >= max(a.high / a.value, b.high / b.value) * (1 - 1e-9)
    assert (a + b).high <= a.high + b.high + 1e-6  # in quadrature, so never beyond the worst of both


def test_an_estimates_range_by_hand() -> None:
    # half to double, twice: the logarithms' squares add, ln 2 × √2 = 0.98, so × or ÷ 2.665
    product = Estimate(10, 5, 20) * Estimate(3, 1.5, 6)
    assert (product.value, product.low, product.high) == (
        30,
        pytest.approx(30 / 2.6651, rel=1e-4),
        pytest.approx(79.95, rel=1e-4),
    )
    total = Estimate(10, 7, 13) + Estimate(20, 16, 24)
    assert (total.low, total.high) == (25, 35)  # 3 and 4 make 5


def test_a_mean_with_its_standard_error() -> None:
    # 8 samples of mean 10 and standard deviation 2 (n − 1): 1.96 × 2/√8 = 1.386
    found = mean_of([7.0, 8.0, 9.0, 10.0, 10.0, 11.0, 12.0, 13.0])
    assert found.value == 10 and found.high - 10 == pytest.approx(1.959964 * 2.0 / 8**0.5)
    assert mean_of([4.0]) == Estimate(4, 0, 8)


def test_the_articles_job_by_hand() -> None:
    then = cost_of(replace(job_then(52_000), rows_kept=exactly(10)))
    assert then.data_usd.value == pytest.approx(5_200 * 2_525 * 20 / 1e6)  # $262.60
    # 24 hours are 7.9e17 operations: 2.9 % of what a card of 312e12 a second could do in them
    assert implied_mfu(job_then(), 24) == pytest.approx(6 * 6.607e9 * 19.9e6 / (312e12 * 24 * 3600))
    assert job_then().mfu.value == pytest.approx(0.0293, abs=2e-4)
    assert cost_of(job_then()).gpu_hours.value == pytest.approx(24)
    assert cost_of(job_then()).training_usd.value == pytest.approx(24 * (2.20 + 2.21) / 2)  # the median of that week


def test_todays_job_by_hand() -> None:
    now = job_now(52_000, RATES)
    cost = cost_of(now)
    assert cost.data_usd.value == pytest.approx(5_200 * 0.0009565)
    assert cost.gpu_hours.value == pytest.approx(6 * 6.607e9 * 19.9e6 * (52_000 / 52_002) / (0.4 * 989e12) / 3600)
    assert cost.usd.value == pytest.approx(cost.data_usd.value + cost.training_usd.value)
    assert cost_of(replace(now, tier="flex")).data_usd.value == pytest.approx(cost.data_usd.value / 2)
    assert cost_of(replace(now, method="lora")).gpu_hours.value == pytest.approx(cost.gpu_hours.value * 4 / 6)
    assert cost_of(replace(now, epochs=1)).gpu_hours.value == pytest.approx(cost.gpu_hours.value / 3)
    assert cost_of(replace(now, rows=520_000)).usd.value == pytest.approx(10 * cost.usd.value)
    # the yield alone is uncertain in the data: five to sixteen rows a request
    assert (cost.data_usd.low, cost.data_usd.high) == (pytest.approx(3.109, abs=0.01), pytest.approx(9.948, abs=0.01))


@given(
    rows=st.integers(1, 10**6),
    more=st.integers(1, 10**6),
    kept=st.floats(0.5, 16),
    mfu=st.floats(0.01, 1),
    weights=st.sampled_from(sorted(LLAMA_WEIGHTS.values())),
)
def test_dollars_are_monotone(rows: int, more: int, kept: float, mfu: float, weights: float) -> None:
    job = replace(job_now(rows, RATES), rows_kept=exactly(kept), mfu=exactly(mfu), weights=weights)
    usd = cost_of(job).usd.value
    dearer: list[Job] = [
        replace(job, rows=rows + more),
        replace(job, epochs=job.epochs + 1),
        replace(job, rows_kept=exactly(kept / 2)),
        replace(job, mfu=exactly(mfu / 2)),
        replace(job, price=price_of("gpt-6.1-terra")),
        replace(job, usd_per_gpu_hour=exactly(12.29)),
    ]
    assert all(cost_of(other).usd.value > usd for other in dearer)
    assert all(
        cost_of(replace(job, **{name: value})).usd.value < usd for name, value in (("tier", "flex"), ("method", "lora"))
    )  # type: ignore[arg-type]
    both = cost_of(replace(job, rows=rows + more)).usd.value
    assert both == pytest.approx(usd + cost_of(replace(job, rows=more)).usd.value)  # additive in rows


def test_the_waterfall_leads_from_one_total_to_the_other() -> None:
    then, now = job_then(52_000), job_now(52_000, RATES)
    steps = waterfall(then, now)
    totals = [step.after for step in steps if step.is_total]
    assert totals == [pytest.approx(cost_of(then).usd.value), pytest.approx(cost_of(now).usd.value)]
    changes = [step.after - step.before for step in steps if not step.is_total]
    assert sum(changes) == pytest.approx(totals[-1])
    assert changes[2] < -200 and changes[3] < -40 and abs(changes[4]) < 5, "tokens, code, card"


def test_the_widest_swing_comes_first_and_holds_the_plan() -> None:
    now = job_now(52_000, RATES)
    found = swings(now, teachers_of_today())
    widths = [each.usd_dear - each.usd_cheap for each in found]
    assert widths == sorted(widths, reverse=True) and found[0].input == "teacher"
    assert all(each.usd_cheap <= cost_of(now).usd.value + 1e-9 for each in found)


def test_this_runs_own_yield_is_one_of_the_variants() -> None:
    without = variants(52_000, RATES, None, None)
    own = variants(52_000, RATES, ARTICLE_REQUEST, Estimate(8, 7, 9))
    assert len(own) == len(without) + 1
    with_own = next(each for each in own if "this run" in each.name)
    assert with_own.cost.data_usd.value == pytest.approx(6_500 * 0.0009565)


def test_yield_counts_requests_that_brought_nothing(tmp_path: Path) -> None:
    make_record(tmp_path, "02_generate_data")  # 70 requests
    rows = [{"request_index": request} for request in range(60) for _ in range(7)]
    write_jsonl(tmp_path / "generation" / "provenance.jsonl", rows)
    found = measured_yield(tmp_path, finished_stages(tmp_path)["02_generate_data"])
    assert found is not None and found.value == pytest.approx(420 / 70) and found.low < 6 < found.high
    write_jsonl(tmp_path / "generation" / "provenance.jsonl", [{"request_index": "x"}])
    with pytest.raises(InputFileError, match=r"provenance\.jsonl, line 1: 'request_index'"):
        measured_yield(tmp_path, finished_stages(tmp_path)["02_generate_data"])


def test_throughput_covers_the_truth_as_often_as_it_says(tmp_path: Path) -> None:
    path, chance, covered = tmp_path / "finetuning" / "metrics.jsonl", random.Random(3), 0
    for _ in range(200):
        tokens = [chance.randint(800, 1_600) for _ in range(40)]
        seconds = [each / 300 + chance.gauss(0, 0.4) for each in tokens]
        write_jsonl(path, [{"tokens": t, "seconds": s} for t, s in zip(tokens, seconds, strict=True)])
        found = measured_throughput(tmp_path)
        assert found is not None
        covered += found.low <= 300 <= found.high
    assert 0.90 <= covered / 200 <= 0.99, covered


def test_the_mfu_of_this_run_is_the_one_that_stage_03_measured(tmp_path: Path) -> None:
    make_record(tmp_path, "03_finetune_fsdp", device="2 x NVIDIA H200")
    record = finished_stages(tmp_path)["03_finetune_fsdp"]
    trained = replace(record, metrics={**record.metrics, "mfu": 0.48})
    found = measured_mfu(trained, Estimate(24_000, 23_000, 25_000))
    assert found is not None and found.value == pytest.approx(0.48)
    assert found.low == pytest.approx(0.46) and found.high == pytest.approx(0.50)
    mine = next(each for each in variants(52_000, RATES, None, None, found) if "MFU of this run" in each.name)
    assert mine.cost.gpu_hours.value == pytest.approx(gpu_hours(replace(job_now(52_000, RATES), mfu=found)).value)
    assert measured_mfu(replace(trained, device="CPU, 2 cores"), exactly(1.0)) is None
    assert measured_mfu(replace(record, metrics={"mfu": 0.0}), exactly(1.0)) is None  # a card of unknown peak
    assert measured_mfu(trained, None) is None and measured_mfu(None, exactly(1.0)) is None


def test_an_own_card_breaks_even_where_the_two_bills_cross() -> None:
    own = OwnGpu(usd=2_000, watts=450, tokens_per_second=1_000, usd_per_kwh=0.17)
    # one row is 176 tokens: 0.176 s × 450 W = 0.022 Wh, $3.74e-6; gpt-6-luna asks $9.565e-5
    assert own.usd_per_row(ARTICLE_REQUEST) == pytest.approx(0.176 / 3600 * 0.45 * 0.17)
    rows = break_even_rows(own, ARTICLE_REQUEST, price_of("gpt-6-luna"))
    assert rows is not None and rows == pytest.approx(2_000 / (9.565e-5 - 3.74e-6), rel=1e-4)
    assert own.usd + rows * own.usd_per_row(ARTICLE_REQUEST) == pytest.approx(rows * 9.565e-5)
    assert break_even_rows(replace(own, usd_per_kwh=10.0), ARTICLE_REQUEST, price_of("gpt-6-luna")) is None
    assert break_even_hours(own, 0.44) == pytest.approx(2_000 / (0.44 - 0.0765))
    assert break_even_hours(own, 0.05) is None


@pytest.mark.parametrize(
    ("device", "card"),
    [
        ("1 x NVIDIA H200", "H200 141 GB"),
        ("8 x NVIDIA A100-SXM4-80GB", "A100 80 GB"),
        ("1 x NVIDIA A100-SXM4-40GB", "A100 40 GB"),
        ("2 x NVIDIA H100 80GB HBM3", "H100 80 GB"),
        ("1 x NVIDIA GeForce RTX 4090", "RTX 4090"),
        ("1 x NVIDIA H100 PCIe", "H100 PCIe"),
        ("1 x NVIDIA A100 80GB PCIe", "A100 80 GB"),
        ("1 x NVIDIA L40S", "L40S"),
        ("1 x NVIDIA L40", None),  # not an L4
        ("1 x NVIDIA A10G", None),  # not an A10
        ("1 x NVIDIA RTX A1000", None),  # not an A100
        ("1 x NVIDIA GeForce GTX 1080", None),
        ("CPU, 2 cores, x86_64, Linux", None),
    ],
)
def test_cards_are_known_by_the_drivers_names(device: str, card: str | None) -> None:
    found = gpu_in(device)
    assert (found.name if found else None) == card
    # stage 03 measures its MFU against the same peak
    assert peak_flops(device.split(" x ")[-1]) == (gpu_named(card).flops if card else 0)


def test_what_is_unknown_is_an_error_and_never_nothing() -> None:
    with pytest.raises(BudgetError, match="no rent is known for 'TPU v5'"):
        rentals("TPU v5")
    with pytest.raises(BudgetError, match="no rent is known for 'B200 180 GB' between ever and 2023"):
        rentals("B200 180 GB", until="2023-03-13")
    with pytest.raises(BudgetError, match="'TPU v5'; known are A100"):
        gpu_named("TPU v5")
    with pytest.raises(InputFileError, match="no carbon for 'the Moon'"):
        power_figure("carbon", "the Moon")
    with pytest.raises(RecipeError, match="watts is -1"):
        replace(RATES, watts=-1)
    with pytest.raises(ZeroDivisionError):
        cost_of(replace(job_now(10, RATES), rows_kept=Estimate(1, 0, 2)))
    assert {row.gpu for row in RENTALS} <= {gpu_named(row.gpu).name for row in RENTALS}
    assert ASSUMED_YIELD.high == 16 and DATA_CENTRE_OVERHEAD == 1.1


def test_own_hardware_for_the_articles_hours_costs_under_two_dollars_of_electricity() -> None:
    kwh = gpu_hours(job_then()).value * 0.4 * DATA_CENTRE_OVERHEAD  # 24 hours of 400 W
    assert kwh == pytest.approx(10.6, abs=0.1)
    assert kwh * power_figure("electricity", "homes in the USA").value == pytest.approx(1.8, abs=0.01)
    assert kwh * power_figure("carbon", "USA").value / 1000 == pytest.approx(3.9, abs=0.01)


@pytest.mark.parametrize(("rows", "words"), [(52_002, "$500 at"), (10_000, "$500 for 52,000, scaled, at")])
def test_the_words_under_the_yield_figure_follow_the_number_of_rows(rows: int, words: str) -> None:
    _, alt = dollars_by_yield(job_now(rows, RATES), None)  # $0.0505 a request
    assert f"text-davinci-003 costs the article's {words} 5.3 kept." in alt
