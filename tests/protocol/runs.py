"""What is searched: safe runs, mutants, and limits.

A safe run must end without a violation, and some end must have used all its faults (else the
faults were vacuous). A mutant leaves one protection out, and must find a violation of the
invariant named beside it. A limit finds damage that the protocol does not promise to prevent.
"""

from dataclasses import dataclass, field
from typing import Any

Budget = dict[str, int]


@dataclass(frozen=True, slots=True)
class Run:
    """Worlds to search with these budgets of faults and these protections changed."""

    name: str
    worlds: tuple[tuple[str, list[Budget]], ...]
    changed: dict[str, Any] = field(default_factory=dict)
    breaks: str = ""


AT_LEAST_ONCE = {"cursor": "after", "fence": False, "may_repeat": True}
_FOLD = "focrash forebal ztick roll abort "
_STITCH = "stcrash strebal "


def any_of(names: str, total: int) -> list[Budget]:
    """All budgets of exactly `total` different faults out of the named ones."""
    budgets: list[Budget] = [{}]
    for name in names.split():
        budgets += [{**budget, name: 1} for budget in budgets if len(budget) < total]
    return [budget for budget in budgets if len(budget) == total]


def safe_runs(deep: bool) -> list[Run]:
    """`deep`: one fault more at once, in worlds where the folds do not wait for stitch."""
    n = 2 if deep else 1
    return [*_one_shard(n), *_time(n), *_merges(n, deep), *_identity(deep), *_more(deep)]


def _one_shard(n: int) -> list[Run]:
    retakes = [{"forebal": 1, "retake": 1}, {"forebal": 1, "retake": 1, "roll": 1}][:n]
    return [
        _safe("the whole way", ("pipe", any_of(_STITCH + _FOLD + "lostcur", 1 + n))),
        _safe("a fenced zombie takes over again", ("pipe", retakes)),
        _safe("a touchpoint sent twice", ("again", any_of(_FOLD + "lostcur", 1 + n))),
        _safe(
            "three timers due at once",
            ("drain", any_of("focrash forebal ztick roll lostcur", 1 + n)),
        ),
        _safe("two profiles in a shard", ("two", any_of("focrash forebal roll lostcur", 1 + n))),
    ]


def _time(n: int) -> list[Run]:
    return [
        _safe(
            "a backlog while a deadline passes",
            ("backlog", any_of(_STITCH + _FOLD + "progroll", n)),
        ),
        _safe(
            "a backlog in a second source",
            ("backlog2", any_of("stcrash strebal ztick progroll", n)),
        ),
        _safe(
            "the clock of Redis ahead of the brokers",
            ("skew", any_of(_STITCH + "ztick progroll", n)),
        ),
        _safe("a version is published", ("version", any_of(_FOLD + "dupctl", n))),
    ]


def _merges(n: int, deep: bool) -> list[Run]:
    one_fault = any_of(_FOLD, 1)
    return [
        _safe("a merge under way", ("merge", any_of(_STITCH + _FOLD + "lostcur", n))),
        _safe(
            "loser and survivor in one shard",
            ("same", any_of(_STITCH + "focrash forebal roll", n)),
        ),
        _safe("a chain of merges", ("chain", one_fault if deep else [{}])),
        _safe("Merged comes twice", ("twice", any_of(_FOLD, n))),
        _safe(
            "contradicting merges, rings of two and three",
            ("ring", one_fault),
            ("ring3", one_fault if deep else [{}]),
        ),
    ]


