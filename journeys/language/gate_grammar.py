"""The words of what an action passes before it leaves: sends, quiet hours, caps and holdout."""

from .problems import Problems
from .shapes import (
    Check,
    Ruled,
    Shape,
    either,
    expression,
    mapping_of,
    name,
    one_or_list,
    positive_duration,
    time_of_day,
    value,
    whole,
    word,
)
from .tree import Node

_CLASS = word("marketing", "transactional")


def _going(what: str) -> Shape:
    return Shape(what, {"to": name, "end": name}, alone=(("to", "end"),), some=(("to", "end"),))


def _policy(what: str, *words: str) -> Check:
    return either(word(*words), _going(f"`{what}`"))


LIMIT = Shape(
    "a limit", {"count": whole(1, 1_000), "per": positive_duration}, required=("count", "per")
)
SEND = Shape(
    "a send",
    {
        "send": name,
        "channels": one_or_list(name, "channels"),
        "purpose": name,
        "with": mapping_of(value, name, "values"),
        "class": _CLASS,
        "expires_after": positive_duration,
        "on_quiet": _policy("on_quiet", "hold", "skip", "other_channel"),
        "on_unreachable": _policy("on_unreachable", "skip"),
        "on_capped": _policy("on_capped", "hold", "skip", "other_channel"),
        "on_failed": _policy("on_failed", "skip", "other_channel"),
        "limit": LIMIT,
        "store": expression,
    },
    required=("send",),
    alone=(("channels", "purpose"),),
    some=(("channels", "purpose"),),
)
TASK = Shape(
    "a task",
    {
        "task": name,
        "role": name,
        "store": expression,
        "assign": expression,
        "with": mapping_of(value, name, "values"),
        "sla": positive_duration,
        "class": _CLASS,
        "expires_after": positive_duration,
    },
    required=("task",),
)


def waiting(node: Node, problems: Problems) -> None:
    """How long a result is waited for: a duration, or the task's own `sla`."""
    if getattr(node, "text", "") != "sla":
        positive_duration(node, problems)


_WAIT = Ruled((word("sla"), positive_duration), waiting)
AWAITED = ("accepted", "delivered", "clicked", "replied", "done")
AWAIT = Shape(
    "`await`",
    {
        **dict.fromkeys(AWAITED, _WAIT),
        "to": name,
        "end": name,
        "else": either(name, _going("else")),
    },
    required=("else",),
    alone=(AWAITED, ("to", "end")),
    some=(AWAITED, ("to", "end")),
)
QUIET = Shape(
    "quiet hours",
    {
        "from": time_of_day,
        "to": time_of_day,
        "class": _CLASS,
        "channels": one_or_list(name, "channels"),
    },
    required=("from", "to"),
)
CAP = Shape(
    "a cap",
    {
        "limit": whole(1, 100),
        "per": positive_duration,
        "channel": name,
        "class": _CLASS,
        "of": word("person", "store", "map"),
        "arbitration": positive_duration,
    },
    required=("limit", "per"),
)
HOLDOUT = Shape("a holdout", {"percent": whole(1, 99), "salt": name}, required=("percent",))
