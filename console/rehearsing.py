"""`wayline identity rehearse`: the same touchpoints under the present rules of identity and others.

Nothing is written anywhere: both runs are in memory. Of the inbox only what the present rules
could use is known, so a namespace that they refuse is not seen by the other ones either.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from console.folders import CannotRead
from console.importing import mapping_for
from console.masking import masked_identifier
from console.refusals import Refused
from journeys.identity.claims import Claims, Identifier
from journeys.identity.config import IdentityConfig, IdentityConfigError, identity_config
from journeys.identity.records import SHARED, decode_holding, holder_of
from journeys.language.model import Workspace
from journeys.language.problems import Problems
from journeys.language.tree import plain, read_tree
from schemas import inbox
from schemas.errors import ContractError
from schemas.inbox import Arrived, Operated
from schemas.intake import Raw, decode
from schemas.touchpoint import Millis, ProfileId, Touchpoint
from streams.identities import resolve
from streams.identities_memory import MemoryIdentities
from streams.imports import Imported, touchpoints_of
from streams.imports import Progress as Reading
from streams.reading import read_to_end
from streams.settings import Settings

BATCH = 1000
LARGEST, EXAMPLES, OF_EACH = 5, 5, 6
"""So many profiles and examples are shown, and so many identifiers of each."""

Group = frozenset[str]
"""Identifiers that are one person's, as the touchpoints write them: `namespace:value`."""

Step = Callable[[str, int, int], None]
"""Is told what is being done, how much of it is done, and of how much (0: nobody knows)."""


class Said(NamedTuple):
    """What a touchpoint says of who it was."""

    identifiers: Mapping[str, tuple[str, ...]]
    time: Millis
    cause: str
    source: str
    verified: tuple[str, ...]


@dataclass(slots=True)
class Outcome:
    """What became of the touchpoints under one configuration. `nobodys` found no person at all.

    `refused` counts identifiers of touchpoints by the reason.
    """

    profiles: int = 0
    merges: int = 0
    shared: int = 0
    nobodys: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    groups: list[Group] = field(default_factory=list)

    @property
    def largest(self) -> list[Group]:
        return sorted(self.groups, key=lambda group: (-len(group), sorted(group)))[:LARGEST]


@dataclass(slots=True)
class Rehearsal:
    """`joined` are people of `then` who are not one in `now`, `parted` the other way round: for
    each her identifiers, as the several who have them; one that is nobody's stands alone."""

    touchpoints: int
    unread: int
    now: Outcome
    then: Outcome
    joined: list[list[Group]]
    parted: list[list[Group]]

    @property
    def same(self) -> bool:
        """Whether both make the same people of the same identifiers."""
        return set(self.now.groups) == set(self.then.groups)


def proposed(file: Path, key: bytes) -> IdentityConfig:
    """The rules in a file: those under `identity:` where it has that, else all of it.

    Raises CannotRead; MapError or Refused with every problem of the rules.
    """
    try:
        text = file.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise CannotRead(f"{file} cannot be read: {error}.") from None
    problems = Problems()
    tree = read_tree(text, str(file), problems)
    problems.raise_if_any()
    given = None if tree is None else plain(tree)
    if not isinstance(given, dict):
        raise CannotRead(f"{file} holds no rules. Write them as under `identity:`.")
    rules = given.get("identity", given)
    try:
        return identity_config(rules if isinstance(rules, dict) else {}, key)
    except IdentityConfigError as wrong:
        raise Refused(str(wrong)) from None


def said_in(
    file: Path, workspace: Workspace | None, source: str | None, step: Step
) -> tuple[list[Said], int]:
    """What the rows of a file say, and how many cannot be read; raises UnreadableFile.

    A row without a time happened when the file was written.
    """
    reading, said = Reading(), list[Said]()
    written = Millis(round(file.stat().st_mtime * 1000))
    unread = 0
    for row in touchpoints_of(file, mapping_for(file, workspace, source), written, reading):
        one = _decoded(row, written) if isinstance(row, Imported) else None
        if one is None:
            unread += 1
        else:
            said.append(_said(one))
        if len(said) % BATCH == 0:
            step("reading", reading.read_bytes, reading.total_bytes)
    return said, unread


