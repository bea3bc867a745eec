"""`alpaca-nb inspect FILE`: the quality report as text, as JSON, and a mended copy."""

import dataclasses
from argparse import Namespace
from collections import Counter
from pathlib import Path

from alpaca_nb.alpaca_format import read_rows
from alpaca_nb.errors import InputFileError
from alpaca_nb.files import write_json
from alpaca_nb.quality.fix import Change, log_of, refuse_existing, write_fixed
from alpaca_nb.quality.reading import is_task_file, read_any
from alpaca_nb.quality.report import DEFECTS, CountTokens, Lengths, Report, inspect_rows
from alpaca_nb.quality.verbs import RULES

BARS = " ▁▂▃▄▅▆▇█"
DETAIL_WIDTH = 70  # characters


def inspect(options: Namespace) -> int:
    """Run the command; `options` has file, eval_file, tokenizer, samples, fix and json. Returns the exit status."""
    if options.fix is not None and is_task_file(options.file):
        raise InputFileError(f"{options.file} holds tasks with instances; --fix mends Alpaca-format files only")
    if options.fix is not None:
        refuse_existing(options.fix, log_of(options.fix), option="--fix")
    if options.json is not None:
        refuse_existing(options.json, option="--json")
        if options.fix is not None and options.json.resolve() in (options.fix.resolve(), log_of(options.fix).resolve()):
            raise InputFileError(f"{options.json} is what --fix writes; name another file for the report")
    rows = read_any(options.file)
    evaluation = read_any(options.eval_file) if options.eval_file is not None else []
    report = inspect_rows(rows, evaluation=evaluation, count_tokens=_tokenizer(options.tokenizer))
    print(text_of(report, options.file.name, options.samples))
    if options.json is not None:
        write_json(options.json, dataclasses.asdict(report))
        print(f"\nevery finding with its row: {options.json}")
    if options.fix is not None:
        log, kept, changes = write_fixed(read_rows(options.file), options.fix)
        print(f"\n{_summary(changes)}\n{options.fix}: {kept} of {len(rows)} rows; every change: {log}")
    return 0


def text_of(report: Report, name: str, samples: int = 1) -> str:
    """The report for a terminal."""
    share = report.with_input / report.rows
    lines = [f"{name}: {report.rows} rows, {report.with_input} with input ({share:.1%})", ""]
    lines.append(f"{'defect':<24}{'rows':>6}{'share':>9}  what it is; samples as row (from 0): detail")
    for defect in report.checked:
        found = report.of(defect)
        lines.append(f"{defect:<24}{len(found):>6}{len(found) / report.rows:>9.2%}  {DEFECTS[defect]}")
        lines += [f"{'':<41}{finding.row}: {_short(finding.detail)}" for finding in found[:samples]]
    lines += ["", f"{'length':<24}{'mean':>7}{'median':>8}{'95 %':>7}{'most':>7}  rows by size (1, 2, 4, 8, … )"]
    lines += [_length_line(lengths) for lengths in report.lengths]
    words = ", ".join(f"{word} {count / report.rows:.1%}" for word, count in report.first_words.items())
    verbs = ", ".join(f"{verb} {count / report.rows:.1%}" for verb, count in report.verbs.items())
    lines += ["", f"first words ({report.distinct_first_words} different): {words}"]
    return "\n".join([*lines, f"first verbs, by {RULES}: {verbs}"])


def _length_line(lengths: Lengths) -> str:
    label = f"{lengths.field}, {lengths.unit}"
    numbers = f"{lengths.mean:>7.1f}{lengths.median:>8g}{lengths.p95:>7}{lengths.longest:>7}"
    uppers = [1 << power for power in range(max(lengths.counts).bit_length())]
    most = max(lengths.counts.values())
    bars = "".join(BARS[-(-lengths.counts.get(upper, 0) * (len(BARS) - 1) // most)] for upper in uppers)
    return f"{label:<24}{numbers}  |{bars}| to {uppers[-1]}"


def _short(text: str) -> str:
    one_line = " ".join(text.split())
    return one_line if len(one_line) <= DETAIL_WIDTH else f"{one_line[: DETAIL_WIDTH - 1]}…"


def _summary(changes: list[Change]) -> str:
    dropped = Counter(change.what.split()[0] for change in changes if change.after is None)
    changed = Counter(change.what for change in changes if change.after is not None)
    parts = [f"{count} mended: {what}" for what, count in sorted(changed.items())]
    parts += [f"{count} dropped: {what}" for what, count in sorted(dropped.items())]
    return "; ".join(parts) or "nothing to mend"


def _tokenizer(folder: Path | None) -> CountTokens | None:
    if folder is None:
        return None
    from alpaca_nb.models.loading import load_tokenizer

    tokenizer = load_tokenizer(folder)
    return lambda text: len(tokenizer(text, add_special_tokens=False)["input_ids"])
