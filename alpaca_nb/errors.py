"""The few kinds of errors the kit raises on purpose: what is wrong, where, and what to do about it.

Every one derives from `KitError`. The command line prints its message without a traceback and exits with
status 2 (bad input) or 1 (a stage failed); anything else that escapes is a fault of the kit.
"""


class KitError(Exception):
    """Something the user can mend; the message says what, where and how."""


class RecipeError(KitError):
    """A recipe or a `-p` option names an unknown parameter, a wrong type or an unknown recipe."""


class InputFileError(KitError):
    """A file that a stage reads is missing, damaged or in another format; the message holds path and line."""


class ModelError(KitError):
    """A base model cannot be found, downloaded, verified or loaded safely."""


class TeacherError(KitError):
    """The teacher's endpoint refused, failed or answered something that is not an answer."""


class BudgetError(KitError):
    """The next request could cost more than `budget_usd` leaves, or a price is not known."""


class LedgerError(KitError):
    """The ledger of answers is locked by another process, belongs to another configuration or cannot be written."""


class TrainingError(KitError):
    """A training process failed; the message holds the failing rank's own words."""


class StageError(KitError):
    """A notebook did not finish; the message names the notebook, the cell and the log."""
