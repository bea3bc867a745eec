"""The parameters a notebook declares: read from its `parameters` cell, never guessed.

A declaration is one line, `name: type = literal  # help with its unit`, with the types int, float, str and bool. The
cell is read by Python's own parser, because papermill's line-by-line inspector drops some declarations without a word;
and a value of another type is refused here, because papermill would pass it on.
"""

import ast
import io
import math
import re
import tokenize
from dataclasses import dataclass
from pathlib import Path

from alpaca_nb.errors import RecipeError
from alpaca_nb.files import read_json
from alpaca_nb.runs import NOTEBOOKS_FOLDER, STAGES, Parameter

TYPES: dict[str, type[Parameter]] = {"int": int, "float": float, "str": str, "bool": bool}
RUN_DIR = "run_dir"  # every notebook has it; the runner sets it, a recipe never does
_SECRET_NAME = re.compile(r"api_?key|secret|password|credential|(^|_)(token|key)$", re.IGNORECASE)
_SECRET_VALUE = re.compile(r"^(sk-|hf_[A-Za-z0-9]{16})|://[^/@\s]+:[^/@\s]*@")
_WHOLE_NUMBER = re.compile(r"[+-]?\d+(_\d+)*")


@dataclass(frozen=True)
class Declaration:
    """One line of a `parameters` cell; `type` is a key of `TYPES`."""

    name: str
    type: str
    default: Parameter
    help: str


def declared_by_stage(folder: Path = NOTEBOOKS_FOLDER) -> dict[str, dict[str, Declaration]]:
    """Read the parameters of every stage whose notebook is in `folder`: stage → name → declaration.

    Raises RecipeError where two notebooks give one name two types.
    """
    stages = {stage: notebook_path(stage, folder) for stage in STAGES}
    found = {stage: read_declarations(path) for stage, path in stages.items() if path.exists()}
    first: dict[str, tuple[str, str]] = {}
    for stage, declarations in found.items():
        for name, declaration in declarations.items():
            other, other_type = first.setdefault(name, (stage, declaration.type))
            if other_type != declaration.type:
                raise RecipeError(
                    f"parameter {name} is {other_type} in notebook {other} but {declaration.type} in {stage}: "
                    "give it one type, or two names"
                )
    return found


def notebook_path(stage: str, folder: Path = NOTEBOOKS_FOLDER) -> Path:
    """Where the notebook of `stage` (its full name) stands."""
    return folder / f"{stage}.ipynb"


def read_declarations(notebook: Path) -> dict[str, Declaration]:
    """Read one notebook's `parameters` cell, in order; raises RecipeError naming the notebook and the line."""
    document = read_json(notebook)
    cells = document.get("cells") if isinstance(document, dict) else None
    code = [cell for cell in cells or [] if _is_code(cell)] if isinstance(cells, list) else []
    sources = [_source(cell) for cell in code if _has_tag(cell, "parameters")]
    if len(sources) != 1:
        raise RecipeError(f"{notebook.name} has {len(sources)} cells tagged `parameters`; exactly one is needed")
    try:
        tree = ast.parse(sources[0])
    except SyntaxError as error:
        raise RecipeError(f"{notebook.name}, parameters cell, line {error.lineno}: {error.msg}") from None
    comments = _comments(sources[0])
    declarations: dict[str, Declaration] = {}
    for statement in tree.body:
        try:
            declaration = _declaration(statement, comments.get(statement.end_lineno or statement.lineno, ""))
            if declaration.name in declarations:
                raise ValueError(f"{declaration.name} is declared twice")
        except ValueError as error:
            raise RecipeError(f"{notebook.name}, parameters cell, line {statement.lineno}: {error}") from None
        declarations[declaration.name] = declaration
    return declarations


def code_of(notebook: Path) -> list[str]:
    """The sources of a notebook's code cells, without the cell that papermill injects."""
    document = read_json(notebook)
    cells = document.get("cells") if isinstance(document, dict) else None
    code = [cell for cell in cells or [] if _is_code(cell)] if isinstance(cells, list) else []
    return [_source(cell) for cell in code if not _has_tag(cell, "injected-parameters")]


