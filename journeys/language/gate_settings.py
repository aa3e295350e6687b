"""What of a workspace stands before an action: its channels' names, quiet hours, caps, holdout."""

from collections.abc import Collection, Sequence
from datetime import time
from typing import Literal

from .durations import parse_duration, parse_time_of_day, roughly_ms
from .model import Cap, Holdout, QuietHours, Rate
from .problems import Problems, nearest
from .tree import Mapping as Tree
from .tree import Scalar, items, mapping, scalar

_DAY = 24 * 3600


def check_channel(written: Scalar, channels: Collection[str], problems: Problems) -> None:
    """Adds a problem unless the workspace has the channel."""
    if written.text not in channels:
        what = f'There is no channel "{written.text}".'
        problems.add("no-such-channel", written.place, what, nearest(written.text, channels))


def class_of(node: Tree) -> Literal["marketing", "transactional"] | None:
    """The word after `class`, if there is one."""
    found = node.get("class")
    if found is None:
        return None
    return "transactional" if scalar(found).text == "transactional" else "marketing"


def read_quiet_hours(
    root: Tree, channels: Collection[str], problems: Problems
) -> tuple[QuietHours, ...]:
    """The workspace's, in order; together they leave some hour of the day to each channel."""
    nodes = [mapping(each) for each in items(root.get("quiet_hours"))]
    found = tuple(_quiet_hours(node, channels, problems) for node in nodes)
    for class_ in ("marketing", "transactional"):
        for channel in channels:
            concerning = [
                (node, each)
                for node, each in zip(nodes, found, strict=True)
                if each.class_ == class_ and (not each.channels or channel in each.channels)
            ]
            if concerning and _covers_the_day([each for _, each in concerning]):
                what = f"These quiet hours leave {class_} messages by {channel} no time of the day."
                place = concerning[-1][0].key("from").place
                problems.add("bad-quiet-hours", place, what, "Make them shorter.")
    return found


def read_caps(root: Tree, channels: Collection[str], problems: Problems) -> tuple[Cap, ...]:
    """The workspace's, in order."""
    return tuple(_cap(mapping(each), channels, problems) for each in items(root.get("caps")))


def read_holdout(root: Tree) -> Holdout | None:
    """A map's or the workspace's."""
    if "holdout" not in root:
        return None
    written = mapping(root["holdout"])
    percent, salt = scalar(written["percent"]).value, written.get("salt")
    assert isinstance(percent, int)
    return Holdout(percent, "" if salt is None else scalar(salt).text)


def _cap(node: Tree, channels: Collection[str], problems: Problems) -> Cap:
    channel, of, arbitration = node.get("channel"), node.get("of"), node.get("arbitration")
    if channel is not None:
        check_channel(scalar(channel), channels, problems)
    limit, per = scalar(node["limit"]).value, parse_duration(scalar(node["per"]).text)
    assert isinstance(limit, int)
    assert per is not None
    return Cap(
        limit=limit,
        per=per,
        channel="" if channel is None else scalar(channel).text,
        class_=class_of(node) or "marketing",
        of="person" if of is None else _of(scalar(of)),
        arbitration=None if arbitration is None else parse_duration(scalar(arbitration).text),
    )


def _of(written: Scalar) -> Literal["person", "store", "map"]:
    match written.text:
        case "store":
            return "store"
        case "map":
            return "map"
        case _:
            return "person"


def read_rate(root: Tree) -> Rate | None:
    """How many touchpoints of one person journeys hear of."""
    node = root.get("rate")
    if node is None:
        return None
    written = mapping(node)
    count, per = scalar(written["count"]).value, parse_duration(scalar(written["per"]).text)
    assert isinstance(count, int)
    assert per is not None
    return Rate(count, roughly_ms(per))


def _quiet_hours(node: Tree, channels: Collection[str], problems: Problems) -> QuietHours:
    written = [scalar(each) for each in items(node.get("channels"))]
    for each in written:
        check_channel(each, channels, problems)
    start, end = (_time(scalar(node[word])) for word in ("from", "to"))
    if start == end:
        what = "These quiet hours end when they begin."
        mend = 'Write two times, such as `{from: "21:30", to: "08:30"}`.'
        problems.add("bad-quiet-hours", node.key("to").place, what, mend)
    return QuietHours(start, end, class_of(node) or "marketing", tuple(w.text for w in written))


def _time(written: Scalar) -> time:
    found = parse_time_of_day(written.text)
    assert found is not None
    return found


def _covers_the_day(hours: Sequence[QuietHours]) -> bool:
    """Whether somebody who leaves hours at their end always finds herself in others."""
    spans = [span for each in hours for span in _spans(each)]
    reached = 0
    for start, end in sorted(spans):
        if start > reached:
            return False
        reached = max(reached, end)
    return reached >= _DAY


def _spans(hours: QuietHours) -> list[tuple[int, int]]:
    """In seconds of one day; what crosses midnight is two."""
    start, end = (t.hour * 3600 + t.minute * 60 + t.second for t in (hours.start, hours.end))
    if start == end:
        return []
    return [(start, end)] if start < end else [(start, _DAY), (0, end)]
