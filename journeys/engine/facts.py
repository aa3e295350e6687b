"""Facts first (rule 6): what a touchpoint says of the person, before any condition is judged.

The newest event time wins per trait and consent; at the same time, the one that came later.
"""

from typing import TypeVar

from schemas.touchpoint import Touchpoint

from .effects import Shard
from .failures import note_seen
from .ids import touchpoint_key
from .profile import Profile, Remembered, remember
from .tallies import tally
from .turn import Turn

_T = TypeVar("_T")

VALUES_KEPT = 20
"""Values per identifier namespace; the least recently seen goes first."""

MEMORY_FOR, MEMORY_AT_MOST = 24 * 3600 * 1000, 200
"""Before anything was published."""

UNTELLING = frozenset({"device", "none", "txn"})
"""Classes of identifiers that do not say who somebody is."""

_ANONYMOUS = frozenset({"device_id", "cookie", "qr", "order_id"})


def is_new(turn: Turn, touchpoint: Touchpoint) -> bool:
    """Whether she has not taken it yet; if so, from now on she has."""
    profile, shard = turn.profile, turn.shard
    key = touchpoint_key(touchpoint.source, touchpoint.id)
    if key in profile.seen:
        return False
    profile.seen[key] = max(touchpoint.time, shard.time)
    unique = turn.release.workspace.unique if turn.release else {}
    return not unique or _is_new_fact(turn, touchpoint, unique.get(touchpoint.type, ()))


def _is_new_fact(turn: Turn, touchpoint: Touchpoint, names: tuple[str, ...]) -> bool:
    """One fact under two ids counts once, as long as ids are remembered (`unique_by`)."""
    found = [touchpoint.properties.get(name) for name in names]
    if not found or None in found:
        return True
    key = touchpoint_key(f"unique/{touchpoint.type}", repr(found))
    if key in turn.profile.seen:
        return False
    turn.profile.seen[key] = max(touchpoint.time, turn.shard.time)
    return True


def take(turn: Turn, touchpoint: Touchpoint) -> Remembered | None:
    """Folds its facts into the profile; remembers and returns it if some map names its type."""
    profile = turn.profile
    if not profile.created:
        profile.created = touchpoint.time
    profile.last_seen = turn.shard.log_time
    if touchpoint.identifiers:
        _identifiers(turn, touchpoint)
    for name, value in touchpoint.traits.items():
        if turn.release is None or name not in turn.release.workspace.computed:
            _newest(profile.traits, name, value, touchpoint.time)
    for name, given in touchpoint.consents.items():
        _newest(profile.consents, name, given, touchpoint.time)
    release = turn.release
    if release is not None and release.tallying:
        tally(turn, touchpoint)
    if release is None or touchpoint.type not in release.remembers:
        return None
    wanted = release.remembers[touchpoint.type]
    kept = remember(touchpoint, wanted, max(touchpoint.time, turn.shard.time), turn.links)
    profile.remembered.append(kept)
    return kept


def trim(turn: Turn) -> None:
    """Memory ends by the shard's time, and by number: the longest remembered goes first."""
    workspace = turn.release.workspace if turn.release else None
    kept_for = workspace.memory_for if workspace else MEMORY_FOR
    at_most = workspace.memory_at_most if workspace else MEMORY_AT_MOST
    _trim(turn.profile, turn.shard, kept_for, at_most)


def tells(turn: Turn, namespace: str) -> bool:
    """Whether an identifier of this namespace says who somebody is."""
    declared = turn.release.workspace.identity.get("namespaces", {}) if turn.release else {}
    rule = declared.get(namespace) or declared.get(namespace.partition(".")[0] + ".*")
    if rule and "cls" in rule:
        return rule["cls"] not in UNTELLING
    return namespace not in _ANONYMOUS


def _trim(profile: Profile, shard: Shard, kept_for: int, at_most: int) -> None:
    horizon = shard.time - kept_for
    seen, remembered = profile.seen, profile.remembered
    while seen:
        first = next(iter(seen))
        if len(seen) <= at_most and seen[first] >= horizon:
            break
        del seen[first]
    drop = max(0, len(remembered) - at_most)
    while drop < len(remembered) and remembered[drop].kept < horizon:
        drop += 1
    del remembered[:drop]


def _identifiers(turn: Turn, touchpoint: Touchpoint) -> None:
    profile = turn.profile
    for namespace, values in touchpoint.identifiers.items():
        kept = profile.identifiers.setdefault(namespace, [])
        for value in values:
            if profile.failed:
                note_seen(profile, touchpoint, namespace, value)
            if kept and kept[-1] == value:
                continue
            if value in kept:
                kept.remove(value)
            kept.append(value)
        del kept[:-VALUES_KEPT]
        if not profile.known and values:
            profile.known = tells(turn, namespace)


def _newest(facts: dict[str, tuple[_T, int]], name: str, value: _T, time: int) -> None:
    found = facts.get(name)
    if found is None or time >= found[1]:
        facts[name] = (value, time)
