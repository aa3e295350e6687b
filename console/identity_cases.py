"""Conformance cases of identity: their YAML, and what is wrong with an outcome.

The times of a file count seconds, as its configuration does, and identifiers are noted as seen at
once unless the file says otherwise.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from console.refusals import CannotRun
from journeys.identity.config import IdentityConfig, IdentityConfigError, identity_config

EXPECTATIONS = {
    *("partition", "partition_any", "unattached", "shared", "merges", "merge_count"),
    *("rejected", "resolves", "differs", "limits_overridden"),
}
Groups = frozenset[frozenset[str]]


@dataclass(frozen=True, slots=True)
class Step:
    """One touchpoint or operation of a case; `time` is event time in ms."""

    id: str
    time: int
    said: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Case:
    """`steps` in order; those of an inner tuple are given to workers at the same time."""

    name: str
    config: IdentityConfig
    steps: tuple[tuple[Step, ...], ...]
    expect: Mapping[str, Any]

    @property
    def parallel(self) -> bool:
        return any(len(steps) > 1 for steps in self.steps)


@dataclass(slots=True)
class Outcome:
    """How a case ended. Profiles are the ids that answered; `root` leads to today's."""

    answers: dict[str, str | None] = field(default_factory=dict)
    rejected: set[tuple[str, str, str]] = field(default_factory=set)
    merges: list[tuple[str, str, str]] = field(default_factory=list)
    partition: Groups = frozenset()
    shared: frozenset[str] = frozenset()
    root: Callable[[str | None], str | None] = lambda profile: profile
    over_limits: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Failure:
    """An expectation that does not hold, and the delivery in which it does not."""

    case: str
    delivery: str
    what: str
    expected: str
    got: str


def load_cases(path: Path) -> list[Case]:
    """The cases of a file; raises CannotRun for one that holds none, or a mistake."""
    try:
        document = yaml.load(path.read_text("utf-8"), Loader=yaml.SafeLoader)
        if not isinstance(document, Mapping) or not isinstance(document.get("cases"), list):
            raise CannotRun(f"{path}: There are no `cases` in it.")
        defaults = {"touch_interval": 0, **(document.get("defaults") or {})}
        return [_case(defaults, raw) for raw in document["cases"]]
    except (yaml.YAMLError, UnicodeDecodeError) as wrong:
        raise CannotRun(f"{path}: This is no YAML: {wrong}") from wrong
    except (KeyError, TypeError, ValueError) as wrong:
        raise CannotRun(f"{path}: A case cannot be read: {wrong!r}") from wrong


def judge(case: Case, delivery: str, outcome: Outcome, names: Mapping[str, str]) -> list[Failure]:
    """What an outcome lacks. `names` leads from what an expectation writes to the normal form."""
    expect = case.expect
    found = [
        *_of_partition(expect, outcome),
        *_of_merges(case, outcome),
        *_of_answers(expect, outcome),
        *_of_identifiers(expect, outcome, names),
    ]
    if not expect.get("limits_overridden") and outcome.over_limits:
        found.append(("limits", "no profile over a limit", outcome.over_limits))
    if not case.parallel:
        wanted = {(r["event"], r["id"], r["reason"]) for r in expect.get("rejected", ())}
        if wanted != outcome.rejected:
            found.append(("rejected", sorted(wanted), sorted(outcome.rejected)))
    return [
        Failure(case.name, delivery, what, str(expected), str(got)) for what, expected, got in found
    ]


Finding = tuple[str, object, object]


def _of_partition(expect: Mapping[str, Any], outcome: Outcome) -> Iterable[Finding]:
    if "partition" not in expect and "partition_any" not in expect:
        return
    allowed = expect.get("partition_any") or [expect.get("partition") or []]
    if outcome.partition not in [frozenset(map(frozenset, one)) for one in allowed]:
        got = sorted(sorted(group) for group in outcome.partition)
        yield "partition", allowed if len(allowed) > 1 else allowed[0], got


def _of_merges(case: Case, outcome: Outcome) -> Iterable[Finding]:
    expect, got = case.expect, outcome.merges
    if "merge_count" in expect:
        wanted = expect["merge_count"]
        least, most = wanted if isinstance(wanted, list) else (wanted, wanted)
        if not least <= len(got) <= most:
            yield "merge_count", wanted, len(got)
    elif not case.parallel:
        merges = expect.get("merges", ())
        named = [(outcome.answers[m["from"]], outcome.answers[m["into"]], m["at"]) for m in merges]
        if sorted(map(str, named)) != sorted(map(str, got)):
            yield "merges", [dict(merge) for merge in merges], _by_events(got, outcome)


def _by_events(merges: Iterable[tuple[str, str, str]], outcome: Outcome) -> list[str]:
    """Merges in the words of a case: by the touchpoint that a profile answered first."""
    events: dict[str | None, str] = {}
    for event, profile in outcome.answers.items():
        events.setdefault(profile, event)
    return [f"{events.get(a, a)} into {events.get(b, b)} at {at}" for a, b, at in merges]


def _of_answers(expect: Mapping[str, Any], outcome: Outcome) -> Iterable[Finding]:
    roots = {event: outcome.root(profile) for event, profile in outcome.answers.items()}
    for event, other in expect.get("resolves", {}).items():
        if roots[event] != (None if other is None else roots[other]):
            yield f"resolves {event}", other, _same_as(event, roots)
    for one, other in expect.get("differs", ()):
        if roots[one] is not None and roots[one] == roots[other]:
            yield "differs", f"{one} and {other} apart", "one profile"


def _same_as(event: str, roots: Mapping[str, str | None]) -> str:
    if roots[event] is None:
        return "no profile"
    others = [one for one, root in roots.items() if root == roots[event] and one != event]
    return f"the profile of {', '.join(others)}" if others else "a profile of its own"


def _of_identifiers(
    expect: Mapping[str, Any], outcome: Outcome, names: Mapping[str, str]
) -> Iterable[Finding]:
    attached = {one for group in outcome.partition for one in group}
    for one in expect.get("unattached", ()):
        if names.get(one, one) in attached:
            yield "unattached", f"{one} is nobody's", "somebody's"
    for one in expect.get("shared", ()):
        if names.get(one, one) not in outcome.shared:
            yield "shared", f"{one} is a shared device", "it is not"


def _case(defaults: Mapping[str, Any], raw: Mapping[str, Any]) -> Case:
    name, expect = str(raw["name"]), raw.get("expect") or {}
    unknown = set(expect) - EXPECTATIONS
    if unknown:
        raise ValueError(f"{name} expects {', '.join(sorted(unknown))}, which nobody knows")
    try:
        config = identity_config(_laid_over(defaults, raw.get("config") or {}))
    except IdentityConfigError as wrong:
        raise ValueError(f"{name}: {wrong}") from wrong
    steps, position = [], 0
    for event in raw["events"]:
        together = event.get("parallel", [event])
        found = []
        for said in together:
            position += 1
            found.append(Step(str(said["id"]), 1000 * int(said.get("ts", 100 * position)), said))
        steps.append(tuple(found))
    return Case(name, config, tuple(steps), expect)


def _laid_over(defaults: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Namespaces word by word, all else as a whole."""
    merged = {**defaults, **given}
    namespaces = {name: dict(rules) for name, rules in (defaults.get("namespaces") or {}).items()}
    for name, rules in (given.get("namespaces") or {}).items():
        namespaces[name] = {**namespaces.get(name, {}), **rules}
    return {**merged, "namespaces": namespaces}
