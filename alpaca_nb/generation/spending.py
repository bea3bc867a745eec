"""What the progress line says while requests are on their way: yield, tokens, and dollars spent and to come."""

from alpaca_nb.generation.fold import Fold
from alpaca_nb.teacher.recorded import RecordedTeacher

LEAST_ANSWERS = 3  # before a projection says anything


def note(folded: Fold, asked: int, teacher: RecordedTeacher) -> str:
    """Items asked and read, candidates rejected, tokens in and out, dollars so far and, once known, at the end."""
    totals, spent = teacher.totals, float(teacher.budget.spent_usd)
    return (
        f"{asked} asked, {folded.answers} read, {len(folded.rejected)} rejected · "
        f"{_short(totals.prompt_tokens)} tokens in, {_short(totals.completion_tokens)} out · "
        f"${spent:.4f}{_projected(folded, spent)}"
    )


def _projected(folded: Fold, spent: float) -> str:
    if folded.complete or folded.answers < LEAST_ANSWERS or not folded.kept or not spent:
        return ""
    return f" of about ${spent * folded.wanted / len(folded.kept):.4f}"


def _short(tokens: int) -> str:
    """1234 as 1.2k, 1234567 as 1.2M."""
    if tokens < 1000:
        return str(tokens)
    return f"{tokens / 1e3:.1f}k" if tokens < 1_000_000 else f"{tokens / 1e6:.1f}M"
