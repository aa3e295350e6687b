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
    members = [_in_window(node.identifiers, time, config) for node in group.values()]
    added = Counter(map(namespace_of, new))
    return (
        _over_a_limit(members, added, config)
        or _too_large([_counted(node.identifiers) for node in group.values()], added, config)
        or _too_often_merged(group, config)
        or ("unlinked" if _split_apart(group) else "")
    )


def overfull(
    links: Mapping[str, Link], time: Millis, config: IdentityConfig
) -> Iterable[tuple[int, list[str]]]:
    """For each namespace that evicts: by how many it is over its limit, and which are counted."""
    found: dict[str, list[str]] = {}
    for token in links:
        found.setdefault(namespace_of(token), []).append(token)
    for name, tokens in found.items():
        rules = _rules(name, config)
        if rules.limit is None or not rules.evicts:
            continue
        counted = [token for token in tokens if _within(links[token], rules, time)]
        if len(counted) > rules.limit:
            yield len(counted) - rules.limit, counted


def namespace_of(token: str) -> str:
    return token[: -ID_LENGTH - 1]


def _over_a_limit(
    members: Sequence[Counter[str]], added: Counter[str], config: IdentityConfig
) -> str:
    total = sum(members, added)
    exceeded = []
    for name, count in total.items():
        rules = _rules(name, config)
        if rules.limit is None or rules.evicts or count <= rules.limit:
            continue
        if count > max((member[name] for member in members), default=0):
            exceeded.append((rules.rank, name))
    return f"limit:{min(exceeded)[1]}" if exceeded else ""


def _too_large(members: Sequence[Counter[str]], added: Counter[str], config: IdentityConfig) -> str:
    if config.max_identifiers is None:
        return ""
    size = _size(sum(members, added), config)
    largest = max((_size(member, config) for member in members), default=0)
    return "max_identifiers" if size > max(config.max_identifiers, largest) else ""


def _too_often_merged(group: Mapping[ProfileId, Node], config: IdentityConfig) -> str:
    if config.max_merges is None or len(group) < 2:
        return ""
    dead = sum(len(node.aliases) for node in group.values()) + len(group) - 1
    return "max_merges" if dead > config.max_merges else ""


def _split_apart(group: Mapping[ProfileId, Node]) -> bool:
    return any(
        not _everything(profile, node).isdisjoint(other.apart)
        for profile, node in group.items()
        for other in group.values()
        if other is not node
    )


def _everything(profile: ProfileId, node: Node) -> set[ProfileId]:
    """All ids this profile ever had."""
    return {profile, *node.aliases}


def _in_window(links: Mapping[str, Link], time: Millis, config: IdentityConfig) -> Counter[str]:
    counts = _counted(links)
    for name in counts:
        rules = _rules(name, config)
        if rules.window is not None:
            counts[name] = sum(
                namespace_of(token) == name and _within(link, rules, time)
                for token, link in links.items()
            )
    return counts


def _within(link: Link, rules: Namespace, time: Millis) -> bool:
    return rules.window is None or abs(time - link.first) < rules.window


def _counted(links: Mapping[str, Link]) -> Counter[str]:
    return Counter(map(namespace_of, links))


def _size(counts: Counter[str], config: IdentityConfig) -> int:
    size = 0
    for name, count in counts.items():
        rules = _rules(name, config)
        evicts = rules.limit is not None and rules.evicts
        size += min(count, rules.limit or 0) if evicts else count
    return size


def _rules(name: str, config: IdentityConfig) -> Namespace:
    return config.namespace(name) or Namespace(name, "none", 1 << 30)
