"""Families of tasks whose answers code can check.

The offline teacher writes such tasks, inference holds some out as questions, and the comparison marks the answers.
`FAMILIES` lists the families, `make_tasks` draws from them, `marking.is_right` marks an answer.
"""

from alpaca_nb.checkable_tasks.family import Draft, Family
from alpaca_nb.checkable_tasks.tasks import FAMILIES, make_tasks

__all__ = ["FAMILIES", "Draft", "Family", "make_tasks"]