def _identity(deep: bool) -> list[Run]:
    star = "" if deep else "*"
    neighbours = [{"hang": 1, fault: 1} for fault in (_STITCH + _FOLD).split()]
    return [
        _safe("identity falls back", (f"flip{star}", [{"idroll": 1}])),
        _safe("identity falls back on one of its primaries", (f"flip{star}", [{"idpart": 1}])),
        _safe(
            "identity falls back and stitch crashes",
            (f"short{star}", [{"idroll": 1, "stcrash": 1}]),
        ),
        _safe(
            "identity was flushed after a logged merge",
            (f"flushed{star}", [{}, {"focrash": 1}]),
        ),
        _safe("the ring rule alone, the gate open", (f"flushed{star}", [{}]), gate=False),
        _safe(
            "stitch in smaller steps while zombies go on",
            ("short+", [{"idroll": 1, "strebal": 1}]),
        ),
        _safe("stitch in smaller steps after a flush", ("flushed+", [{"strebal": 1}])),
        _safe("stitch in smaller steps, identity falls back", ("flip+", [{"idroll": 1}])),
        _safe(
            "a batch sends its own merges, what was left behind is sent later",
            ("short", [{"stcrash": 1}, {"strebal": 1}]),
            (f"flip{star}", [{"idroll": 1}, {"idpart": 1}]),
            (f"short{star}", [{"idroll": 1, "stcrash": 1}]),
            outbox="own first",
        ),
        _safe("a neighbour's transaction hangs", ("pipe", neighbours)),
        _safe(
            "a neighbour's transaction hangs, identity falls back",
            (f"flip{star}", [{"hang": 1, "idroll": 1}]),
        ),
    ]


def _more(deep: bool) -> list[Run]:
    at_least_once = _safe(
        "at least once: pictures exact and ids equal",
        ("pipe", any_of("focrash forebal roll stcrash", 2)),
        ("twice", any_of("focrash roll", 1)),
        stitch="alo",
        **AT_LEAST_ONCE,
    )
    if not deep:
        return [at_least_once]
    return [
        at_least_once,
        _safe(
            "every worker sends all of the outbox",
            ("short", [{"stcrash": 1}, {"strebal": 1}]),
            outbox="all",
        ),
        _safe(
            "identity and shards fall back together",
            ("flip", [{"joint": 1}]),
            ("forget", [{"joint": 1}, {"joint": 1, "idroll": 1}]),
        ),
        _safe("identity falls back in a bigger world", ("merge", [{"idroll": 1, "stcrash": 1}])),
    ]


def _safe(name: str, *worlds: tuple[str, list[Budget]], **changed: Any) -> Run:
    return Run(name, worlds, changed)


def _breaks(invariant: str, name: str, world: str, *budgets: Budget, **changed: Any) -> Run:
    return Run(name, ((world, list(budgets) or [{}]),), changed, invariant)


LIMITS = [
    _breaks("I3", "L1 the app sends a touchpoint twice around a merge", "appdup"),
    _breaks("I7", "L2 order across a merge under way", "order"),
    _breaks(
        "I3",
        "L3 at least once a touchpoint counts twice around a merge",
        "merge",
        {"stcrash": 1},
        stitch="alo",
        **AT_LEAST_ONCE,
    ),
    _breaks("I5", "L4 a timer of the survivor fires while the merge is under way", "underway"),
    _breaks("I5", "I5 by the brokers' clock, when the one of Redis is ahead", "strict"),
]

_CRASH, _LOST, _ROLL = {"focrash": 1}, {"forebal": 1}, {"roll": 1}
_LOST_AND_ROLL = {"forebal": 1, "roll": 1}
_DROPPED = {"idroll": 1}

