"""The estimate: by hand for one recipe, for every recipe from the command line, and nothing is sent."""

import asyncio
import socket
from dataclasses import replace
from pathlib import Path

import pytest
from stub_endpoint import StubReply, completion, stub_endpoint

from alpaca_nb import cli, recipes
from alpaca_nb.errors import BudgetError
from alpaca_nb.generation.estimate import estimate
from alpaca_nb.generation.fold import empty_fold
from alpaca_nb.generation.settings import GenerationSettings
from alpaca_nb.generation.spending import note
from alpaca_nb.records import Instance, SeedTask
from alpaca_nb.teacher.recorded import open_teacher
from alpaca_nb.teacher.settings import TeacherSettings

SEEDS = [SeedTask(f"s{i}", "n", f"Name {i} rivers of Asia.", (Instance("", "Ob"),), False) for i in range(10)]


def settings_for(**teacher: object) -> GenerationSettings:
    plain = TeacherSettings("https://api.openai.com/v1", "gpt-6-luna", 1.0, 3072, 5.0, 17)
    return GenerationSettings(replace(plain, **teacher), 17, 1020, protocol="numbered")  # type: ignore[arg-type]


def test_by_hand() -> None:
    found = estimate(settings_for(), SEEDS)
    assert found.requests.likely == 100  # 1,020 rows of 17 tasks, 60 % kept
    assert found.completion_tokens.likely == 100 * 17 * 97
    prompt = len(settings_for().way(SEEDS).questions(0)[0].prompt.encode()) / 4.3
    assert found.prompt_tokens.likely == pytest.approx(100 * prompt, rel=0.01)
    dollars = found.prompt_tokens.likely * 0.10e-6 + found.completion_tokens.likely * 0.50e-6
    assert found.usd.likely == pytest.approx(dollars)
    assert found.hours.likely == pytest.approx(100 * 17 * 97 / 70 / 4 / 3600)
    assert found.usd.low < found.usd.likely < found.usd.high and found.within_budget


def test_tiers_cost_half_and_an_unknown_price_is_refused() -> None:
    usual = estimate(settings_for(), SEEDS).usd.likely
    assert estimate(settings_for(service_tier="flex"), SEEDS).usd.likely == pytest.approx(usual / 2)
    assert estimate(settings_for(service_tier="batch"), SEEDS).usd.likely == pytest.approx(usual / 2)
    assert not estimate(settings_for(budget_usd=0.01), SEEDS).within_budget
    with pytest.raises(BudgetError, match="gpt-99"):
        estimate(settings_for(model="gpt-99"), SEEDS)


@pytest.mark.parametrize("name", [name for name, _ in recipes.listed()])
def test_every_recipe_is_estimated_without_key_and_network(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(*arguments: object) -> None:
        raise AssertionError("something was sent")

    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.setattr(socket.socket, "connect", refuse)
    assert cli.main(["estimate", name, "-p", "number_of_rows=52002"]) == 0
    printed = capsys.readouterr().out
    assert "52,002 rows" in printed and "requests" in printed and "budget_usd is" in printed


def test_the_published_protocol_needs_no_file_for_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["estimate", "laptop", "-p", "protocol=stanford", "-p", "number_of_rows=52002"]) == 0
    assert "5,417 (3,612 to 9,849)" in capsys.readouterr().out  # 16 new tasks each, 60 % (90 to 33 %) kept


def test_the_progress_line_projects_what_is_still_to_be_spent(tmp_path: Path) -> None:
    def reply(number: int, prompt: str) -> StubReply:
        text = f" Explain how river {prompt} was made.\n4. Input: <noinput>\n4. Output: Rain."
        return completion(text, usage=(10, 900))

    async def lines() -> list[str]:
        teacher = TeacherSettings(stub.base_url, "stub-1", 1.0, 1000, 1.0, 17, price_usd_per_million="1,2")
        wanted = GenerationSettings(teacher, 17, 12, protocol="numbered")
        folded = empty_fold(["Do this."], wanted.way(SEEDS).read, wanted=12, threshold=0.95)
        said = []
        async with open_teacher(teacher, tmp_path / "ledger.jsonl", {}) as opened:
            for index, word in enumerate(["Ob", "Nile", "Rhine"]):
                folded.take(await opened.answer(index, word))
                said.append(note(folded, index + 1, opened))
        return said

    with stub_endpoint(reply) as stub:
        said = asyncio.run(lines())
    assert said[1] == "2 asked, 2 read, 0 rejected · 20 tokens in, 1.8k out · $0.0036"
    assert said[2] == "3 asked, 3 read, 0 rejected · 30 tokens in, 2.7k out · $0.0054 of about $0.0217"
