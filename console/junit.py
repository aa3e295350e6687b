"""A report of tests as JUnit XML, which every CI shows: a suite a map, a case a test."""

from itertools import groupby
from pathlib import Path
from xml.etree import ElementTree

from console.trials import Report, failure_text
from journeys.replay.trial import Verdict

_NOT_XML = dict.fromkeys(code for code in range(32) if code not in (9, 10, 13))
"""Characters that no XML 1.0 may hold, not even escaped."""


def write_junit(report: Report, path: Path) -> None:
    """Overwrites the file."""
    path.write_bytes(ElementTree.tostring(_suites(report), "utf-8", xml_declaration=True))


def _suites(report: Report) -> ElementTree.Element:
    verdicts = report.verdicts
    root = ElementTree.Element("testsuites", _counts(verdicts))
    for name, group in groupby(verdicts, key=lambda verdict: verdict.test.map):
        cases = tuple(group)
        suite = ElementTree.SubElement(root, "testsuite", {"name": name, **_counts(cases)})
        for verdict in cases:
            _add_case(suite, verdict)
    return root


def _add_case(suite: ElementTree.Element, verdict: Verdict) -> None:
    test = verdict.test
    named = {"name": test.name, "classname": test.map, "file": test.file}
    case = ElementTree.SubElement(suite, "testcase", {**named, "line": str(test.place.line)})
    if not verdict.passed:
        what = ", ".join(failure.what for failure in verdict.failures) or "no good map"
        kind = "failure" if verdict.error is None else "error"
        said = failure_text(verdict).translate(_NOT_XML)
        ElementTree.SubElement(case, kind, {"message": what}).text = said


def _counts(verdicts: tuple[Verdict, ...]) -> dict[str, str]:
    errors = sum(verdict.error is not None for verdict in verdicts)
    failures = sum(not verdict.passed for verdict in verdicts) - errors
    return {"tests": str(len(verdicts)), "failures": str(failures), "errors": str(errors)}
