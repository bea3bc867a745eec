"""`python -m alpaca_nb.handouts slides` or `reader`; `make slides` and `make reader` call it."""

import argparse
import sys
from pathlib import Path

from alpaca_nb.handouts.lessons import Lesson, read_lessons
from alpaca_nb.handouts.reader import write_reader
from alpaca_nb.handouts.slides import write_slides
from alpaca_nb.runs import KIT_FOLDER, OUTPUT_FOLDER

BUILD = KIT_FOLDER / "build"


def main(arguments: list[str] | None = None) -> int:
    """Write the handout that is asked for; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m alpaca_nb.handouts", description=__doc__)
    parser.add_argument("what", choices=("slides", "reader"))
    parser.add_argument("--run-dir", type=Path, default=OUTPUT_FOLDER / "tiny", help="run whose outputs are shown")
    parser.add_argument("--output", type=Path, default=BUILD, help="folder to write into (default: build)")
    options = parser.parse_args(arguments)
    lessons = read_lessons(options.run_dir)
    if options.what == "slides":
        written = write_slides(lessons, options.output / "slides")
    else:
        written = [write_reader(lessons, options.output / "reader.html")]
    for path in written:
        print(path)
    print(about_outputs(lessons, options.run_dir))
    return 0


def about_outputs(lessons: list[Lesson], run_dir: Path) -> str:
    """Say which outputs are shown, and what is missing."""
    missing = {lesson.stage[:2]: lesson.without_output for lesson in lessons if lesson.without_output}
    if not missing:
        return f"Outputs of {run_dir}"
    cells = ", ".join(f"{number}: {count}" for number, count in missing.items())
    return f"Outputs of {run_dir}; cells without (not run there, or changed since): {cells}"


if __name__ == "__main__":
    sys.exit(main())
