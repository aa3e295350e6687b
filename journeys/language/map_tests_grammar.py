"""The words of `tests:`: what happens to whom, and what is expected.

As in the rest of the grammar only shapes are checked.
"""

import re

from .durations import parse_duration
from .problems import Problems, nearest
from .shapes import (
    Check,
    ListOf,
    Open,
    Ruled,
    Shape,
    anything,
    day,
    either,
    event_name,
    flag,
    head,
    list_of,
    map_name,
    mapping_of,
    name,
    one_or_list,
    only_true,
    positive_duration,
    text,
    timezone,
    value,
    whole,
    word,
    wrong,
)
from .tree import Mapping, Node, Scalar

SHORT_MOMENT = re.compile(
    r"(?:\+(?P<days>[0-9]{1,4})d(?: (?P<on>[0-9:.]+))?|(?P<after>\+[0-9a-z]+)|(?P<clock>[0-9:.]+))"
)
CLOCK = re.compile(r"(?:[01][0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9](?:\.[0-9]{1,3})?)?")
_FULL = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)")


def is_full(written: str) -> bool:
    """Whether a moment is a timestamp with its offset, which needs no `date`."""
    return _FULL.fullmatch(written) is not None


def moment(node: Node, problems: Problems) -> None:
    """`"10:00"`, `"+3d 10:00"`, `"+90s"` or a timestamp with an offset."""
    if not isinstance(node, Scalar) or not (is_full(node.text) or _is_short(node.text)):
        written = f'"{node.text}"' if isinstance(node, Scalar) else "This"
        mend = 'Write "10:00", "+3d 10:00", "+90s" or "2026-05-04T10:00:00+08:00", in quotes.'
        problems.add("bad-time-of-day", node.place, f"{written} is no moment.", mend)


def _is_short(written: str) -> bool:
    found = SHORT_MOMENT.fullmatch(written)
    if found is None:
        return False
    if found["after"]:
        return parse_duration(found["after"][1:]) is not None
    clock = found["on"] or found["clock"]
    return clock is None or CLOCK.fullmatch(clock) is not None


def maybe_moment(node: Node, problems: Problems) -> None:
    """A moment, or null where there is none."""
    if not (isinstance(node, Scalar) and node.value is None):
        moment(node, problems)


def patch(node: Node, problems: Problems) -> None:
    """A JSON merge patch, whose result is checked when it is compiled."""
    if not isinstance(node, Mapping):
        wrong(
            node, "A change is a mapping.", "Write the words that change; null removes.", problems
        )


