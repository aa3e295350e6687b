"""Which words may stand where, and what shape their values have: the language as a table.

Only shapes are checked here; whether names exist and make sense is the compiler's.
"""

from . import tree
from .catalogue_grammar import COMPUTED, EVENT, SEGMENT, trait
from .deed_grammar import DEEDS
from .entry_grammar import check_beside, entry_shape
from .gate_grammar import AWAIT, CAP, HOLDOUT, LIMIT, QUIET, SEND, TASK
from .names import DECLARABLE, RESULTS
from .problems import Problems
from .publication import ON_PUBLISH
from .rates import channel_rate
from .shapes import (
    Check,
    Open,
    Ruled,
    Shape,
    anything,
    duration,
    either,
    event_name,
    expression,
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
    time_of_day,
    timezone,
    value,
    whole,
    word,
    wrong,
)
from .stores import STORES
from .tree import Node

_events = one_or_list(event_name, "touchpoint types")

_TRIGGER: dict[str, Check] = {
    "event": _events,
    "segment": name,
    "left": name,
    "when": expression,
}
_RESULT: dict[str, Check] = {
    "action": one_or_list(word(*RESULTS), "results"),
    "of": name,
}
_MATCH: dict[str, Check] = {
    "match": either(word("any"), mapping_of(word("key"), name, "properties")),
}
_TRIGGERS = ("event", "action", "segment", "left")
_ONE_TRIGGER = (_TRIGGERS, ("event", "of"), ("action", "match"), ("segment", "match"))
_GO: dict[str, Check] = {"to": name, "end": name}


def doing(node: Node, problems: Problems) -> None:
    """An item of `do`, by the word that says what it is."""
    names = node.names() if isinstance(node, tree.Mapping) else []
    kinds: dict[str, Shape] = {"send": SEND, "task": TASK, **DEEDS}
    found = [kinds[each] for each in kinds if each in names]
    (found[0] if found else SEND)(node, problems)


_DO: dict[str, Check] = {
    "do": one_or_list(Ruled((SEND, TASK, *DEEDS.values()), doing), "what to do")
}

LINE = Shape(
    "a line",
    {
        **_TRIGGER,
        **_RESULT,
        **_MATCH,
        **_GO,
        **_DO,
        "restart_timer": only_true,
        "lookback": positive_duration,
    },
    alone=(("to", "end", "restart_timer"), *_ONE_TRIGGER),
    some=((*_TRIGGERS, "when"), ("to", "end", "restart_timer", "do")),
)
_GOING = Shape("`else`", _GO, alone=(("to", "end"),), some=(("to", "end"),))
_ON_PAST = Shape("`on_past`", _GO, alone=(("to", "end"),), some=(("to", "end"),))
_DAYS = word("mon", "tue", "wed", "thu", "fri", "sat", "sun", "workday")
TIMER = Shape(
    "a timer",
    {
        "wait": positive_duration,
        "at": time_of_day,
        "days": one_or_list(_DAYS, "days"),
        "until": expression,
        "before": positive_duration,
        "plus": positive_duration,
        "without": one_or_list(event_name, "touchpoint types"),
        "on_past": either(word("go", "skip"), _ON_PAST),
        "max": positive_duration,
        **_GO,
        **_DO,
    },
    alone=(("to", "end"), ("wait", "until"), ("before", "plus")),
    some=(("wait", "at", "until"), ("to", "end", "do")),
)


def timer(node: Node, problems: Problems) -> None:
    """`on_past` comes with `until`, and what moves its moment only with it."""
    TIMER(node, problems)
    if not isinstance(node, tree.Mapping):
        return
    if "until" in node and "on_past" not in node:
        what = "Nothing says what happens when that moment is past, or not known."
        mend = "Add `on_past: go`, `skip`, `{to: stage}` or `{end: outcome}`."
        problems.add("missing-word", node.key("until").place, what, mend)
    for given in ("before", "plus", "on_past"):
        if "until" not in node:
            _does_nothing(given, "there is no `until`", node, problems)


