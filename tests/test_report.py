"""The report: one page, nothing loaded, everything escaped, whatever stages there are."""

import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from run_folders import HOSTILE, METRICS, make_answers, make_record

from alpaca_nb.costs.accounting import Rates
from alpaca_nb.costs.jobs import TEACHERS_OF_TODAY
from alpaca_nb.costs.report import build_report, write_report, write_report_json
from alpaca_nb.costs.report_parts import answer_pairs, flat, measured, readable
from alpaca_nb.costs.stage import THEN_AND_NOW, analyse
from alpaca_nb.costs.tables import price_rows
from alpaca_nb.costs.training_figures import RECIPES
from alpaca_nb.record_files import read_records, write_records
from alpaca_nb.records import Verdict
from alpaca_nb.teacher.ledger import encode

RATES = Rates(usd_per_kwh=0.17, watts=65.0, usd_per_gpu_hour=4.59)


class Page(HTMLParser):
    """Collects tags with attributes, and the text of the page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


def report_of(run_dir: Path) -> str:
    report = build_report(run_dir, analyse(run_dir, RATES, 52_000), {}, {"seed": 17})
    return write_report(run_dir / "report.html", report).read_text(encoding="utf-8")


@pytest.fixture
def full_run(tmp_path: Path) -> Path:
    run_dir = tmp_path / "a_run"
    for stage in METRICS:
        make_record(run_dir, stage)
    make_answers(run_dir)
    return run_dir


def test_the_page_loads_nothing_and_runs_nothing(full_run: Path) -> None:
    page = Page(report_of(full_run))
    assert page.all("img") and not [
        tag for tag, _ in page.tags if tag in {"script", "link", "iframe", "object", "base"}
    ]
    for tag, attributes in page.tags:
        assert not [name for name in attributes if name.startswith("on")], (tag, attributes)
        assert "src" not in attributes or (attributes["src"] or "").startswith("data:image/png;base64,")
        assert "href" not in attributes or (attributes["href"] or "").startswith("#")
    styles = report_of(full_run)
    assert "url(" not in styles and "@import" not in styles
    assert "prefers-color-scheme: dark" in styles and "@media print" in styles


def test_every_picture_has_its_words_and_every_table_its_headers(full_run: Path) -> None:
    page = Page(report_of(full_run))
    alts = [image.get("alt") for image in page.all("img")]
    assert alts == [f'a figure of {stage} & "its" <numbers>' for stage in METRICS]
    assert len(page.all("h1")) == 1 and len(page.all("h2")) >= 6
    assert all(header.get("scope") in {"col", "row"} for header in page.all("th"))
    targets = {attributes["id"] for _, attributes in page.tags if "id" in attributes}
    assert {(link["href"] or "")[1:] for link in page.all("a")} <= targets


def test_hostile_answers_are_shown_as_text(full_run: Path) -> None:
    html = report_of(full_run)
    assert "<script" not in html and "<img src=x" not in html
    assert "<script>alert('boo')</script>" in Page(html).text
    assert HOSTILE in answer_pairs(full_run)[0].untuned


def test_answers_are_shown_where_both_are_right_too(full_run: Path) -> None:
    verdicts = [*read_records(full_run / "comparison.jsonl", Verdict)]
    assert [pair.kind for pair in answer_pairs(full_run)] == ["Tuned model won", "Both right"]
    write_records(full_run / "comparison.jsonl", [replace(v, tuned_right=False, untuned_right=False) for v in verdicts])
    assert [pair.kind for pair in answer_pairs(full_run)] == ["Both wrong"]


def test_the_comparison_is_a_table_and_raw_numbers_are_folded(full_run: Path) -> None:
    html = report_of(full_run)
    section = html[html.index('id="stage-05"') : html.index('id="stage-06"')]
    shown, folded = section.split("<details>")
    assert ">25.0 %</td>" in shown and ">75.0 %</td>" in shown and ">+50.0 points (+40.0 to +60.0)</td>" in shown
    assert "lenient: wins" in folded and "lenient: wins" not in shown
    assert html.count("<details>") == html.count("</details>") == len(METRICS)


def test_opinions_by_category_say_who_judged_and_whose_reading_the_categories_are(full_run: Path) -> None:
    assert "own reading" not in report_of(full_run)
    path = full_run / "05_stage.json"
    record = json.loads(path.read_text())
    record["parameters"]["judge"] = "people"
    record["metrics"] |= {
        "people": {"rival": "text-davinci-003", "wins": 3, "losses": 5, "ties": 1},
        "by_category": {"email": [3, 5, 1, "38.9 % (1 to 2 %)"]},
    }
    path.write_text(json.dumps(record))
    text = Page(report_of(full_run)).text
    assert "email 3 5 1 38.9 % (1 to 2 %)" in text
    assert "against text-davinci-003, judged by people (majority). Which tasks count as email" in text


def test_it_opens_with_the_five_numbers(full_run: Path) -> None:
    text = Page(report_of(full_run)).text
    opening = text[: text.index("Stages")]
    for number in ("700", "2.50 → 0.50", "25 % → 75 %", "+50 points", "+40 to +60", "$1.31", "about $7.52"):
        assert number in opening, number


def test_no_path_of_the_machine_is_in_it(full_run: Path, tmp_path: Path) -> None:
    html = report_of(full_run)
    assert str(tmp_path) not in html and "/home/somebody" not in html
    assert "rows.json" in html


def test_limitations_name_the_offline_teacher_and_the_tuned_base(full_run: Path) -> None:
    text = Page(report_of(full_run)).text
    assert "offline teacher, a program" in text
    assert "instruction-tuned by its makers" in text


def test_the_twin_says_what_the_page_says(full_run: Path) -> None:
    report = build_report(full_run, analyse(full_run, RATES, 52_000), {}, {"seed": 17})
    twin = json.loads(write_report_json(full_run / "report.json", report).read_text(encoding="utf-8"))
    page = Page(report_of(full_run)).text
    assert [item["value"] for item in twin["headlines"]] == [item.value for item in report.headlines]
    assert len(twin["claims"]) == len(report.claims) >= 25 and len(twin["headlines"]) == 5
    for claim in twin["claims"]:
        assert claim["claim"]["claim"] in page and claim["verdict"] in page
        assert all(source in page for source in claim["claim"]["sources"])
    for rows in (twin["jobs"], twin["prices"], twin["projection"]):
        assert rows and all(cell in page for row in rows for cell in row)
    assert [section["alts"] for section in twin["sections"]][:5] == [
        {f"figures/{stage[:2]}_one.png": f'a figure of {stage} & "its" <numbers>'} for stage in METRICS
    ]
    assert "base64" not in json.dumps(twin)


def test_every_price_is_shown_with_its_source_and_age(full_run: Path) -> None:
    report = build_report(full_run, analyse(full_run, RATES, 52_000), {}, {"seed": 17})
    assert len(report.prices) >= 8
    for what, price, origin in report.prices:
        assert what and re.search(r"\d", price), what
        assert re.search(r"\d{4}-\d\d-\d\d, (today|.* old)\)$", origin) or origin == "given in the recipe", origin
    priced = " ".join(what for what, _, _ in report.prices)
    models = [model for model, _ in (*THEN_AND_NOW, *TEACHERS_OF_TODAY)]
    assert all(f"{model}, per million tokens" in priced for model in models)  # of all that the figures draw
    assert all(f"{card}, one hour" in priced for card, _, _ in RECIPES)
    then = next(row for row in report.prices if "A100 80 GB, one hour (median and range until 2023-03-13)" in row)
    assert then[1] == "$2.205 ($1.49 to $5.12)" and all(
        name in then[2] for name in ("DataCrunch", "CoreWeave", "FluidStack", "AWS")
    )
    given = {what: origin for what, _, origin in price_rows(analyse(full_run, replace(RATES, usd_per_kwh=0.3), 10))}
    assert given["one kWh, parameter usd_per_kwh"] == "given in the recipe"
    assert "RunPod price page" in given["one GPU hour, parameter usd_per_gpu_hour"]


def test_a_teachers_bill_is_on_the_page_to_the_cent(full_run: Path) -> None:
    header = {"kind": "header", "version": 1, "configuration": {"teacher_base_url": "", "teacher_model": "offline"}}
    price = {"kind": "price", "model": "stub-1", "usd_per_million_input": 1000.0, "usd_per_million_output": 1000.0}
    price |= {"as_of": "2026-01-01", "source": "test"}
    body = '{"choices": [], "usage": {"prompt_tokens": 500, "completion_tokens": 750}}'
    answer = {"kind": "answer", "request": 0, "prompt_sha256": "", "id": "", "body": body}
    (full_run / "generation").mkdir(exist_ok=True)
    (full_run / "generation" / "ledger.jsonl").write_bytes(
        b"".join(encode(record, number) for number, record in enumerate((header, price, answer), start=1))
    )
    text = Page(report_of(full_run)).text
    bill = text[text.index("What the teachers cost") : text.index("Projected")]
    for words in ("prompt tokens 500 0.500000 0.50", "answer tokens 750 0.750000 0.75", "1.250000 1.25"):
        assert words in bill, bill


@pytest.mark.parametrize("present", [(), ("01_seed_tasks",), ("03_finetune_fsdp", "05_blind_comparison")])
def test_missing_stages_are_named_not_fatal(tmp_path: Path, present: tuple[str, ...]) -> None:
    for stage in present:
        make_record(tmp_path, stage)
    page = Page(report_of(tmp_path))
    assert page.text.count("This stage has not run in this folder.") == 5 - len(present)
    assert "not measured" in page.text
    assert "None to show" in page.text
    assert len(page.all("img")) == len(present)


def test_a_lost_picture_leaves_its_words(full_run: Path) -> None:
    (full_run / "figures" / "03_one.png").unlink()
    text = Page(report_of(full_run)).text
    assert "The picture 03_one.png is missing. It showed: a figure of 03_finetune_fsdp" in text


def test_its_own_figures_and_parameters_are_taken_from_the_running_stage(full_run: Path) -> None:
    analysis = analyse(full_run, RATES, 100)
    own = {"figures/01_one.png": "a cost figure"}
    report = build_report(full_run, analysis, own, {"seed": 17, "watts": 65.0})
    html = write_report(full_run / "report.html", report).read_text(encoding="utf-8")
    section = html[html.index('id="stage-06"') :]
    assert re.search(r'alt="a cost figure"', section)
    assert "watts" in section


def test_metrics_read_well() -> None:
    assert flat({"strict": {"wins": 1_200, "interval": [0.1, 0.25]}, "usd": 0.000123}) == [
        ("strict: wins", "1,200"),
        ("strict: interval", "+10.0 to +25.0 points"),
        ("usd", "0.000123"),
    ]
    shares = {"untuned": 0.25, "tuned": 1.0, "difference": -0.125, "p_value": 1.3e-7}
    assert [text for _, text in flat(shares)] == ["25.0 %", "100.0 %", "-12.5 points", "p < 0.001"]
    assert measured("p_value", 0.04) == "p = 0.040" and measured("p_value", 1.0) == "p = 1.000"
    assert readable("C:\\Users\\me\\rows.json") == "rows.json"
    assert readable("../shared/rows.json") == "../shared/rows.json"
    assert readable(True) == "yes" and readable(None) == "none"
