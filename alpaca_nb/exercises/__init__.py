"""The notebooks' exercises check themselves here: what is right follows from the reader's own run, not from a list.

`checking` finds the check of an exercise and prints what it says; `answers` reads what a reader may have written and
compares it; one file a notebook (named like the stage's folder) holds the checks; `student` writes copies of the
notebooks with empty answers. This room may use every stage's code, and no stage uses it.
"""

from alpaca_nb.exercises.checking import Exercises

__all__ = ["Exercises"]