_facts = mapping_of(anything, text, "values")
_texts = one_or_list(text, "texts")
PERSON = Shape(
    "a person",
    {
        "traits": _facts,
        "tags": one_or_list(text, "tags"),
        "consents": mapping_of(flag, name, "consents"),
        "identifiers": mapping_of(_texts, text, "identifiers"),
        "timezone": timezone,
        "store": text,
        "reachable": ListOf(name, "channels", may_be_empty=True),
        "arms": mapping_of(name, name, "arms"),
        "buckets": mapping_of(whole(0, 9_999), name, "splits"),
        "holdout": only_true,
    },
)
_ITEM: dict[str, Check] = {"map": map_name, "person": name, "key": value}
_WHEN: dict[str, Check] = {"at": moment, "due": moment, "stage": name}
INSTANCE = Shape(
    "an instance",
    {
        **_ITEM,
        "entered": moment,
        "stage": value,
        "due": maybe_moment,
        "awaiting": value,
        "outcome": value,
        "ended": maybe_moment,
        "version": whole(1, 2**31),
        "arms": mapping_of(name, name, "arms"),
    },
)
ACTION = Shape(
    "an action",
    {
        **_ITEM,
        **_WHEN,
        "leaves": moment,
        "send": name,
        "task": name,
        "channel": name,
        "with": _facts,
        "content": _facts,
        "flags": ListOf(text, "flags", may_be_empty=True),
        "passed_over": mapping_of(text, name, "channels"),
    },
    alone=(("send", "task"),),
)
WITHHELD = Shape(
    "a withheld action",
    {
        **_ITEM,
        "at": moment,
        "stage": name,
        "send": name,
        "task": name,
        "reason": name,
        "passed_over": mapping_of(text, name, "channels"),
        "by": map_name,
    },
    alone=(("send", "task"),),
)
HELD = Shape(
    "a held action",
    {**_ITEM, **_WHEN, "send": name, "task": name, "reason": name, "until": moment},
    alone=(("send", "task"),),
)
REFUSED = Shape(
    "a refused entry",
    {**_ITEM, "at": moment, "reason": name, "until": moment, "remaining": positive_duration},
)
PENDING = Shape(
    "an open action",
    {
        **_ITEM,
        "at": moment,
        "stage": name,
        "send": name,
        "task": name,
        "channel": name,
        "state": word("requested", "human_pending", "accepted", "holdout"),
        "until": maybe_moment,
    },
    alone=(("send", "task"),),
)
DEAD_LETTER = Shape("a dead letter", {"at": moment, "person": name, "event": text, "reason": text})
GOAL = Shape(
    "a reached goal",
    {**_ITEM, "at": moment, "goal": name, "value": value, "credit": name, "after_end": flag},
)
REPORT = Shape(
    "a report",
    {
        **_ITEM,
        "at": moment,
        "report": word("ambiguous", "late", "loop"),
        "event": text,
        "taken": value,
        "missed": name,
    },
)
PUBLISHED = Shape(
    "a publication",
    {
        "version": whole(1, 2**31),
        "refused": flag,
        "stage": value,
        "people": whole(0, 2**31),
    },
)
HISTORY_KINDS = ("enter", "move", "migrate", "end", "goal", "action", "emit", "start")
HISTORY = Shape(
    "a line of history",
    {**_ITEM, "at": moment, "cause": text, **dict.fromkeys(HISTORY_KINDS, event_name)},
    alone=(HISTORY_KINDS,),
    some=(HISTORY_KINDS,),
)
PROFILE = Shape(
    "a profile",
    {
        "person": name,
        "traits": _facts,
        "tags": ListOf(text, "tags", may_be_empty=True),
        "segments": ListOf(text, "segments", may_be_empty=True),
    },
)


def _all(shape: Shape, what: str) -> Check:
    return ListOf(shape, what, may_be_empty=True)


LISTS = {
    "instances": _all(INSTANCE, "instances"),
    "actions": _all(ACTION, "actions"),
    "withheld": _all(WITHHELD, "withheld actions"),
    "held": _all(HELD, "held actions"),
    "refused": _all(REFUSED, "refused entries"),
    "goals": _all(GOAL, "goals"),
    "reports": _all(REPORT, "reports"),
    "history": _all(HISTORY, "lines of history"),
    "published": _all(PUBLISHED, "publications"),
    "pending": _all(PENDING, "open actions"),
    "dead_letters": _all(DEAD_LETTER, "dead letters"),
}
EXPECT = Shape(
    "`expect`",
    {
        "outcome": value,
        "ended": maybe_moment,
        "stage": value,
        "due": maybe_moment,
        "awaiting": value,
        **LISTS,
        "profile": PROFILE,
        "timers": whole(0, 1_000),
    },
)
MERGE = Shape("a merge", {"from": name, "into": name}, required=("from", "into"))
UNMERGE = Shape(
    "a split of a profile",
    {"from": name, "to": name, "entries": list_of(text, "touchpoints")},
    required=("from", "to", "entries"),
)
PUBLISH = Shape(
    "a publication", {"version": whole(1, 2**31), "change": patch}, required=("version",)
)
PAUSE = Shape("a pause", {"mode": word("hold", "discard"), "max_staleness": positive_duration})
WATERMARK = Shape("a watermark", {"source": text, "upto": moment}, required=("source", "upto"))
TOUCHPOINT = Shape(
    "a touchpoint", {"type": event_name, "properties": either(anything, _facts)}, required=("type",)
)
FEEDBACK = Shape("feedback", {"of": name, "hard": only_true}, required=("of",))
START = Shape("a request", {"key": value, "with": _facts})
KINDS: dict[str, Check] = {
    "touchpoint": TOUCHPOINT,
    "start": START,
    "merge": MERGE,
    "unmerge": UNMERGE,
    "publish": PUBLISH,
    "template": patch,
    "watermark": WATERMARK,
    "pause": either(only_true, PAUSE),
    "resume": only_true,
    "drain": only_true,
    "stop": only_true,
    "expect": EXPECT,
}
"""What a line of `given` may be, besides a touchpoint by its type."""
OPTIONS: dict[str, Check] = {
    "at": moment,
    "arrives": moment,
    "person": text,
    "id": text,
    "source": text,
    "channel": text,
    "traits": _facts,
    "consents": mapping_of(flag, name, "consents"),
    "tags": one_or_list(text, "tags"),
    "backfill": flag,
    "repeat": whole(1, 10_000),
}
FEEDBACK_OF = "action."
RESULTS = ("accepted", "delivered", "clicked", "replied", "done", "failed", "expired", "declined")


