"""Problems of a workspace, printed: for people, for scripts, for a pull request."""

from collections.abc import Sequence
from pathlib import Path

import orjson

from journeys.language.problems import Problem, as_json, render


def as_text(problems: Sequence[Problem], folder: Path) -> str:
    """Each with its line and a mark under it, then how many there are."""
    rendered = [render(problem) for problem in problems]
    warnings = sum(problem.severity == "warning" for problem in problems)
    counts = [_counted(len(problems) - warnings, "problem"), _counted(warnings, "warning")]
    return "\n\n".join([*rendered, f"{folder}: {', '.join(filter(None, counts))}."])


def _counted(number: int, what: str) -> str:
    return f"{number} {what}{'s' if number > 1 else ''}" if number else ""


def as_lines(problems: Sequence[Problem], _: Path) -> str:
    """One JSON array, by the fields' names."""
    listed = [as_json(problem) for problem in problems]
    return orjson.dumps(listed, option=orjson.OPT_INDENT_2).decode()


def as_github(problems: Sequence[Problem], folder: Path) -> str:
    """Workflow commands, which GitHub shows at the line of the file."""
    return "\n".join(_annotation(problem, folder) for problem in problems)


def _annotation(problem: Problem, folder: Path) -> str:
    where = f"file={(folder / problem.file).as_posix()},line={problem.line},col={problem.col}"
    until = f"endColumn={problem.col + max(problem.length, 1)},title={problem.code}"
    # GitHub reads % and line ends in a message as its own signs.
    said = f"{problem.what} {problem.mend}".replace("%", "%25").replace("\n", "%0A")
    return f"::{problem.severity} {where},{until}::{said}"
