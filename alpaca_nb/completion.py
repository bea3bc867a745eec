"""Completion of the command line by the Tab key, through argcomplete: commands, options, recipes and parameters.

A shell that asks (argcomplete's variable is in the environment) is answered before any command runs.
"""

import argparse
import os
from collections.abc import Callable

from alpaca_nb.runs import KIT_FOLDER, STAGES

SHELLS = ("bash", "zsh", "fish", "powershell")
EXAMPLES = """\
examples:
  eval "$(alpaca-nb completion bash)"        in ~/.bashrc (zsh: in ~/.zshrc, with zsh instead of bash)
  alpaca-nb completion fish | source         in ~/.config/fish/config.fish"""


def add_completion(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]", add: Callable[..., argparse.ArgumentParser]
) -> None:
    """Declare the command that prints what a shell needs."""
    command = add(commands, "completion", _completion, "print what makes a shell complete this command", EXAMPLES)
    command.add_argument("shell", choices=SHELLS)


def answer_the_shell(parser: argparse.ArgumentParser) -> None:
    """Print the completions and end the process where a shell asks for them; else do nothing."""
    if "_ARGCOMPLETE" not in os.environ:
        return
    import argcomplete

    for action in _actions(parser):
        if action.dest in _COMPLETERS:
            action.completer = _COMPLETERS[action.dest]  # type: ignore[attr-defined]
    argcomplete.autocomplete(parser)


def _completion(options: argparse.Namespace) -> int:
    from argcomplete.shell_integration import shellcode

    print(shellcode(["alpaca-nb"], shell=options.shell))
    return 0


def _actions(parser: argparse.ArgumentParser) -> list[argparse.Action]:
    """Every option and argument of a parser and of the commands below it."""
    found = list(parser._actions)
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            found += [below for command in action.choices.values() for below in _actions(command)]
    return found


def _recipes(**_: object) -> list[str]:
    return [path.stem for path in (KIT_FOLDER / "papermill_runs" / "recipes").glob("*.yaml")]


def _parameters(**_: object) -> list[str]:
    from alpaca_nb.parameters import RUN_DIR, declared_by_stage

    names = {name for declarations in declared_by_stage().values() for name in declarations}
    return [f"{name}=" for name in sorted(names - {RUN_DIR})]


def _stages(**_: object) -> list[str]:
    return [stage[:2] for stage in STAGES]


_COMPLETERS: dict[str, Callable[..., list[str]]] = {
    "recipe": _recipes,
    "parameter": _parameters,
    "first": _stages,
    "last": _stages,
}