HAPPENING = Open(
    "A happening",
    {**OPTIONS, **KINDS},
    rest=anything,
    mend='Write `{at: "10:00", <type>: {}}`.',
)


def happening(node: Node, problems: Problems) -> None:
    """A line of `given`: `at`, one happening, and what may stand beside a touchpoint."""
    if not isinstance(node, Mapping):
        wrong(node, "A happening is a mapping.", 'Write `{at: "10:00", <type>: {}}`.', problems)
        return
    before = len(problems)
    for key, each in node.entries:
        _check_word(key, each, problems)
    if len(problems) == before:
        _check_one_kind(node, problems)


def kind_of(node: Mapping) -> Scalar | None:
    """The key that says what happens; None where there are only facts beside."""
    return next((key for key, _ in node.entries if key.text not in OPTIONS), None)


def _check_word(key: Scalar, node: Node, problems: Problems) -> None:
    check = OPTIONS.get(key.text) or KINDS.get(key.text)
    if check is not None:
        check(node, problems)
    elif key.text.startswith(FEEDBACK_OF):
        _check_feedback(key, node, problems)
    else:
        event_name(key, problems)
        _check_properties(node, problems)


def _check_feedback(key: Scalar, node: Node, problems: Problems) -> None:
    result = key.text.removeprefix(FEEDBACK_OF)
    if result not in RESULTS:
        what = f'"{result}" is no result of an action.'
        problems.add("unknown-word", key.place, what, nearest(result, RESULTS))
    else:
        FEEDBACK(node, problems)


def _check_properties(node: Node, problems: Problems) -> None:
    if not isinstance(node, Mapping) and not (isinstance(node, Scalar) and node.value is None):
        wrong(node, "Here stand a touchpoint's properties.", "Write `{}` for none.", problems)


def _check_one_kind(node: Mapping, problems: Problems) -> None:
    kinds = [key for key, _ in node.entries if key.text not in OPTIONS]
    if len(kinds) > 1:
        what = f"`{kinds[0].text}` and `{kinds[1].text}` cannot happen in one line."
        problems.add("one-way-on", kinds[1].place, what, "Write a line for each.")
    elif not kinds and not {"traits", "consents", "tags"}.intersection(node.names()):
        what = "Nothing happens in this line."
        mend = "Add the touchpoint's type with its properties, such as `order.paid: {amount: 5}`."
        problems.add("missing-word", head(node), what, mend)
    if "at" not in node:
        what = "This line does not say when it happens."
        problems.add("missing-word", head(node), what, 'Add `at: "10:00"`.')


TEST = Shape(
    "a test",
    {
        "name": text,
        "date": day,
        "timezone": timezone,
        "people": mapping_of(PERSON, name, "people"),
        "also": one_or_list(map_name, "maps"),
        "settings": patch,
        "change": patch,
        "given": list_of(Ruled((HAPPENING,), happening), "happenings"),
        "expect": EXPECT,
        "until": moment,
    },
    required=("name", "expect"),
)
TESTS = list_of(TEST, "tests")
