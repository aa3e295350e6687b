"""The words of what an action passes before it leaves: sends, quiet hours, caps and holdout."""

from .shapes import (
    Check,
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
        "limit": LIMIT,
        "store": expression,
    },
    required=("send",),
    alone=(("channels", "purpose"),),
    some=(("channels", "purpose"),),
    later=frozenset({"on_failed"}),
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
    },
    required=("limit", "per"),
    later=frozenset({"arbitration"}),
)
HOLDOUT = Shape("a holdout", {"percent": whole(1, 99), "salt": name}, required=("percent",))
