"""The judge: from what was sent and what can be seen, every promise that was broken.

It shares no code with the engine. What it knows of the two maps is written here once more, by hand.
An empty list is the verdict wanted.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from hashlib import blake2b

import msgspec

from .crowd import PATIENCE, Sent, is_known_by_one
from .evidence import IDENTIFIERS, INSTANCES, REDIRECT, SEEN, Evidence

EDGES = {"enter": "enter", "end": "end:{outcome}", "action": "action:{template}"}
"""How a transition of this kind is counted."""


def violations(sent: Sequence[Sent], seen: Evidence) -> list[str]:
    """One line for each promise broken, in no more words than it takes to look for it."""
    return [
        *_each_touchpoint_in_the_inbox_once(seen),
        *_each_touchpoint_in_one_history_once(sent, seen),
        *_people_are_connected_components(sent, seen),
        *_welcomes(sent, seen),
        *_reminders(sent, seen),
        *_every_action_once(seen),
        *_every_transition_once(seen),
        *_counters(seen),
        *_quiet(seen),
    ]


def _each_touchpoint_in_the_inbox_once(seen: Evidence) -> Iterator[str]:
    arrived = Counter(tuple(record[4]) for record in seen.inbox if record[0] == "arrived")
    sent = {(record.topic, record.partition, record.offset) for record in seen.source}
    for place in sent - arrived.keys():
        yield f"the touchpoint at {place} is not in the inbox"
    for place in arrived.keys() - sent:
        yield f"the inbox has a touchpoint from {place}, where there is none"
    for place, times in arrived.items():
        if times > 1:
            yield f"the touchpoint at {place} is in the inbox {times} times"


def _each_touchpoint_in_one_history_once(sent: Sequence[Sent], seen: Evidence) -> Iterator[str]:
    holders: dict[int, list[str]] = {}
    for profile, state in _live(seen):
        for key in state[SEEN]:
            holders.setdefault(int(key), []).append(profile)
    keys = {_key("shop", touchpoint.id): touchpoint.id for touchpoint in sent}
    for key, touchpoint in keys.items():
        if len(holders.get(key, ())) != 1:
            yield f"{touchpoint} is in the histories of {holders.get(key, 'nobody')}"
    for key in holders.keys() - keys.keys():
        yield f"the history of {holders[key]} holds a touchpoint nobody sent"


def _people_are_connected_components(sent: Sequence[Sent], seen: Evidence) -> Iterator[str]:
    people = {touchpoint.person for touchpoint in sent}
    expected = {frozenset(part) for person in people for part in _parts(person, sent)}
    found = Counter(
        frozenset((name, value) for name, values in state[IDENTIFIERS].items() for value in values)
        for _, state in _live(seen)
    )
    for identifiers in expected - found.keys():
        yield f"nobody has exactly the identifiers {sorted(identifiers)}"
    for identifiers in found.keys() - expected:
        yield f"somebody has the identifiers {sorted(identifiers)}, which nothing joins"
    for identifiers, times in found.items():
        if times > 1:
            yield f"{times} live profiles have the identifiers {sorted(identifiers)}"


def _welcomes(sent: Sequence[Sent], seen: Evidence) -> Iterator[str]:
    asked = {t.id for t in sent if t.type == "member.joined"}
    left = Counter(value["reason"]["id"] for _, value in _of(seen, "welcome"))
    yield from _differences("welcome for", Counter(asked), left)


def _reminders(sent: Sequence[Sent], seen: Evidence) -> Iterator[str]:
    left = Counter(value["key"] for _, value in _of(seen, "reminder"))
    carts = {t.cart: t for t in sent if t.type == "cart.left"}
    paid = {t.cart: t.time for t in sent if t.type == "order.paid"}
    for cart, touchpoint in carts.items():
        in_time = cart in paid and paid[cart] <= touchpoint.time + PATIENCE
        # While a merge is under way a purchase may come behind its timer (protocol, L4).
        if in_time and left[cart] and is_known_by_one(touchpoint.person):
            yield f"cart {cart} was paid in time, and she was reminded"
        if not in_time and left[cart] != 1:
            yield f"cart {cart} was not paid in time, and has {left[cart]} reminders"
    for stamp, value in _of(seen, "reminder"):
        if value["key"] not in carts:
            yield f"there is a reminder of the cart {value['key']}, which nobody left"
            continue
        due = carts[value["key"]].time + PATIENCE
        if _millis(value["due"]) != due:
            yield f"the reminder of {value['key']} says due {value['due']}, not {due}"
        if min(_millis(value["leaves"]), stamp) < due:
            yield f"the reminder of {value['key']} left at {value['leaves']}, before it was due"


def _every_action_once(seen: Evidence) -> Iterator[str]:
    yield from _twice("action", (value["action_id"] for _, value in seen.actions))


def _every_transition_once(seen: Evidence) -> Iterator[str]:
    yield from _twice("transition", (row["id"] for row in seen.transitions))


def _counters(seen: Evidence) -> Iterator[str]:
    told: Counter[tuple[str, str]] = Counter()
    for row in seen.transitions:
        if row["kind"] in EDGES:
            edge = EDGES[row["kind"]].format(**row)
            told[row["logged"][:10], f"{row['map']}/{row['version']}/{edge}"] += 1
    kinds = tuple(form.partition("{")[0] for form in EDGES.values())
    counted = Counter(
        {where: n for where, n in seen.counts.items() if where[1].split("/")[2].startswith(kinds)}
    )
    yield from _differences("count of", told, counted)


def _quiet(seen: Evidence) -> Iterator[str]:
    for profile, state in _live(seen):
        if state[INSTANCES]:
            yield f"{profile} is still in {[instance[1] for instance in state[INSTANCES]]}"


def _live(seen: Evidence) -> Iterator[tuple[str, list[object]]]:
    for profile, state in seen.profiles.items():
        if not state[REDIRECT]:
            yield profile, state


def _of(seen: Evidence, template: str) -> Iterator[tuple[int, dict]]:
    return ((stamp, value) for stamp, value in seen.actions if value["template"] == template)


def _parts(person: str, sent: Sequence[Sent]) -> list[set[tuple[str, str]]]:
    """The connected components of what one person was known by."""
    parts: list[set[tuple[str, str]]] = []
    for touchpoint in sent:
        if touchpoint.person == person:
            joined = set(touchpoint.identifiers)
            for part in [part for part in parts if part & joined]:
                parts.remove(part)
                joined |= part
            parts.append(joined)
    return parts


def _differences(what: str, wanted: Counter, found: Counter) -> Iterator[str]:
    for one in sorted(wanted.keys() | found.keys(), key=str):
        if wanted[one] != found[one]:
            yield f"{what} {one}: {wanted[one]} wanted, {found[one]} found"


def _twice(what: str, ids: Iterable[str]) -> Iterator[str]:
    for one, times in Counter(ids).items():
        if times > 1:
            yield f"the {what} {one} is there {times} times"


def _key(source: str, touchpoint: str) -> int:
    packed = msgspec.msgpack.encode((source, touchpoint))
    return int.from_bytes(blake2b(packed, digest_size=8).digest(), "big")


def _millis(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * 1000)
