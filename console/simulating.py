"""`wayline simulate`: lines in, what became of her out; the same for a keyboard and for a file."""

from collections.abc import Iterable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

from console.folders import read_documents
from console.pictures import the_map
from console.refusals import Refused
from console.trials import workspace_of
from journeys.engine.local_time import add
from journeys.language.durations import parse_duration
from journeys.language.map_tests_grammar import moment as check_moment
from journeys.language.model import Map
from journeys.language.problems import Place, Problems, nearest
from journeys.language.tree import Mapping, Scalar, plain, read_tree
from journeys.language.workspace import compile_workspace
from journeys.replay.books import Books, books_of
from journeys.replay.moments import Moments
from journeys.replay.simulation import Simulation, Would
from journeys.replay.story import Beat
from schemas.touchpoint import Millis

HELP = """\
  order.paid {amount: 5}    a touchpoint of this type happens now
  traits {first_name: Ann}  something is said of her; also: consents {sms: false}
  wait                      until something happens of itself
  wait 3d                   so long; also: wait 12h, wait until +2d 10:30
  would                     what each touchpoint, and waiting, would do now
  show                      what she is in, and what is known of her
  help, quit"""


class Session:
    """One simulation, driven by lines."""

    def __init__(self, path: Path, name: str | None, day: str) -> None:
        """Raises MapError, CannotRead and Refused like `draw`; Refused too for a bad day."""
        folder = workspace_of(path)
        documents = read_documents(folder)
        chosen: Map = the_map(path, name)
        self.books: Books = books_of(documents, compile_workspace(documents), [chosen.name])
        try:
            self._moments = Moments(chosen.zone, date.fromisoformat(day))
        except ValueError:
            raise Refused(f"{day} is no day. Write it as 2026-05-04.") from None
        start = Millis(self._moments.midnight() + 9 * 3600 * 1000)
        self.simulation = Simulation(self.books, chosen, start)

    def prompt(self) -> str:
        return f"{self._moments.show(self.simulation.now)} > "

    def answer(self, line: str) -> Iterator[str]:
        """What is said to a line; Refused where it is not understood."""
        word, _, rest = line.strip().partition(" ")
        match word:
            case "" | "#":
                return
            case "help":
                yield HELP
            case "show":
                yield from self._show()
            case "would":
                yield from self._would()
            case "wait":
                yield from self._told(self.simulation.wait(self._until(rest.strip())))
                yield from self._show()
            case "traits" | "consents":
                given = {word: _mapping(rest)}
                yield from self._told(self.simulation.touch("profile.updated", {}, **given))
                yield from self._show()
            case _:
                self._check_type(word)
                yield from self._told(self.simulation.touch(word, _mapping(rest)))
                yield from self._show()

    def _until(self, written: str) -> Millis:
        now = self.simulation.now
        if not written:
            found = self.simulation.next_moment()
            if found is None:
                raise Refused("Nothing will happen of itself; no timer is armed.")
            return found
        duration = parse_duration(written)
        if duration is not None:
            return Millis(add(duration, now, self.simulation.zone))
        moment = written.removeprefix("until").strip()
        problems = Problems()
        check_moment(Scalar(moment, moment, Place("", 1, 1, 1, "")), problems)
        if len(problems):
            raise Refused(f'"{written}" is no time. Write 3d, 12h, or until +2d 10:30.')
        return self._moments.read(moment)

    def _check_type(self, word: str) -> None:
        declared = self.books.workspace.events
        if declared and word not in declared:
            known = [*declared, "wait", "would", "show", "traits", "consents", "help", "quit"]
            raise Refused(f'There is no touchpoint type or word "{word}". {nearest(word, known)}')

    def _told(self, beats: list[Beat]) -> Iterator[str]:
        for beat in beats:
            mark = "•" if beat.kind == "given" else " "
            yield f"  {self._moments.show(beat.at):12} {mark} {beat.text}"
        if not beats:
            yield "  nothing happens"

    def _show(self) -> Iterator[str]:
        instances = self.simulation.instances()
        for each in instances:
            where = each.map if each.key is None else f"{each.map}[{each.key}]"
            due = min((timer.deadline for timer in each.timers), default=None)
            until = "" if due is None else f", next timer {self._moments.show(due)}"
            gate = f", {len(each.gate)} at the gate" if each.gate else ""
            yield f"  she is in {where}: {each.stage}{until}{gate}"
        if not instances:
            yield "  she is in no map"
        facts = self.simulation.facts()
        if facts:
            yield "  known of her: " + ", ".join(f"{n} = {value}" for n, value in facts.items())

    def _would(self) -> Iterator[str]:
        for would in self.simulation.would():
            nothing = "nothing"
            if would.due is not None:
                nothing = f"the timer waits until {self._moments.show(would.due)}"
            came = "; ".join(beat.text for beat in would.beats)
            yield f"  {self._headed(would)} → {came or nothing}"

    def _headed(self, would: Would) -> str:
        if would.at is not None:
            return f"waiting until {self._moments.show(would.at)}"
        likely = self.simulation.likely(would.what)
        shown = ", ".join(f"{name}: {value}" for name, value in likely.items())
        return f"{would.what} {{{shown}}}" if shown else would.what


def converse(session: Session, lines: Iterable[str], *, talks: bool) -> None:
    """Until the lines end or one says `quit`. With `talks` somebody is at the keyboard, who may
    try again; else a line that is not understood raises Refused."""
    _invite(session, "Say help for the words.\n", talks)
    for line in lines:
        if line.strip() in ("quit", "exit"):
            return
        if not talks and line.strip():
            print(f"{session.prompt()}{line.strip()}")
        try:
            for said in session.answer(line):
                print(said)
        except Refused as refused:
            if not talks:
                raise
            print(f"  {refused}")
        _invite(session, "", talks)


def _invite(session: Session, greeting: str, talks: bool) -> None:
    if talks:
        print(f"{greeting}{session.prompt()}", end="", flush=True)


def _mapping(written: str) -> dict[str, Any]:
    """A flow mapping such as `{amount: 5}`; nothing is an empty one."""
    if not written.strip():
        return {}
    problems = Problems()
    tree = read_tree(written, "here", problems)
    if not isinstance(tree, Mapping):
        raise Refused(f"{written.strip()} is no mapping. Write it as {{amount: 5}}.")
    found: dict[str, Any] = plain(tree)
    return found
