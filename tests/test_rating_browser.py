"""The rating page in headless Chromium: three raters at once, keyboard, undo, hostile answers, a killed server.

Needs `pip install -e .[browser]` and Chromium (`apt-get install chromium`), or a browser named in $CHROMIUM.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from rating_runs import HOSTILE, STRONG, rating_server, run_to_rate

from alpaca_nb.comparison.ratings import RATINGS_FILE, read_ratings

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Request

PAIRS = 7  # one of them equal, so six to rate


def open_page(browser: "Browser", url: str, sent: "list[Request] | None" = None) -> "Page":
    """A page of a browser context of its own, as a rater at another machine would have it."""
    page = browser.new_context().new_page()
    page.set_default_timeout(180_000)
    if sent is not None:
        page.on("requestfinished", lambda request: sent.append(request))  # its body is read at the end, not here
    page.goto(url)
    count_is(page, 0)
    return page


def words_of(request: "Request") -> str:
    answer = request.response()
    assert answer is not None
    return f"{request.url} {request.post_data} {answer.headers} {answer.text()}"


def count_is(page: "Page", done: int) -> None:
    page.wait_for_selector(f"#count:has-text('{done} of')")
    page.wait_for_selector("#choose-a:enabled, #finished:not([hidden])")  # the answer is here, the next press counts


def better_key(page: "Page") -> str:
    return "1" if STRONG in page.inner_text("#a") else "2"


def test_three_raters_at_once(browser: "Browser", tmp_path: Path) -> None:
    run_dir = run_to_rate(tmp_path, PAIRS)
    sent: list[Request] = []
    with rating_server(run_dir) as server:
        pages = [open_page(browser, server.url, sent) for _ in range(3)]
        seen: list[list[str]] = [[], [], []]
        for done in range(1, PAIRS):
            for page, own in zip(pages, seen, strict=True):  # in turns, all three sessions open
                own.append(page.inner_text("#instruction"))
                if done % 2:
                    page.keyboard.press(better_key(page))
                else:
                    page.click("#choose-a" if better_key(page) == "1" else "#choose-b")
                count_is(page, done)
        assert all("You have rated all 6 pairs" in page.inner_text("#thanks") for page in pages)
        pages[0].keyboard.press("u")
        count_is(pages[0], PAIRS - 2)
        pages[0].fill("#reason", "both say 1")  # digits in it choose nothing
        pages[0].type("#reason", "23")
        pages[0].keyboard.press("Enter")
        pages[0].keyboard.press("3")
        count_is(pages[0], PAIRS - 1)
        assert pages[0].is_hidden("#reason") and pages[0].input_value("#reason") == ""
        traffic = [words_of(request) for request in sent]
    assert len({tuple(own) for own in seen}) == 3 and len({tuple(sorted(own)) for own in seen}) == 1
    ratings = read_ratings(run_dir / RATINGS_FILE)
    assert len({rating.rater for rating in ratings}) == 3
    assert [rating.winner for rating in ratings].count("tuned") == 17 and len(ratings) == 18
    assert [rating.reason for rating in ratings if rating.side == "tie"] == ["both say 123"]
    assert all(0 < rating.seconds < 60 for rating in ratings)
    assert sum("/api/click" in line for line in traffic) >= 17 and any("page.js" in line for line in traffic)
    assert not any("tuned" in line for line in traffic), "no model's name in page or traffic"


def test_hostile_answers_are_shown_as_text(browser: "Browser", tmp_path: Path) -> None:
    errors: list[str] = []
    with rating_server(run_to_rate(tmp_path, 2)) as server:
        page = open_page(browser, server.url)
        page.on("pageerror", lambda error: errors.append(str(error)))
        assert HOSTILE in page.inner_text("#a") and HOSTILE in page.inner_text("#b")
        assert page.title() == "Which answer is better?"
        assert page.locator("main img, main script, main b").count() == 0
        page.evaluate("document.body.append(document.createRange().createContextualFragment('<img src=x onerror=0>'))")
        blocked = page.evaluate("fetch('http://127.0.0.1:9/').then(() => 'sent', () => 'blocked')")
        assert blocked == "blocked" and errors == []


def test_a_killed_server_costs_at_most_the_click_in_flight(browser: "Browser", tmp_path: Path) -> None:
    run_dir = run_to_rate(tmp_path, PAIRS)
    with rating_server(run_dir) as server:
        page = open_page(browser, server.url)
        for done in (1, 2, 3):
            page.keyboard.press(better_key(page))
            count_is(page, done)
        port, before = server.port, page.inner_text("#instruction")
        server.process.kill()
        server.process.wait()
        page.keyboard.press("1")
        page.wait_for_selector("#trouble:has-text('Not saved')")
    with rating_server(run_dir, "--port", str(port)):
        assert page.inner_text("#instruction") == before
        page.keyboard.press(better_key(page))
        count_is(page, 4)
        page.reload()
        count_is(page, 4)
    assert len(read_ratings(run_dir / RATINGS_FILE)) == 4
