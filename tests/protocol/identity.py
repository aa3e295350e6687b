"""Who is who in the model: links, nodes that lead to a survivor, merges that wait to be sent."""

from .state import Identity, Touch, Violation


def root(nodes: tuple, profile: str) -> str:
    """The live node at the end of the survivors."""
    survivors = {name: to for name, _, to in nodes}
    while survivors.get(profile):
        profile = survivors[profile]
    return profile


def resolved(identity: Identity, identifiers: tuple, moment: int) -> tuple[Identity, str]:
    """Stitch, step 3: identity after this touchpoint, and whose it is.

    A new profile's id is a function of the strongest identifier, not of when it was made.
    """
    links = dict(identity.links)
    known = [links[x] for x in identifiers if x in links]
    if not known:
        known = [identifiers[0].upper()]
        if known[0] not in {node[0] for node in identity.nodes}:
            nodes = tuple(sorted((*identity.nodes, (known[0], moment, None)), key=_by_name))
            identity = identity._replace(nodes=nodes)
    identity, profile = united(identity, known)
    nodes = tuple(
        (name, min(oldest, moment) if name == profile else oldest, to)
        for name, oldest, to in identity.nodes
    )
    links = {**dict.fromkeys(identifiers, profile), **links}
    return Identity(_sorted(links), nodes, identity.outbox), profile


def united(identity: Identity, profiles: list[str]) -> tuple[Identity, str]:
    """Joins the live nodes of these; the oldest survives, a tie goes by id."""
    nodes, outbox = identity.nodes, identity.outbox
    oldest = {name: moment for name, moment, _ in nodes}
    roots = {root(nodes, profile) for profile in profiles}
    survivor, *losers = sorted(roots, key=lambda name: (oldest[name], name))
    for loser in losers:
        nodes = tuple((n, moment, survivor if n == loser else to) for n, moment, to in nodes)
        outbox += ((loser, survivor),) if (loser, survivor) not in outbox else ()
    first = min(oldest[name] for name in [survivor, *losers])
    nodes = tuple((n, first if n == survivor else moment, to) for n, moment, to in nodes)
    return Identity(identity.links, nodes, outbox), survivor


def repaired(
    identity: Identity, inbox: list[tuple], touches: dict[str, Touch], resend: bool
) -> Identity:
    """Repair, steps 3 to 6: identity as all that these inboxes hold asks for.

    Raises Violation where a link or a merge of the inbox does not hold afterwards (I9).
    """
    records = [record for log in inbox for record in log]
    arrived = [record for record in records if record[0] == "Arrived"]
    merged = [record for record in records if record[0] == "Merged"]
    nodes = {name: (moment, to) for name, moment, to in identity.nodes}
    _know(nodes, arrived, merged, touches)
    _assert_merges(nodes, merged)  # 3
    links = dict(identity.links)
    for _, profile, touchpoint, _ in arrived:  # 4
        for identifier in touches[touchpoint].identifiers:
            links.setdefault(identifier, profile)
    outbox = identity.outbox
    if resend:
        outbox += _never_told(_packed(nodes), arrived, merged, outbox)  # 6
    identity = Identity(_sorted(links), _packed(nodes), outbox)
    for _, profile, touchpoint, _ in arrived:  # 5
        linked = [links[x] for x in touches[touchpoint].identifiers]
        identity, _ = united(identity, [profile, *linked])
    _check_nothing_lost(identity, links, arrived, merged, touches)
    return identity


def _know(nodes: dict, arrived: list, merged: list, touches: dict[str, Touch]) -> None:
    for record in merged:
        for profile in record[1:3]:
            nodes.setdefault(profile, (99, None))
    for _, profile, touchpoint, _ in arrived:
        moment, to = nodes.get(profile, (99, None))
        nodes[profile] = (min(moment, touches[touchpoint].time), to)


def _assert_merges(nodes: dict, merged: list) -> None:
    for _, loser, survivor in merged:
        moment, to = nodes[loser]
        if to is None and root(_packed(nodes), survivor) != loser:
            nodes[loser] = (moment, survivor)


def _never_told(nodes: tuple, arrived: list, merged: list, outbox: tuple) -> tuple:
    """Dead nodes that took touchpoints, of whose merge no record tells."""
    told = {record[1] for record in merged} | {loser for loser, _ in outbox}
    missing: dict[str, str] = {}
    for _, profile, _, _ in arrived:
        if profile not in told and root(nodes, profile) != profile:
            missing.setdefault(profile, root(nodes, profile))
    return tuple(missing.items())


def _check_nothing_lost(
    identity: Identity, links: dict, arrived: list, merged: list, touches: dict[str, Touch]
) -> None:
    for record in arrived:
        linked = [links[x] for x in touches[record[2]].identifiers]
        _check_same_person(identity, record, linked)
    for record in merged:
        _check_same_person(identity, record, [record[2]])


def _check_same_person(identity: Identity, record: tuple, others: list[str]) -> None:
    for other in others:
        if root(identity.nodes, other) != root(identity.nodes, record[1]):
            raise Violation(f"I9 the repair lost {record}")


def _packed(nodes: dict) -> tuple:
    return tuple(sorted(((n, moment, to) for n, (moment, to) in nodes.items()), key=_by_name))


def _by_name(node: tuple) -> str:
    return node[0]


def _sorted(pairs: dict) -> tuple:
    return tuple(sorted(pairs.items()))
