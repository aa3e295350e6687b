"""`rate: 200/s`: how many actions of a channel its sender does in a time."""

import re

from .problems import Problems
from .tree import Node, Scalar
from .workspace_parts import ChannelRate

RATE = re.compile(r"([1-9][0-9]{0,6})/(s|m|h|d)")
_MILLIS = {"s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}


def channel_rate(node: Node, problems: Problems) -> None:
    """A number and a unit of time."""
    if not isinstance(node, Scalar) or not RATE.fullmatch(node.text):
        written = f'"{node.text}"' if isinstance(node, Scalar) else "This"
        mend = "Write how many in a second, minute, hour or day: 200/s, 50/m, 1000/h, 5000/d."
        problems.add("bad-rate", node.place, f"{written} is no rate.", mend)


def parse_rate(text: str) -> ChannelRate | None:
    """None for what is no rate."""
    found = RATE.fullmatch(text)
    return None if found is None else ChannelRate(text, int(found[1]), _MILLIS[found[2]])