MUTANTS = [
    _breaks(
        "I2",
        "M1 the store does not check the offset",
        "two",
        _LOST_AND_ROLL,
        _LOST,
        _ROLL,
        check="none",
    ),
    _breaks(
        "I2",
        "M2 commit inside a record, version = offset",
        "drain",
        _LOST,
        _LOST_AND_ROLL,
        chunks=True,
    ),
    _breaks(
        "I2",
        "M3 the same with a commit counter",
        "drain",
        _LOST_AND_ROLL,
        chunks=True,
        check="commits",
    ),
    _breaks("I3", "M4 fold not fenced", "pipe", _LOST, fence=False),
    _breaks("I3", "M5 cursor after the transaction", "pipe", _CRASH, cursor="after"),
    _breaks("I3", "M6 cursor in Redis", "pipe", _ROLL, cursor="redis"),
    _breaks(
        "I3",
        "M7 a missing cursor is 0",
        "pipe",
        {"lostcur": 1, "roll": 1},
        {"lostcur": 1, "focrash": 1},
        lost="zero",
    ),
    _breaks("I3", "M8 Redis before Kafka", "pipe", _CRASH, publish_first=False),
    _breaks("I3", "M9 outputs below the cursor emitted", "pipe", _CRASH, silent=False),
    _breaks("I1", "M10 stitch at least once", "merge", {"stcrash": 1}, stitch="alo"),
    _breaks("I3", "M11 read uncommitted", "merge", {"abort": 1}, committed=False),
    _breaks("I3", "M12 no remembered ids", "again", remember=False),
    _breaks("I3", "M13 ids not united", "chain", unite=False),
    _breaks("I4", "M14 a redirect drops", "chain", forward="drop"),
    _breaks("I4", "M15 forwarded beside the transaction", "twice", _CRASH, forward="after"),
    _breaks(
        "I3",
        "M16 MergeIn not idempotent, at least once",
        "twice",
        _CRASH,
        idempotent=False,
        **AT_LEAST_ONCE,
    ),
    _breaks("I6", "M17 ring not opened", "ring", ring="nobody"),
    _breaks("I6", "M17b ring opened by anyone", "ring", ring="anyone"),
    _breaks("I3", "M18 timers by the clock of the worker", "backlog", clock="worker"),
    _breaks("I5", "M19 inbox stamped by producers", "skew", {"ztick": 1}, stamps="producer"),
    _breaks("I3", "M20 ties in no fixed order", "drain", _LOST, _ROLL, ties="worker"),
    _breaks("I8", "M21 idle owner blind", "pipe", _ROLL, notice=False),
    _breaks("I1", "M22 stitch not fenced", "merge", {"strebal": 1}, stitch_fence=False),
    _breaks("I6", "M23 identity not repaired", "flip*", _DROPPED, repair=False),
    _breaks("I6", "M24 repair without fencing", "flip*", _DROPPED, refence=False),
    _breaks("I3", "M25 fold reads its cursor before the fence", "pipe", _LOST, fence_first=False),
    _breaks(
        "I1",
        "M25b stitch reads its cursor before the fence",
        "merge",
        {"strebal": 1},
        fence_first=False,
    ),
    _breaks("I5", "M26 progress noted before the commit", "backlog", progress="read"),
    _breaks("I5", "M27 moment taken after the high watermark", "backlog", moment="after"),
    _breaks("I5", "M28 a Tick beyond the brokers' stamp", "skew", {"ztick": 1}, capped=False),
    _breaks("I3", "M29 load does not compare", "again", _ROLL, load=False),
    _breaks("I3", "M30 a version read outside the log", "version", _ROLL, version="outside"),
    _breaks("I6", "M31 gate open during repair, with M17", "flushed*", gate=False, ring="nobody"),
    _breaks("I6", "M32 missing Merged not appended", "flip*", {"idpart": 1}, resend=False),
    _breaks("I8", "M33 no first cursor", "pipe", _CRASH, made=False),
    _breaks("I8", "M34 a batch sends its own merges only", "short", {"stcrash": 1}, outbox="own"),
    _breaks(
        "I3",
        "M35 cursor read to the last stable offset",
        "pipe",
        {"hang": 1, "focrash": 1},
        read_end="stable",
    ),
    _breaks(
        "I6",
        "M35b repair reads to the last stable offset",
        "flip*",
        {"hang": 1, "idroll": 1},
        repair_end="stable",
    ),
    _breaks("I3", "M36 cursor read uncommitted", "pipe", {"abort": 1}, read="uncommitted"),
    _breaks(
        "I5",
        "M37 lost progress left out of the minimum",
        "backlog2",
        {"progroll": 1},
        absent="skip",
    ),
]
