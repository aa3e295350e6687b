"""What is wrong with a designer's file, as data: place, words, mend and a stable code.

Printing is apart from finding: the same problems go to a terminal, to JSON and to an editor.
"""

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from difflib import get_close_matches
from typing import Any, Literal

Code = Literal[
    "bad-calendar",
    "bad-channel",
    "bad-choice",
    "bad-condition",
    "bad-cron",
    "bad-date",
    "bad-duration",
    "bad-name",
    "bad-number",
    "bad-parameter",
    "bad-pattern",
    "bad-quiet-hours",
    "bad-rate",
    "bad-source",
    "bad-split",
    "bad-stores",
    "bad-template",
    "bad-time-of-day",
    "bad-timezone",
    "bad-window",
    "calendar-missing",
    "class-missing",
    "duplicate-key",
    "duplicate-name",
    "elapsed-with-at",
    "expiry-missing",
    "goal-may-be-late",
    "key-missing",
    "key-never-matches",
    "key-without-value",
    "lookback-too-long",
    "looks-like-a-secret",
    "loop-without-rest",
    "match-unclear",
    "max-missing",
    "missing-word",
    "moment-unclear",
    "never-ends",
    "never-leaves",
    "no-event-here",
    "no-such-blueprint",
    "no-such-channel",
    "no-such-event",
    "no-such-file",
    "no-such-function",
    "no-such-goal",
    "no-such-map",
    "no-such-param",
    "no-such-parameter",
    "no-such-person",
    "no-such-property",
    "no-such-purpose",
    "no-such-root",
    "no-such-segment",
    "no-such-split",
    "no-such-stage",
    "no-such-template",
    "no-template-block",
    "no-workspace",
    "not-a-condition",
    "nothing-to-await",
    "one-way-on",
    "outcome-is-a-stage",
    "outcome-missing",
    "param-missing",
    "parameter-missing",
    "stage-cannot-be-left",
    "timer-never-fires",
    "too-deep",
    "too-large",
    "too-many-aliases",
    "trait-is-computed",
    "traits-in-a-circle",
    "unknown-word",
    "unreachable-stage",
    "without-unnoticed",
    "wrong-place",
    "wrong-shape",
    "wrong-type",
    "yaml-syntax",
]
"""Every code there is; each heads a paragraph of docs/designers/errors.md and is never renamed."""


PROBLEMS_AT_MOST = 200
"""Of one phase; whoever has more mends these first, for finding what is near takes long."""

SOURCE_SHOWN = 1_000
"""A line longer than so many characters is not shown with its problem."""


@dataclass(frozen=True, slots=True)
class Place:
    """`line` and `col` count from 1, in characters; `source` is the whole line."""

    file: str
    line: int
    col: int
    length: int
    source: str


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake: `what` in the designer's words, `mend` says how to put it right."""

    file: str
    line: int
    col: int
    length: int
    code: Code
    what: str
    mend: str
    source: str = ""
    severity: Literal["error", "warning"] = "error"
    """A warning keeps nothing from being published."""
    maps: tuple[str, ...] = ()
    """The maps made from a blueprint in which it shows, where it stands in the blueprint."""


class MapError(Exception):
    """A designer's mistake: all problems of one phase, sorted by file and place; at least one."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(problems, key=lambda each: (each.file, each.line, each.col)))
        super().__init__("\n".join(render(each) for each in self.problems))


class Problems:
    """Collects the problems of one phase."""

    def __init__(self) -> None:
        self._found: dict[Problem, tuple[str, ...]] = {}
        """Each with the maps in which it shows."""

    def add(
        self,
        code: Code,
        place: Place,
        what: str,
        mend: str,
        severity: Literal["error", "warning"] = "error",
    ) -> None:
        """The same words at the same place count once: an alias is read again where it is used.

        Raises MapError where there are too many already.
        """
        where = place.file, place.line, place.col, place.length
        if len(self._found) >= PROBLEMS_AT_MOST:
            raise MapError(self.all())
        source = place.source if len(place.source) <= SOURCE_SHOWN else ""
        problem = Problem(*where, code, what, mend, source, severity)
        self._found.setdefault(problem, ())

    def warn(self, code: Code, place: Place, what: str, mend: str) -> None:
        """Adds what may well be meant, and mostly is not."""
        self.add(code, place, what, mend, "warning")

    def take(self, others: "Problems", map_: str) -> None:
        """Adds what was found in the blueprint of a map; the same in several maps counts once."""
        for problem in others._found:
            self._found[problem] = (*self._found.get(problem, ()), map_)

    def __len__(self) -> int:
        return len(self._found)

    def raise_if_any(self) -> None:
        """Ends a phase; raises MapError, warnings and all, unless there is nothing but warnings."""
        if any(each.severity == "error" for each in self._found):
            raise MapError(self.all())

    def all(self) -> tuple[Problem, ...]:
        """Sorted by file and place."""
        found = (replace(each, maps=maps) for each, maps in self._found.items())
        return tuple(sorted(found, key=lambda each: (each.file, each.line, each.col)))


def render(problem: Problem) -> str:
    """One problem as people read it: where, what, how to mend it, and the line with a mark."""
    where = f"{problem.file}:{problem.line}:{problem.col}"
    said = f"{problem.what} {problem.mend}{_shown_in(problem.maps)}"
    warning = "Warning: " if problem.severity == "warning" else ""
    head = f"{where}: {warning}{said} [{problem.code}]"
    if not problem.source.strip():
        return head
    number = str(problem.line)
    blank = _blank(problem.source[: problem.col - 1])
    mark = "^" + "~" * (_width(_marked(problem)) - 1)
    return f"{head}\n{number} | {problem.source}\n{' ' * len(number)} | {blank}{mark}"


def as_json(problem: Problem) -> dict[str, Any]:
    """For scripts and editors: the fields by name."""
    return asdict(problem)


def nearest(word: str, words: Iterable[str]) -> str:
    """`Did you mean "x"?`, else what there is to choose from."""
    known = sorted(words)
    alike = [each for each in known if abs(len(each) - len(word)) <= _LONGER_AT_MOST]
    close = get_close_matches(word, alike[:_LOOKED_AT], n=1, cutoff=0.6)
    if close:
        return f'Did you mean "{close[0]}"?'
    return f"There is: {listed(known)}." if known else "There is none yet."


_LONGER_AT_MOST = 12
_LOOKED_AT = 500


def listed(words: Sequence[str], limit: int = 12) -> str:
    """Names in a row for a sentence, at most `limit` of them."""
    shown = ", ".join(words[:limit])
    return shown if len(words) <= limit else f"{shown} and {len(words) - limit} more"


def _shown_in(maps: Sequence[str]) -> str:
    if not maps:
        return ""
    return f" It shows in {'maps' if maps[1:] else 'the map'} {listed(maps)}."


def _marked(problem: Problem) -> str:
    start = problem.col - 1
    return problem.source[start : start + max(problem.length, 1)] or " "


def _blank(text: str) -> str:
    return "".join("\t" if char == "\t" else " " * _width(char) for char in text)


def _width(text: str) -> int:
    """Columns on a terminal: Chinese characters take two."""
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)