CHOICE = Shape(
    "a choice",
    {"when": expression, **_GO, "else": either(name, _GOING)},
    alone=(("when", "else"), ("to", "end", "else")),
    some=(("when", "else"), ("to", "end", "else")),
)


ARM = Shape(
    "an arm",
    {"weight": whole(0, 10_000), **_GO},
    required=("weight",),
    alone=(("to", "end"),),
    some=(("to", "end"),),
)
SPLIT = Shape(
    "a split",
    {
        "name": name,
        "salt": text,
        "by": word("person", "key"),
        "arms": mapping_of(ARM, name, "arms"),
    },
    required=("name", "arms"),
)


_CHOICES = list_of(CHOICE, "choices")


def choices(node: Node, problems: Problems) -> None:
    """At least one choice; `else` is the last of them, and only the last."""
    _CHOICES(node, problems)
    found = [each for each in tree.items(node) if isinstance(each, tree.Mapping)]
    for each in found[:-1]:
        if "else" in each:
            what = "Nothing after `else` is ever looked at."
            problems.add("bad-choice", each.key("else").place, what, "Put it last.")
    if found and not any("else" in each for each in found):
        what = "When no choice is true, nobody knows where to go."
        problems.add("bad-choice", head(found[-1]), what, "End with `- {else: stage}`.")


STAGE = Shape(
    "a stage",
    {
        "title": text,
        "phase": text,
        **_DO,
        "on": one_or_list(LINE, "lines"),
        "after": one_or_list(Ruled((TIMER,), timer), "timers"),
        "choose": Ruled((_CHOICES,), choices),
        "split": SPLIT,
        "settle": positive_duration,
        "await": AWAIT,
        **_GO,
    },
    alone=(
        ("on", "choose", "split", "to", "end"),
        ("after", "await", "choose", "split", "to", "end"),
    ),
)
ENTRY = entry_shape(_TRIGGER)


def entry(node: Node, problems: Problems) -> None:
    """What lets many in, and what moves a date, only where there is such a thing."""
    ENTRY(node, problems)
    check_beside(node, problems)


_MODES = word("never", "after_exit", "parallel")
REENTRY = Shape(
    "a re-entry",
    {"mode": _MODES, "cooldown": positive_duration, "from": word("exit", "entry"), "limit": LIMIT},
)


def reentry(node: Node, problems: Problems) -> None:
    """Words that would never matter are refused."""
    REENTRY(node, problems)
    if not isinstance(node, tree.Mapping):
        return
    if getattr(node.get("mode"), "text", "") == "never":
        for given in ("cooldown", "limit"):
            _does_nothing(given, "nobody re-enters with `never`", node, problems)
    if "cooldown" not in node:
        _does_nothing("from", "there is no `cooldown`", node, problems)


def _does_nothing(given: str, reason: str, node: tree.Mapping, problems: Problems) -> None:
    if given in node:
        what = f"`{given}` does nothing here, for {reason}."
        problems.add("one-way-on", node.key(given).place, what, "Leave it out.")


GOAL = Shape(
    "a goal",
    {
        "goal": name,
        **_TRIGGER,
        **_RESULT,
        **_MATCH,
        "value": expression,
        "then": word("stay", "exit"),
        "credit": positive_duration,
        **_GO,
    },
    required=("goal",),
    alone=(("then", "to", "end"), *_ONE_TRIGGER),
    some=((*_TRIGGERS, "when"),),
)
EXIT = Shape(
    "an exit",
    {**_TRIGGER, **_RESULT, **_MATCH, "outcome": name},
    alone=_ONE_TRIGGER,
    some=((*_TRIGGERS, "when"),),
)
MAP = Shape(
    "a map",
    {
        "map": map_name,
        "title": text,
        "version": whole(1, 2**31),
        "timezone": timezone,
        "priority": whole(0, 100),
        "enter": one_or_list(Ruled((ENTRY,), entry), "entries"),
        "reentry": either(_MODES, Ruled((REENTRY,), reentry)),
        "holdout": HOLDOUT,
        "on_merge": word("keep_oldest", "keep_latest"),
        "goals": list_of(GOAL, "goals"),
        "exits": list_of(EXIT, "exits"),
        "anywhere": list_of(LINE, "lines"),
        "on_publish": ON_PUBLISH,
        "stages": mapping_of(STAGE, name, "stages"),
        "tests": list_of(anything, "tests"),
    },
    required=("map", "version", "enter", "stages"),
)

