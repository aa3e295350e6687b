"""Would these profiles, made one, be more than a person may be?

The growth rule: what exceeds a limit already, by a forced merge or by a limit that was lowered,
still resolves and merges; it only may not grow further.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from journeys.identity.config import IdentityConfig
from journeys.identity.namespaces import Namespace
from journeys.identity.records import Link, Node
from journeys.identity.tokens import ID_LENGTH
from schemas.touchpoint import Millis, ProfileId


def why_not(
    group: Mapping[ProfileId, Node], new: Sequence[str], time: Millis, config: IdentityConfig
) -> str:
    """Why the profiles of `group` may not be one with the tokens `new`; empty where they may.

    `limit:<namespace>` for the strongest that is exceeded, `max_identifiers`, `max_merges`,
    `unlinked`: they were split from each other.
    """
    members = [node.identifiers for node in group.values()]
    return (
        _over_a_limit(members, new, time, config)
        or _too_large(members, new, config)
        or _too_often_merged(group, config)
        or ("unlinked" if _split_apart(group) else "")
    )


def overfull(
    members: Sequence[Mapping[str, Link]], new: Sequence[str], time: Millis, config: IdentityConfig
) -> Iterable[tuple[int, list[str]]]:
    """For each namespace that evicts and grows if these become one: by how many it is over its
    limit, and which are counted.
    """
    for name in _growing(members, new):
        rules = _rules(name, config)
        if rules.limit is None or not rules.evicts:
            continue
        counted = [token for token in new if namespace_of(token) == name]
        for links in members:
            counted += _listed(links, name, rules, time)
        counted = list(dict.fromkeys(counted))
        if len(counted) > rules.limit:
            yield len(counted) - rules.limit, counted


def namespace_of(token: str) -> str:
    return token[: -ID_LENGTH - 1]


def _over_a_limit(
    members: Sequence[Mapping[str, Link]], new: Sequence[str], time: Millis, config: IdentityConfig
) -> str:
    exceeded = []
    for name in _growing(members, new):
        rules = _rules(name, config)
        if rules.limit is None or rules.evicts:
            continue
        counts = [len(_listed(links, name, rules, time)) for links in members]
        total = sum(counts) + sum(namespace_of(token) == name for token in new)
        if total > max(rules.limit, *counts, 0):
            exceeded.append((rules.rank, name))
    return f"limit:{min(exceeded)[1]}" if exceeded else ""


def _growing(members: Sequence[Mapping[str, Link]], new: Sequence[str]) -> set[str]:
    """The namespaces of all but the largest member: those only it has do not grow.

    A person of ten thousand identifiers is not counted through for each that joins her.
    """
    largest = max(members, key=len, default={})
    names = {namespace_of(token) for token in new}
    for links in members:
        if links is not largest:
            names.update(map(namespace_of, links))
    return names


def _listed(links: Mapping[str, Link], name: str, rules: Namespace, time: Millis) -> list[str]:
    """The identifiers of a namespace that count: all, or those first linked within its window."""
    prefix, length = f"{name}:", len(name) + 1 + ID_LENGTH
    return [
        token
        for token, link in links.items()
        if token.startswith(prefix) and len(token) == length and _within(link, rules, time)
    ]


def _too_large(
    members: Sequence[Mapping[str, Link]], new: Sequence[str], config: IdentityConfig
) -> str:
    most = config.max_identifiers
    if most is None or sum(map(len, members)) + len(new) <= most:
        return ""
    counts = [_counted(links) for links in members]
    size = _size(sum(counts, _counted(new)), config)
    largest = max((_size(member, config) for member in counts), default=0)
    return "max_identifiers" if size > max(most, largest) else ""


def _too_often_merged(group: Mapping[ProfileId, Node], config: IdentityConfig) -> str:
    if config.max_merges is None or len(group) < 2:
        return ""
    dead = sum(len(node.aliases) for node in group.values()) + len(group) - 1
    return "max_merges" if dead > config.max_merges else ""


def _split_apart(group: Mapping[ProfileId, Node]) -> bool:
    if not any(node.apart for node in group.values()):
        return False
    return any(
        not _everything(profile, node).isdisjoint(other.apart)
        for profile, node in group.items()
        for other in group.values()
        if other is not node
    )


def _everything(profile: ProfileId, node: Node) -> set[ProfileId]:
    """All ids this profile ever had."""
    return {profile, *node.aliases}


def _within(link: Link, rules: Namespace, time: Millis) -> bool:
    return rules.window is None or abs(time - link.first) < rules.window


def _counted(tokens: Iterable[str]) -> Counter[str]:
    return Counter(map(namespace_of, tokens))


def _size(counts: Counter[str], config: IdentityConfig) -> int:
    size = 0
    for name, count in counts.items():
        rules = _rules(name, config)
        evicts = rules.limit is not None and rules.evicts
        size += min(count, rules.limit or 0) if evicts else count
    return size


def _rules(name: str, config: IdentityConfig) -> Namespace:
    return config.namespace(name) or Namespace(name, "none", 1 << 30)