async def said_to_the_inbox(settings: Settings, step: Step) -> list[Said]:
    """What the touchpoints of all shards say, in the order in which they came to their sources;
    those of people erased since are left out.

    The stamps of the inbox would not do: one transaction writes to many shards.
    """
    found: list[tuple[Millis, tuple[str, int, int], Said, ProfileId]] = []
    erased: set[ProfileId] = set()
    async for record in read_to_end(settings.connection, [settings.topics.inbox]):
        entry = inbox.decode(record.value)
        if isinstance(entry, Operated) and entry.kind == "erase":
            erased.update(entry.profiles)
        elif isinstance(entry, Arrived):
            said = _said(entry.touchpoint)
            found.append((entry.touchpoint.received, entry.origin, said, entry.profile))
            if len(found) % BATCH == 0:
                step("reading", len(found), 0)
    found.sort(key=lambda one: one[:2])
    return [said for *_, said, profile in found if profile not in erased]


async def rehearse(
    said: Sequence[Said], now: IdentityConfig, then: IdentityConfig, step: Step, unread: int = 0
) -> Rehearsal:
    """Both runs and what differs. The rules need the same key, or nobody meets."""
    ran = await _run(said, now, "now", step)
    other = await _run(said, then, "then", step)
    joined, parted = _several(other.groups, ran.groups), _several(ran.groups, other.groups)
    return Rehearsal(len(said), unread, ran, other, joined, parted)


def as_json(found: Rehearsal, *, reveal: bool) -> dict[str, object]:
    """All figures and a few examples; identifiers are masked unless revealed."""
    shown = _shown(reveal=reveal)
    return {
        "touchpoints": found.touchpoints,
        "unread": found.unread,
        "now": _figures(found.now, shown),
        "then": _figures(found.then, shown),
        "joined": len(found.joined),
        "parted": len(found.parted),
        "joined_examples": [[shown(one) for one in each] for each in found.joined[:EXAMPLES]],
        "parted_examples": [[shown(one) for one in each] for each in found.parted[:EXAMPLES]],
    }


def lines(found: Rehearsal, *, reveal: bool) -> Iterator[str]:
    """The same for people to read."""
    shown = _shown(reveal=reveal)
    yield f"{found.touchpoints:,} touchpoints, {found.unread:,} that cannot be read"
    yield f"{'':22}{'now':>12}{'then':>12}"
    for name in ("profiles", "merges", "shared", "nobodys"):
        one, other = getattr(found.now, name), getattr(found.then, name)
        yield f"{_WORDS[name]:22}{one:>12,}{other:>12,}"
    for reason in sorted(found.now.refused | found.then.refused):
        one, other = found.now.refused[reason], found.then.refused[reason]
        yield f"{'refused: ' + reason:22}{one:>12,}{other:>12,}"
    for name, outcome in (("now", found.now), ("then", found.then)):
        for group in outcome.largest[:1]:
            yield f"largest {name}: {len(group)} identifiers, {', '.join(shown(group))}"
    yield from _examples("One person then and not now", found.joined, shown)
    yield from _examples("One person now and not then", found.parted, shown)
    if found.same:
        yield "The same people."


_WORDS = {
    "profiles": "people",
    "merges": "merges",
    "shared": "shared devices",
    "nobodys": "nobody's touchpoints",
}