def from_text(declaration: Declaration, text: str) -> Parameter:
    """Read the text of `-p name=text` by the declared type; raises ValueError in words for the user."""
    if declaration.type == "str":
        return text
    if declaration.type == "bool":
        if text.lower() not in ("true", "false"):
            raise ValueError(f"{text!r} is neither true nor false")
        return text.lower() == "true"
    if declaration.type == "int":
        if not _WHOLE_NUMBER.fullmatch(text.strip()):
            raise ValueError(f"{text!r} is not a whole number")
        return int(text)
    try:
        return _finite(float(text))
    except ValueError:
        raise ValueError(f"{text!r} is not a number") from None


def from_yaml(declaration: Declaration, value: object) -> Parameter:
    """Check a YAML value against the declared type; raises ValueError in words for the user."""
    wanted = declaration.type
    if wanted == "float" and isinstance(value, int | float) and not isinstance(value, bool):
        return _finite(float(value))
    if wanted in ("int", "bool", "str") and type(value) is TYPES[wanted]:
        return value
    hint = ""
    if wanted in ("int", "float") and isinstance(value, str):
        hint = _hint_for_number_as_text(value, wanted)
    elif wanted == "str" and value is not None:
        hint = ': put it in quotes ("...")'
    elif wanted == "bool":
        hint = ": write true or false"
    raise ValueError(f"{wanted} expected, but YAML reads {value!r} ({_kind(value)}){hint}")


def refuse_secret(name: str, value: object = "") -> None:
    """Raise RecipeError for a parameter that is or holds a key; the message never repeats the value."""
    if _SECRET_NAME.search(name) or (isinstance(value, str) and _SECRET_VALUE.search(value.strip())):
        raise RecipeError(
            f"{name} looks like a secret: keys are never parameters (they would be stored in the run folder). "
            "Set the environment variable OPENAI_API_KEY instead"
        )


def _declaration(statement: ast.stmt, comment: str) -> Declaration:
    shape = "write `name: type = literal  # help`"
    if not (isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name)):
        raise ValueError(f"not a declaration; {shape}")
    name = statement.target.id
    if not (isinstance(statement.annotation, ast.Name) and statement.annotation.id in TYPES):
        raise ValueError(f"{name}: its type must be one of {', '.join(TYPES)}")
    wanted = statement.annotation.id
    try:
        value = ast.literal_eval(statement.value) if statement.value is not None else None
    except ValueError:
        raise ValueError(f"{name}: its default must be a literal; derive values in the next cell") from None
    if wanted == "float" and type(value) is int:
        value = float(value)
    if type(value) is not TYPES[wanted]:
        raise ValueError(f"{name}: the default {value!r} is not {wanted}; {shape}")
    return Declaration(name, wanted, value, comment)


def _comments(source: str) -> dict[int, str]:
    """Map line numbers (from 1) to the comment at the end of that line."""
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    return {token.start[0]: token.string.lstrip("# ").strip() for token in tokens if token.type == tokenize.COMMENT}


def _is_code(cell: object) -> bool:
    return isinstance(cell, dict) and cell.get("cell_type") == "code"


def _has_tag(cell: object, tag: str) -> bool:
    metadata = cell.get("metadata") if isinstance(cell, dict) else None
    return isinstance(metadata, dict) and tag in (metadata.get("tags") or [])


def _source(cell: object) -> str:
    source = cell["source"] if isinstance(cell, dict) else ""
    return "".join(source)


def _finite(value: float) -> float:
    if not math.isfinite(value):
        raise ValueError(f"{value} is not a number to compute with")
    return value


def _hint_for_number_as_text(text: str, wanted: str) -> str:
    try:
        number = float(text)
    except ValueError:
        return ""
    if wanted == "int":
        return f": write {int(number)} without quotes" if number.is_integer() else ""
    mantissa, _, exponent = repr(number).partition("e")
    if not exponent and "e" in text.lower():
        mantissa, _, exponent = f"{number:e}".partition("e")
        mantissa = mantissa.rstrip("0")
    mantissa = mantissa if "." in mantissa and not mantissa.endswith(".") else f"{mantissa.rstrip('.')}.0"
    return f": write {mantissa}{f'e{int(exponent):+d}' if exponent else ''} (YAML wants the point and the sign)"


def _kind(value: object) -> str:
    names = {
        str: "text",
        int: "a whole number",
        float: "a number",
        bool: "true or false",
        list: "a list",
        dict: "a map",
    }
    return "nothing" if value is None else names.get(type(value), type(value).__name__)
