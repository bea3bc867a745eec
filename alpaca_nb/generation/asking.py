"""Asking until enough rows are kept: some requests at a time, folded in their order."""

import asyncio
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any

from alpaca_nb.errors import KitError, TeacherError
from alpaca_nb.generation.fold import Fold
from alpaca_nb.generation.ways import Answers

BARREN_ANSWERS = 30  # so many answers in a row without a new row mean that something is wrong
Ask = Callable[[int], Coroutine[Any, Any, Answers]]  # asks one item of work, by its number
_Waiting = dict[int, asyncio.Task[Answers]]  # by item: on their way, or answered before their turn


async def ask_until_complete(
    ask: Ask,
    folded: Fold,
    *,
    concurrency: int,
    new_tasks: int,
    report: Callable[[int], None],
) -> None:
    """Ask items 0, 1, 2, … until `folded` is complete; calls `report` with the number asked after each one folded.

    Raises `TeacherError` where the yield collapses. Requests on their way at the end, or at an error of the kit's,
    are waited for, since their answers are paid for; an interrupt waits for nothing.
    """
    waiting: _Waiting = {}
    asked = 0
    try:
        while not folded.complete:
            last = asked + concurrency - len(_on_their_way(waiting))
            while asked < last and _more_needed(folded, len(waiting), new_tasks):
                waiting[asked] = asyncio.create_task(ask(asked))
                asked += 1
            done, _ = await asyncio.wait(_on_their_way(waiting), return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()  # raises what the task raised
            _fold_those_in_turn(waiting, folded, partial(report, asked))
        await asyncio.gather(*waiting.values(), return_exceptions=True)
    except KitError:
        await asyncio.gather(*waiting.values(), return_exceptions=True)
        raise
    finally:
        for task in waiting.values():
            task.cancel()


def _on_their_way(waiting: _Waiting) -> list[asyncio.Task[Answers]]:
    return [task for task in waiting.values() if not task.done()]


def _more_needed(folded: Fold, outstanding: int, new_tasks: int) -> bool:
    """Whether the answers not yet folded, at the yield so far, would leave rows missing."""
    per_answer = len(folded.kept) / folded.answers if folded.answers else new_tasks
    return outstanding == 0 or len(folded.kept) + outstanding * per_answer < folded.wanted


def _fold_those_in_turn(waiting: _Waiting, folded: Fold, report: Callable[[], None]) -> None:
    while folded.answers in waiting and waiting[folded.answers].done() and not folded.complete:
        folded.take(*waiting.pop(folded.answers).result())
        report()
        if folded.barren >= BARREN_ANSWERS and not folded.complete:
            raise TeacherError(_collapse(folded))


def _collapse(folded: Fold) -> str:
    last = folded.rejected.last
    assert last is not None  # an answer without a row has a rejection
    return (
        f"the last {BARREN_ANSWERS} answers gave no new row ({len(folded.kept)} of {folded.wanted} are kept), "
        f"so asking stops before it costs more. The last rejection was {last.reason!r}: {last.text[:200]!r}. "
        f"Ask for fewer rows, use more seed tasks or another teacher, or raise novelty_threshold if most are "
        f"near duplicates."
    )