async def _run(said: Sequence[Said], config: IdentityConfig, name: str, step: Step) -> Outcome:
    identities, claims, outcome = MemoryIdentities(), Claims(config), Outcome()
    await identities.begin_repair()
    await identities.end_repair()
    written: dict[str, set[str]] = defaultdict(set)
    for start in range(0, len(said), BATCH):
        step(name, start, len(said))
        batch = said[start : start + BATCH]
        read = [claims.read(s.identifiers, s.time, s.cause, s.source, s.verified) for s in batch]
        resolved = await resolve(identities, read, config)
        await identities.trim([waiting.id for waiting in resolved.outbox])
        for decision in resolved.decisions:
            outcome.merges += len(decision.merges)
            outcome.nobodys += decision.profile is None
            outcome.refused.update(reason for _, reason in decision.rejected)
        _note_written(batch, claims, written)
    step(name, len(said), len(said))
    await _gather(identities, written, outcome)
    return outcome


def _note_written(batch: Iterable[Said], claims: Claims, written: dict[str, set[str]]) -> None:
    """Token -> how its identifier was written."""
    for said in batch:
        for namespace, values in said.identifiers.items():
            for value in values:
                one = claims.identifier(f"{namespace}:{value}")
                if isinstance(one, Identifier):
                    written[one.token].add(f"{namespace}:{value}")


async def _gather(
    identities: MemoryIdentities, written: Mapping[str, set[str]], outcome: Outcome
) -> None:
    people: dict[ProfileId, set[str]] = defaultdict(set)
    for token, raw in (await identities.read(list(written))).records.items():
        if raw is None:
            continue
        if (holder := holder_of(raw)) is not None:
            people[holder] |= written[token]
        outcome.shared += decode_holding(raw).state == SHARED
    outcome.groups = [frozenset(group) for group in people.values()]
    outcome.profiles = len(people)


def _several(wholes: Sequence[Group], parts: Sequence[Group]) -> list[list[Group]]:
    """Of the wholes that are not of one part: which pieces they are, the most pieces first."""
    part_of = {one: number for number, part in enumerate(parts) for one in part}
    found = []
    for whole in wholes:
        pieces: dict[int | str, set[str]] = defaultdict(set)
        for one in whole:
            pieces[part_of.get(one, one)].add(one)
        if len(pieces) > 1:
            found.append(sorted(map(frozenset, pieces.values()), key=sorted))
    return sorted(found, key=lambda pieces: (-len(pieces), [sorted(one) for one in pieces]))


def _figures(outcome: Outcome, shown: Callable[[Group], list[str]]) -> dict[str, object]:
    return {
        "profiles": outcome.profiles,
        "merges": outcome.merges,
        "shared": outcome.shared,
        "nobodys": outcome.nobodys,
        "refused": dict(sorted(outcome.refused.items())),
        "largest": [{"size": len(group), "identifiers": shown(group)} for group in outcome.largest],
    }


def _examples(
    title: str, found: Sequence[list[Group]], shown: Callable[[Group], list[str]]
) -> Iterator[str]:
    if found:
        yield f"{title}: {len(found):,}"
    for pieces in found[:EXAMPLES]:
        yield "  " + "  |  ".join(", ".join(shown(piece)) for piece in pieces)


def _shown(*, reveal: bool) -> Callable[[Group], list[str]]:
    def shown(group: Group) -> list[str]:
        some = sorted(group)[:OF_EACH]
        named = some if reveal else [masked_identifier(one) for one in some]
        return [*named, *(["…"] if len(group) > OF_EACH else [])]

    return shown


def _said(touchpoint: Touchpoint) -> Said:
    return Said(
        touchpoint.identifiers,
        touchpoint.time,
        f"{touchpoint.source}/{touchpoint.id}",
        touchpoint.source,
        touchpoint.verified,
    )


def _decoded(row: Imported, written: Millis) -> Touchpoint | None:
    try:
        return decode(Raw("", 0, row.line, written, row.key, row.value), None, written)
    except ContractError:
        return None


def refused_if_empty(said: Sequence[Said]) -> None:
    """Raises Refused where there is nothing to rehearse with."""
    if not said:
        raise Refused("There are no touchpoints to rehearse with.")
