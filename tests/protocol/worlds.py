"""The small worlds: as few people, shards and touchpoints as can show what may go wrong."""

from dataclasses import replace

from .state import Touch, World

ONE, TWO, THREE = {"A": 0}, {"A": 0, "B": 1}, {"A": 0, "B": 1, "C": 2}
TOGETHER = {"A": 0, "B": 0}


def _touch(time: int, *identifiers: str, arm: int = 0, cancels: str | None = None) -> Touch:
    return Touch(time, identifiers, arm, cancels)


def _arrived(profile: str, touchpoint: str) -> tuple:
    return ("Arrived", profile, touchpoint, None)


def _merged(loser: str, survivor: str) -> tuple:
    return ("Merged", loser, survivor)


_PURCHASE = {"e1": _touch(0, "a", arm=1), "e2": _touch(1, "a", cancels="e1")}
_LINK = {"e1": _touch(1, "b", arm=1), "e2": _touch(0, "a"), "e3": _touch(2, "a", "b")}
_APART = {"e1": _touch(1, "b"), "e2": _touch(0, "a"), "e3": _touch(2, "a", "b")}

WORLDS = {
    # one person, one shard, the whole way; e1 arms a timer
    "pipe": World(
        home=ONE,
        touches={"e1": _touch(0, "a", arm=1), "e2": _touch(1, "a")},
        sources=(("e1", "e2"),),
        ordered=True,
    ),
    # the app sends e1 twice: one id, two offsets, one shard
    "again": World(
        home=ONE,
        touches={"e1": _touch(0, "a"), "e2": _touch(1, "a")},
        inbox=((_arrived("A", "e1"), _arrived("A", "e1"), _arrived("A", "e2")),),
    ),
    # three timers of two profiles due at once; a Tick fires one profile
    "drain": World(
        home=TOGETHER,
        touches={e: _touch(0, "a", arm=1) for e in ("e1", "e2", "e3")},
        inbox=((_arrived("A", "e1"), _arrived("A", "e2"), _arrived("B", "e3")),),
        now=1,
        one_person=False,
    ),
    # two profiles in a shard, four touchpoints
    "two": World(
        home=TOGETHER,
        touches={e: _touch(0, "a") for e in ("e1", "e2", "e3", "e4")},
        inbox=(
            (_arrived("A", "e1"), _arrived("B", "e2"), _arrived("A", "e3"), _arrived("B", "e4")),
        ),
        now=1,
        one_person=False,
    ),
    # the purchase e2 comes, or waits in its source while stitch is slow, when e1's deadline passes
    "backlog": World(
        home=ONE, touches=_PURCHASE, sources=(("e1", "e2"),), already=(1,), watermark=True
    ),
    "backlog2": World(
        home=ONE, touches=_PURCHASE, sources=(("e1",), ("e2",)), already=(1, 0), watermark=True
    ),
    # the clock of Redis is ahead of the brokers'
    "skew": World(
        home=ONE, touches=_PURCHASE, sources=(("e1", "e2"),), already=(1,), watermark=True, skew=1
    ),
    # a map version is published while touchpoints are folded
    "version": World(
        home=TWO,
        touches={"e1": _touch(0, "a"), "e2": _touch(0, "b")},
        inbox=((_arrived("A", "e1"), _merged("A", "B")), (_arrived("B", "e2"),)),
        now=1,
        publication=True,
    ),
    # two sources, two shards; e3 links two profiles while e1 and e2 are on their way
    "merge": World(home=TWO, touches=_LINK, sources=(("e1",), ("e2", "e3")), now=1),
    # the same in one shard
    "same": World(home=TOGETHER, touches=_LINK, sources=(("e1",), ("e2", "e3")), now=1),
    # a belongs to A already
    "short": World(
        home=TWO,
        touches=_LINK,
        sources=(("e1",), ("e3",)),
        inbox=((_arrived("A", "e2"),), ()),
        identity=((("a", "A"),), (("A", 0, None),)),
        now=1,
    ),
    # A > B > C, with a touchpoint, a timer and a touchpoint sent twice behind the first redirect
    "chain": World(
        home=THREE,
        touches={
            "e1": _touch(0, "a", arm=1),
            "e2": _touch(0, "b"),
            "e3": _touch(0, "c"),
            "e4": _touch(0, "a"),
        },
        inbox=(
            (_arrived("A", "e1"), _merged("A", "B"), _arrived("A", "e4"), _arrived("A", "e1")),
            (_arrived("B", "e2"), _merged("B", "C")),
            (_arrived("C", "e3"),),
        ),
    ),
    # Merged came twice
    "twice": World(
        home=TWO,
        touches={"e1": _touch(0, "a", arm=1), "e2": _touch(0, "b"), "e4": _touch(0, "a")},
        inbox=(
            (_arrived("A", "e1"), _merged("A", "B"), _arrived("A", "e4"), _merged("A", "B")),
            (_arrived("B", "e2"),),
        ),
    ),
    # identity contradicted itself: redirects in a ring
    "ring": World(
        home=TWO,
        touches={"e1": _touch(0, "a"), "e2": _touch(0, "b"), "e4": _touch(0, "a")},
        inbox=(
            (_arrived("A", "e1"), _merged("A", "B"), _arrived("A", "e4")),
            (_arrived("B", "e2"), _merged("B", "A")),
        ),
        now=1,
    ),
    "ring3": World(
        home=THREE,
        touches={"e1": _touch(0, "a"), "e2": _touch(0, "b"), "e3": _touch(0, "c")},
        inbox=(
            (_arrived("A", "e1"), _merged("A", "B")),
            (_arrived("B", "e2"), _merged("B", "C")),
            (_arrived("C", "e3"), _merged("C", "A")),
        ),
        now=1,
    ),
    # identity forgets; survivors can flip, for the oldest touchpoint of b is in another source
    "flip": World(home=TWO, touches=_APART, sources=(("e1",), ("e2",), ("e3",)), now=1),
    "forget": World(
        home=TWO,
        touches={**_APART, "e4": _touch(3, "b")},
        sources=(("e1", "e4"), ("e2", "e3")),
        now=1,
    ),
    # identity was flushed after B > A was logged; what comes would merge them the other way round
    "flushed": World(
        home=TWO,
        touches={
            "e1": _touch(1, "b"),
            "e2": _touch(0, "a"),
            "e4": _touch(5, "a"),
            "e6": _touch(4, "b"),
            "e5": _touch(6, "a", "b"),
        },
        sources=(("e4", "e5"), ("e6",)),
        inbox=((_arrived("A", "e2"),), (_arrived("B", "e1"), _merged("B", "A"))),
        now=1,
        valid=False,
    ),
    # a merge is under way: the touchpoint that stops e1's timer stands in the loser's shard
    "underway": World(
        home=TWO,
        touches=_PURCHASE,
        inbox=((_arrived("A", "e1"),), (_merged("B", "A"), _arrived("B", "e2"))),
        stops=("e2",),
    ),
}
WORLDS["appdup"] = replace(WORLDS["merge"], sources=(("e1",), ("e2", "e3"), ("e1",)))
WORLDS["order"] = replace(WORLDS["forget"], ordered=True)
WORLDS["strict"] = replace(WORLDS["skew"], strict=True)
for _name in ("flip", "flushed", "short", "merge"):
    WORLDS[f"{_name}*"] = replace(WORLDS[_name], calm=True)
    WORLDS[f"{_name}+"] = replace(WORLDS[_name], calm=True, split=True)
