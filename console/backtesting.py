"""People of the past led through maps: opened, spread over processes, counted or compared."""

import multiprocessing
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from console.folders import CannotRead, read_documents
from console.refusals import Refused
from console.trials import workspace_of
from journeys.language.model import Emit, Map, Start, Workspace, doings
from journeys.language.names import REQUESTED
from journeys.language.workspace import compile_map, compile_settings, settings_of, whole_texts
from journeys.replay.differing import Difference, difference
from journeys.replay.pasts import START, Happened, Rules, as_known_before, relive, rules_of
from journeys.replay.tally import Tally
from schemas.inbox import Arrived, Emitted, InboxRecord
from schemas.touchpoint import Millis

IN_A_PART = 20_000
"""Touchpoints that a process is given at a time, more for one long past."""

Past = list[Happened]


@dataclass(frozen=True, slots=True)
class Draft:
    """Maps with the settings they stand in; texts, so that every process can compile its own."""

    settings: Mapping[str, str]
    maps: tuple[tuple[str, str], ...]
    """(file, text)."""

    def compiled(self) -> tuple[Workspace, list[Map]]:
        """Raises MapError."""
        workspace = compile_settings(self.settings)
        return workspace, [compile_map(text, file, workspace) for file, text in self.maps]

    def rules(self) -> Rules:
        return rules_of(*self.compiled())


@dataclass(frozen=True, slots=True)
class Period:
    """What counts is dated in [since, until]; before that, touchpoints only say what is known."""

    since: Millis | None
    until: Millis

    @property
    def begin(self) -> Millis:
        """Since when the maps are in force."""
        return self.since or START


def open_draft(paths: Iterable[Path]) -> Draft:
    """Files of maps, or folders whose maps are all meant; all of one workspace.

    Raises CannotRead, and Refused where the workspaces are not one, or a map is there twice.
    """
    given = list(paths)
    folders = {workspace_of(path).resolve() for path in given}
    if len(folders) > 1:
        named = ", ".join(str(folder) for folder in sorted(folders))
        raise Refused(f"These maps are of several workspaces: {named}. Name maps of one.")
    (folder,) = folders
    documents = read_documents(folder)
    settings = settings_of(documents)
    maps: dict[str, str] = {}
    for path in given:
        if path.is_dir():
            maps |= {name: text for name, text in documents.items() if name.startswith("maps/")}
        else:
            maps[_named(path, folder)] = _text(path)
    draft = Draft(settings, tuple(whole_texts(maps, documents).items()))
    names = [each.name for each in draft.compiled()[1]]
    if len(set(names)) < len(names):
        raise Refused("Two of these files hold the same map. To compare them: `wayline diff`.")
    if not names:
        raise Refused(f"{folder} holds no map.")
    return draft


def made_by(maps: Iterable[Map]) -> frozenset[str]:
    """The types of touchpoints that these maps make themselves."""
    made = set()
    for map_ in maps:
        for item in doings(map_):
            if isinstance(item, Emit):
                made.add(item.type)
            elif isinstance(item, Start):
                made.add(REQUESTED)
    return frozenset(made)


def tally_of(
    draft: Draft, pasts: Iterable[Past], period: Period, jobs: int, done: Callable[[int], None]
) -> Tally:
    """All counts; `done` hears of each part how many touchpoints it was."""
    whole = _empty(draft.compiled()[1])
    for count, part in _spread(_count, [draft], pasts, period, jobs):
        whole.add(part)
        done(count)
    return whole


def differences_of(
    old: Draft,
    new: Draft,
    pasts: Iterable[Past],
    period: Period,
    jobs: int,
    done: Callable[[int], None],
) -> Iterator[tuple[int, Difference]]:
    """Of each past that would go another way: its place in the order given, and where it does.

    Parts come as they are done.
    """
    for count, part in _spread(_compare, [old, new], pasts, period, jobs):
        yield from part
        done(count)


Numbered = list[tuple[int, Past]]
Work = Callable[[list[Rules], list[Map], Numbered, Period], Any]


def _count(rules: list[Rules], maps: list[Map], pasts: Numbered, period: Period) -> Tally:
    tally = _empty(maps)
    for _, past in pasts:
        tally.add_life(relive(rules[0], past, period.until, period.begin), _touchpoints(past))
    return tally


def _compare(
    rules: list[Rules], maps: list[Map], pasts: Numbered, period: Period
) -> list[tuple[int, Difference]]:
    found = []
    for number, past in pasts:
        old, new = (relive(each, past, period.until, period.begin) for each in rules)
        if (differs := difference(old, new)) is not None:
            found.append((number, differs))
    return found


def _spread(
    work: Work, drafts: list[Draft], pasts: Iterable[Past], period: Period, jobs: int
) -> Iterator[tuple[int, Any]]:
    """The work on each part of the people, here or in so many processes; unordered."""
    if jobs == 1:
        bench = _Bench(drafts)
        for part in _parts(pasts, period):
            yield _size(part), work(bench.rules, bench.maps, part, period)
        return
    # Not forked: the progress of a terminal is drawn by a thread.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs, context, _begin, (drafts,)) as pool:
        running: dict[Future[Any], int] = {}
        for part in _parts(pasts, period):
            running[pool.submit(_remote, work, _pack(part), period)] = _size(part)
            if len(running) > 2 * jobs:
                yield from _finished(running)
        while running:
            yield from _finished(running)


def _finished(running: "dict[Future[Any], int]") -> Iterator[tuple[int, Any]]:
    for future in wait(running, return_when=FIRST_COMPLETED).done:
        yield running.pop(future), future.result()


class _Bench:
    """What a process has compiled."""

    def __init__(self, drafts: list[Draft]) -> None:
        self.rules = [draft.rules() for draft in drafts]
        self.maps = drafts[-1].compiled()[1]


_benches: list[_Bench] = []
"""In a process of a pool: its own, made once."""

_pack = msgspec.msgpack.Encoder().encode
_unpack = msgspec.msgpack.Decoder(list[tuple[int, list[tuple[int, InboxRecord]]]]).decode


def _begin(drafts: list[Draft]) -> None:
    _benches.append(_Bench(drafts))


def _remote(work: Work, packed: bytes, period: Period) -> Any:
    bench = _benches[0]
    part = [
        (number, [Happened(Millis(heard), record) for heard, record in past])
        for number, past in _unpack(packed)
    ]
    return work(bench.rules, bench.maps, part, period)


def _parts(pasts: Iterable[Past], period: Period) -> Iterator[Numbered]:
    part: Numbered = []
    size = 0
    for number, past in enumerate(pasts):
        part.append((number, past if period.since is None else as_known_before(past, period.since)))
        size += len(past)
        if size >= IN_A_PART:
            yield part
            part, size = [], 0
    if part:
        yield part


def _size(part: Numbered) -> int:
    return sum(_touchpoints(past) for _, past in part)


def _touchpoints(past: Past) -> int:
    return sum(isinstance(record, Arrived | Emitted) for _, record in past)


def _empty(maps: Iterable[Map]) -> Tally:
    return Tally({each.name: each.zone for each in maps})


def jobs_of(wanted: int | None, touchpoints: int) -> int:
    """As many processes as there are cores; one for a small history, which is done sooner so."""
    if wanted is not None:
        return max(1, wanted)
    return 1 if touchpoints < 2 * IN_A_PART else os.cpu_count() or 1


def _named(path: Path, folder: Path) -> str:
    return path.resolve().relative_to(folder).as_posix()


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise CannotRead(f"{path} cannot be read: {error}.") from None
