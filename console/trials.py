"""The tests of a workspace's maps: found, run, and told to people and to scripts."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.cells import cell_len, set_cell_size

from console.folders import CannotRead, read_documents
from console.refusals import Refused
from journeys.language.map_tests import MapTest, read_tests
from journeys.language.workspace import Compiled, compile_workspace
from journeys.replay.comparing import Failure
from journeys.replay.coverage import Coverage, coverage_of
from journeys.replay.sight import Item
from journeys.replay.trial import Verdict, run_test


@dataclass(frozen=True, slots=True)
class Bench:
    """A workspace with those of its tests that were asked for; `whole`: of a map all or none."""

    folder: Path
    documents: dict[str, str]
    compiled: Compiled
    tests: tuple[MapTest, ...]
    whole: bool


@dataclass(frozen=True, slots=True)
class Report:
    """Every verdict, and by map what no test reached (only where all its tests ran)."""

    verdicts: tuple[Verdict, ...]
    coverage: dict[str, Coverage]

    @property
    def passed(self) -> bool:
        return all(verdict.passed for verdict in self.verdicts)


def open_bench(path: Path, named: str | None = None) -> Bench:
    """The tests of a workspace folder, or of one map file in it; `named` is a part of a name.

    Raises CannotRead where there is no workspace, MapError with what `check` would say, and
    Refused where no test has that name.
    """
    folder = workspace_of(path)
    documents = read_documents(folder)
    compiled = compile_workspace(documents)
    tests = read_tests(compiled)
    if path.is_file():
        file = path.resolve().relative_to(folder.resolve()).as_posix()
        tests = tuple(test for test in tests if test.file == file)
    if named is not None:
        tests = tuple(test for test in tests if named.lower() in test.name.lower())
        if not tests:
            raise Refused(f'No test has "{named}" in its name.')
    return Bench(folder, documents, compiled, tests, whole=named is None)


def workspace_of(path: Path) -> Path:
    """The folder itself, or for a file the nearest folder above it that holds wayline.yaml."""
    if not path.exists():
        raise CannotRead(f"There is no {path}.")
    if path.is_dir():
        return path
    for folder in path.resolve().parents:
        if (folder / "wayline.yaml").is_file():
            return folder
    raise CannotRead(f"No folder above {path} holds wayline.yaml, so it is in no workspace.")


def run_all(bench: Bench) -> Report:
    """Runs them in the order of files and lines."""
    verdicts = tuple(run_test(bench.documents, bench.compiled, test) for test in bench.tests)
    rows: defaultdict[str, list[Item]] = defaultdict(list)
    for verdict in verdicts:
        if bench.whole:
            rows[verdict.test.map] += verdict.rows
    maps = {each.name: each for each in bench.compiled.maps}
    return Report(verdicts, {name: coverage_of(maps[name], each) for name, each in rows.items()})


def as_text(report: Report, folder: Path) -> Iterator[str]:
    """A line a test; a failed one with both sides and its story; what was never reached."""
    for verdict in report.verdicts:
        test = verdict.test
        yield f"{'ok  ' if verdict.passed else 'FAIL'}  {test.map}: {test.name}"
        if not verdict.passed:
            yield from _told(verdict)
    for name, coverage in report.coverage.items():
        yield from _never_reached(name, coverage)
    failed = sum(not verdict.passed for verdict in report.verdicts)
    count = len(report.verdicts)
    said = "no test" if not count else f"{count} test{'s' if count > 1 else ''}"
    yield f"{folder}: {said}, {failed} failed."


def as_json(report: Report) -> dict[str, Any]:
    """For scripts; moments are as the test would write them."""
    return {
        "passed": report.passed,
        "tests": [_verdict(verdict) for verdict in report.verdicts],
        "never_reached": {name: asdict(each) for name, each in report.coverage.items()},
    }


def failure_text(verdict: Verdict) -> str:
    """All that failed in one test, for reports that have one text for it."""
    return "\n".join(_told(verdict))


def _told(verdict: Verdict) -> Iterator[str]:
    if verdict.error is not None:
        yield from (f"      {line}" for line in str(verdict.error).splitlines())
        return
    for failure in verdict.failures:
        yield f"  {failure.place.file}:{failure.place.line}:{failure.place.col}  {failure.what}"
        yield from (f"      {line}" for line in _side_by_side(failure))
    yield "  the story"
    yield from (f"      {line}" for line in _story(verdict))


def _side_by_side(failure: Failure) -> list[str]:
    left = ["expected", *(failure.expected or ("nothing",))]
    right = ["got", *(failure.got or ("nothing",))]
    rows = max(len(left), len(right))
    left += [""] * (rows - len(left))
    right += [""] * (rows - len(right))
    width = max(cell_len(line) for line in left)
    marks = [
        " ",
        *("|" if one != other else " " for one, other in zip(left[1:], right[1:], strict=True)),
    ]
    return [
        f"{set_cell_size(one, width)}  {mark}  {other}".rstrip()
        for one, mark, other in zip(left, marks, right, strict=True)
    ]


def _story(verdict: Verdict) -> list[str]:
    """Moments in a column; people are named where there are several."""
    several = len({beat.person for beat in verdict.story if beat.person}) > 1
    lines = []
    for beat in verdict.story:
        person = f"{beat.person:8} " if several else ""
        mark = "•" if beat.kind == "given" else " "
        late = verdict.moments.show(beat.heard) if beat.heard - beat.at > _NOTICED else ""
        heard = f"  (at {late})" if late else ""
        lines.append(f"{verdict.moments.show(beat.at):12} {mark} {person}{beat.text}{heard}")
    return lines


_NOTICED = 60_000
"""A delay of so many ms is worth telling; a timer's grace is not."""


def _never_reached(name: str, coverage: Coverage) -> Iterator[str]:
    if coverage.stages:
        yield f"      {name}, never reached: {', '.join(coverage.stages)}"
    if coverage.ways:
        yield f"      {name}, never gone: {', '.join(coverage.ways)}"
    if coverage.goals:
        yield f"      {name}, goals never reached: {', '.join(coverage.goals)}"
    if coverage.exits:
        yield f"      {name}, exits never taken: {', '.join(coverage.exits)}"


def _verdict(verdict: Verdict) -> dict[str, Any]:
    show = verdict.moments.show
    return {
        "file": verdict.test.file,
        "line": verdict.test.place.line,
        "map": verdict.test.map,
        "name": verdict.test.name,
        "passed": verdict.passed,
        "failures": [_failure(each) for each in verdict.failures],
        "error": None if verdict.error is None else str(verdict.error),
        "story": [
            {"at": show(b.at), "heard": show(b.heard), "person": b.person, "text": b.text}
            for b in verdict.story
        ],
    }


def _failure(failure: Failure) -> dict[str, Any]:
    return {
        "file": failure.place.file,
        "line": failure.place.line,
        "col": failure.place.col,
        "what": failure.what,
        "expected": failure.expected,
        "got": failure.got,
    }
