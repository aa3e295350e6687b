"""`wayline identity test`: a file of cases on a store, and what is said of those that fail."""

import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from console.connections import redis_of, settings_for
from console.identity_cases import Case, Failure, load_cases
from console.identity_runs import Open, in_memory, on_redis, run_case
from console.refusals import CannotRun


@dataclass(frozen=True, slots=True)
class Report:
    """What ran where; each failing case has one or more failures, of one delivery."""

    port: str
    cases: int
    failures: list[Failure]

    @property
    def failed(self) -> list[str]:
        return list(dict.fromkeys(failure.case for failure in self.failures))


async def run_file(
    path: Path, port: str, only: Sequence[str], interleavings: int, redis: str | None = None
) -> Report:
    """Runs the cases of a file whose names match one of `only` (none: all).

    Raises CannotRun for a file without such cases.
    """
    cases = [case for case in load_cases(path) if _chosen(case, only)]
    if not cases:
        raise CannotRun(f"{path}: No case has that name.")
    failures = []
    async with _stores(port, redis) as opened:
        for case in cases:
            failures += await run_case(case, opened, interleavings)
    return Report(port, len(cases), failures)


def print_report(report: Report) -> None:
    """Each failure with what was expected and what was got, then how many passed."""
    shown = None
    for failure in report.failures:
        if failure.case != shown:
            print(f"FAILED {failure.case} ({failure.delivery})")
            shown = failure.case
        print(f"  {failure.what}")
        print(f"    expected  {failure.expected}")
        print(f"    got       {failure.got}")
    passed = report.cases - len(report.failed)
    print(f"{passed} of {report.cases} cases pass on {report.port}")


def _chosen(case: Case, only: Sequence[str]) -> bool:
    return not only or any(fnmatchcase(case.name, name) for name in only)


@asynccontextmanager
async def _stores(port: str, redis: str | None) -> AsyncIterator[Open]:
    if port == "memory":
        yield in_memory
        return
    async with redis_of(settings_for(redis=redis)) as client:
        yield on_redis(client, f"identity-test-{secrets.token_hex(8)}")