_TYPE = word(*DECLARABLE)
PARAM = Shape(
    "a param",
    {"type": _TYPE, "default": value, "optional": flag},
    required=("type",),
)
CATALOGUE = Shape(
    "a catalogue",
    {
        "events": mapping_of(EVENT, event_name, "event types"),
        "traits": mapping_of(Ruled((_TYPE, *COMPUTED.values()), trait), name, "traits"),
        "segments": mapping_of(SEGMENT, name, "segments"),
    },
)
CHANNEL = Shape(
    "a channel",
    {
        "identifier": text,
        "consent": name,
        "when": expression,
        "human": only_true,
        "role": name,
        "sla": positive_duration,
        "rate": channel_rate,
    },
    required=("identifier",),
)
SOURCE = Open(
    "A source",
    {
        "topic": text,
        "file": text,
        "bulk": flag,
        "lateness": positive_duration,
        "brings": one_or_list(event_name, "touchpoint types"),
        "watermark": word("seen", "explicit"),
    },
    rest=anything,  # a mapping of foreign records, which intake reads itself
    mend="Write `topic: ...`.",
)


def source(node: Node, problems: Problems) -> None:
    """A lateness is that of what the source brings; without either nobody waits for it."""
    SOURCE(node, problems)
    if not isinstance(node, tree.Mapping):
        return
    for given, wanted in (
        ("lateness", "brings"),
        ("brings", "lateness"),
        ("watermark", "lateness"),
    ):
        if given in node and wanted not in node:
            what, mend = f"`{given}` needs `{wanted}`.", f"Add `{wanted}: ...`."
            problems.add("missing-word", node.key(given).place, what, mend)


RATE = Shape(
    "a rate",
    {"count": whole(1, 1_000_000), "per": positive_duration},
    required=("count", "per"),
)
WORKSPACE = Shape(
    "a workspace",
    {
        "workspace": name,
        "timezone": timezone,
        "calendar": text,
        "credit": positive_duration,
        "clock": word("wall", "event"),
        "grace": duration,
        "memory": Shape("a memory", {"for": positive_duration, "at_most": whole(0, 10_000)}),
        "channels": mapping_of(CHANNEL, name, "channels"),
        "purposes": mapping_of(one_or_list(name, "channels"), name, "purposes"),
        "sources": mapping_of(Ruled((SOURCE,), source), event_name, "sources"),
        "identity": mapping_of(anything, text, "rules of identity"),
        "quiet_hours": list_of(QUIET, "quiet hours"),
        "caps": list_of(CAP, "caps"),
        "holdout": HOLDOUT,
        "rate": RATE,
        "stores": STORES,
        "hold_time_at_most": positive_duration,
    },
    required=("workspace", "timezone"),
)


def block(node: Node, problems: Problems) -> None:
    """What a channel's sender needs."""
    if not isinstance(node, tree.Mapping) or not node.entries:
        mend = "Write what the channel's sender needs, such as `{text: ...}`."
        wrong(node, "A channel's block is a mapping.", mend, problems)


TEMPLATE = Open(
    "A template",
    {"class": word("marketing", "transactional"), "params": mapping_of(PARAM, name, "params")},
    rest=block,
    mend="Write a block per channel.",
)
TEMPLATES = Shape(
    "a template file",
    {"templates": mapping_of(TEMPLATE, name, "templates")},
    required=("templates",),
)
