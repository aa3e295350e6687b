"""Which words may stand where, and what shape their values have: the language as a table.

Only shapes are checked here; whether names exist and make sense is the compiler's. A word that
the language has and this version has not built is refused by name, never ignored.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from . import tree
from .durations import parse_duration, parse_time_of_day
from .names import DECLARABLE
from .problems import Code, Place, Problems, nearest
from .tree import Node, Scalar

Check = Callable[[Node, Problems], None]

_NAME = re.compile(r"[\w-]{1,64}")
_MAP_NAME = re.compile(r"[a-z0-9-]{1,64}")
_EVENT_NAME = re.compile(r"[\w.:/-]{1,128}")


@dataclass(frozen=True, slots=True)
class Shape:
    """A mapping: its words with their checks, those it must have, and those still to come.

    Of each group in `alone` at most one word may stand there, of each in `some` at least one
    must.
    """

    what: str
    words: Mapping[str, Check]
    required: tuple[str, ...] = ()
    later: frozenset[str] = frozenset()
    alone: tuple[tuple[str, ...], ...] = ()
    some: tuple[tuple[str, ...], ...] = ()

    def __call__(self, node: Node, problems: Problems) -> None:
        if not isinstance(node, tree.Mapping):
            example = f"{next(iter(self.words))}: ..."
            _wrong(node, f"{self._title} is a mapping.", f"Write `{example}`.", problems)
            return
        for key, value in node.entries:
            self._check_word(key, value, problems)
        if not self.later.intersection(node.names()):
            self._check_whole(node, problems)

    @property
    def _title(self) -> str:
        return self.what[0].upper() + self.what[1:]

    def _check_word(self, key: Scalar, value: Node, problems: Problems) -> None:
        check = self.words.get(key.text)
        if check is not None:
            check(value, problems)
        elif key.text in self.later:
            not_yet(f"`{key.text}`", key, problems)
        else:
            what = f'{self._title} has no word "{key.text}".'
            mend = nearest(key.text, self.words)
            problems.add("unknown-word", key.place, what, mend)

    def _check_whole(self, node: tree.Mapping, problems: Problems) -> None:
        # A misspelt word has been reported: that it is also missing would be a second message.
        is_spelt = all(name in self.words for name in node.names())
        for word_ in self.required:
            if word_ not in node and is_spelt:
                what, mend = f"{self._title} needs `{word_}`.", f"Add `{word_}: ...`."
                problems.add("missing-word", _head(node), what, mend)
        for group in self.alone:
            found = [each for each in group if each in node]
            if len(found) > 1:
                what = f"`{found[0]}` and `{found[1]}` cannot stand together."
                problems.add("one-way-on", node.key(found[1]).place, what, "Keep one of them.")
        for group in self.some:
            if is_spelt and not any(each in node for each in group):
                choices = ", ".join(f"`{each}`" for each in group)
                what = f"{self._title} needs one of {choices}."
                problems.add("missing-word", _head(node), what, "Add one of them.")


def not_yet(word: str, key: Scalar, problems: Problems) -> None:
    """Refuses what the language has and this version has not; `word` begins the sentence."""
    mend = "Leave it out for now; docs/designers/language.md lists what works today."
    problems.add("not-supported-yet", key.place, f"{word} is not supported yet.", mend)


def text(node: Node, problems: Problems) -> None:
    if not isinstance(node, Scalar) or not isinstance(node.value, str) or not node.text.strip():
        _wrong(
            node, "Here stands a text.", "Write one, in quotes if it looks like a number.", problems
        )


def anything(node: Node, problems: Problems) -> None:
    """Checked by whoever reads it."""


def flag(node: Node, problems: Problems) -> None:
    if not isinstance(node, Scalar) or not isinstance(node.value, bool):
        _wrong(node, "Here stands `true` or `false`.", "Write one of them.", problems)


def only_true(node: Node, problems: Problems) -> None:
    if not isinstance(node, Scalar) or node.value is not True:
        _wrong(
            node, "Here only `true` makes sense.", "Write `true`, or leave the word out.", problems
        )


def whole(low: int, high: int) -> Check:
    """A whole number in the range."""

    def check(node: Node, problems: Problems) -> None:
        value = node.value if isinstance(node, Scalar) else None
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            what = f"Here stands a whole number from {low} to {high}."
            problems.add("bad-number", node.place, what, "Write one.")

    return check


def word(*choices: str) -> Check:
    """One of these words."""

    def check(node: Node, problems: Problems) -> None:
        if isinstance(node, Scalar) and node.value in choices:
            return
        written = node.text if isinstance(node, Scalar) else "this"
        what = f'"{written}" cannot stand here.'
        problems.add("unknown-word", node.place, what, nearest(written, choices))

    return check


def named(pattern: re.Pattern[str], of: str) -> Check:
    """A name; `of` says of which characters."""

    def check(node: Node, problems: Problems) -> None:
        if not isinstance(node, Scalar) or not isinstance(node.value, str):
            _wrong(node, "Here stands a name.", f"Write one of {of}.", problems)
        elif not pattern.fullmatch(node.value):
            what = f'"{node.text}" is no name.'
            problems.add("bad-name", node.place, what, f"A name has {of}.")

    return check


def duration(node: Node, problems: Problems) -> None:
    if not isinstance(node, Scalar) or parse_duration(node.text) is None:
        written = f'"{node.text}"' if isinstance(node, Scalar) else "This"
        mend = "Write a number and one unit: 90s 15m 24h (elapsed), 1d 2w 3mo 1y (calendar)."
        problems.add("bad-duration", node.place, f"{written} is no duration.", mend)


def positive_duration(node: Node, problems: Problems) -> None:
    before = len(problems)
    duration(node, problems)
    if len(problems) == before and set(tree.scalar(node).text) & set("123456789") == set():
        mend = "Write a longer one, or leave it out."
        problems.add("bad-duration", node.place, "A duration of nothing does nothing.", mend)


def time_of_day(node: Node, problems: Problems) -> None:
    if not isinstance(node, Scalar) or parse_time_of_day(node.text) is None:
        written = f'"{node.text}"' if isinstance(node, Scalar) else "This"
        mend = 'Write it with two digits each, in quotes: "09:30".'
        problems.add("bad-time-of-day", node.place, f"{written} is no time of day.", mend)


def timezone(node: Node, problems: Problems) -> None:
    try:
        ZoneInfo(node.text if isinstance(node, Scalar) else "")
    except (ValueError, OSError, KeyError):
        written = f'"{node.text}"' if isinstance(node, Scalar) else "This"
        mend = "Write an IANA name such as Asia/Shanghai or Europe/Berlin."
        problems.add("bad-timezone", node.place, f"{written} is no time zone.", mend)


def expression(node: Node, problems: Problems) -> None:
    """A condition or expression; numbers and truths count as written."""
    if not isinstance(node, Scalar) or not node.text.strip():
        _wrong(node, "Here stands a condition.", "Write one, in quotes if it has `: `.", problems)


def value(node: Node, problems: Problems) -> None:
    """A value of `with`: a text, number, truth or null."""
    if not isinstance(node, Scalar):
        mend = "Write a text, a number, true, false or null; lists come by `=` expressions."
        _wrong(node, "A value is one thing.", mend, problems)


def list_of(check: Check, what: str) -> Check:
    """A list of at least one."""

    def check_list(node: Node, problems: Problems) -> None:
        if not isinstance(node, tree.Sequence):
            _wrong(node, f"Here stands a list of {what}.", "Begin each with `- `.", problems)
        elif not node.items:
            _wrong(node, f"This list of {what} is empty.", "Fill it, or leave it out.", problems)
        else:
            for item in node.items:
                check(item, problems)

    return check_list


def one_or_list(check: Check, what: str) -> Check:
    """One, or a list of at least one."""
    checked_list = list_of(check, what)

    def check_either(node: Node, problems: Problems) -> None:
        (checked_list if isinstance(node, tree.Sequence) else check)(node, problems)

    return check_either


def mapping_of(check: Check, name: Check, what: str) -> Check:
    """Names of the designer's own, each with the same kind of thing; at least one."""

    def check_mapping(node: Node, problems: Problems) -> None:
        if not isinstance(node, tree.Mapping) or not node.entries:
            _wrong(node, f"Here stand {what} by name.", "Write `name: ...`.", problems)
            return
        for key, each in node.entries:
            name(key, problems)
            check(each, problems)

    return check_mapping


def either(short: Check, long: Check) -> Check:
    """A short form, or a mapping."""

    def check(node: Node, problems: Problems) -> None:
        (long if isinstance(node, tree.Mapping) else short)(node, problems)

    return check


def _wrong(
    node: Node, what: str, mend: str, problems: Problems, code: Code = "wrong-shape"
) -> None:
    problems.add(code, node.place, what, mend)


def _head(node: tree.Mapping) -> Place:
    """Where a mapping begins: its first key."""
    return node.entries[0][0].place if node.entries else node.place


name = named(_NAME, "letters, digits, `_` and `-`, at most 64")
map_name = named(_MAP_NAME, "small letters a-z, digits and `-`, at most 64")
event_name = named(_EVENT_NAME, "letters, digits and `. _ - : /`, at most 128")
_events = one_or_list(event_name, "touchpoint types")

_TRIGGER: dict[str, Check] = {"event": _events, "when": expression}
_TRIGGER_LATER = frozenset({"segment", "left", "action", "of", "lookback"})
_MATCH: dict[str, Check] = {
    "match": either(word("any"), mapping_of(word("key"), name, "properties")),
}
_GO: dict[str, Check] = {"to": name, "end": name}

SEND = Shape(
    "a send",
    {
        "send": name,
        "channels": one_or_list(name, "channels"),
        "purpose": name,
        "with": mapping_of(value, name, "values"),
        "class": word("marketing", "transactional"),
        "expires_after": positive_duration,
    },
    required=("send",),
    alone=(("channels", "purpose"),),
    some=(("channels", "purpose"),),
    later=frozenset({"store", "limit", "on_quiet", "on_capped", "on_unreachable", "on_failed"}),
)
_DOINGS_LATER = frozenset({"task", "set", "tag", "untag", "emit", "start"})


def doing(node: Node, problems: Problems) -> None:
    """An item of `do`: only `send` for now."""
    names = node.names() if isinstance(node, tree.Mapping) else []
    later = next((each for each in names if each in _DOINGS_LATER), None)
    if later is not None and "send" not in names:
        not_yet(f"`{later}`", tree.mapping(node).key(later), problems)
    else:
        SEND(node, problems)


_DO: dict[str, Check] = {"do": one_or_list(doing, "what to do")}

LINE = Shape(
    "a line",
    {**_TRIGGER, **_MATCH, **_GO, **_DO, "restart_timer": only_true},
    required=("event",),
    later=_TRIGGER_LATER,
    alone=(("to", "end", "restart_timer"),),
    some=(("to", "end", "restart_timer", "do"),),
)
TIMER = Shape(
    "a timer",
    {"wait": positive_duration, "at": time_of_day, "max": positive_duration, **_GO, **_DO},
    later=frozenset({"days", "until", "before", "plus", "on_past", "without"}),
    alone=(("to", "end"),),
    some=(("wait", "at"), ("to", "end", "do")),
)
_GOING = Shape("`else`", _GO, alone=(("to", "end"),), some=(("to", "end"),))
CHOICE = Shape(
    "a choice",
    {"when": expression, **_GO, "else": either(name, _GOING)},
    alone=(("when", "else"), ("to", "end", "else")),
    some=(("when", "else"), ("to", "end", "else")),
)


def choices(node: Node, problems: Problems) -> None:
    """At least one choice; `else` is the last of them, and only the last."""
    list_of(CHOICE, "choices")(node, problems)
    found = [each for each in tree.items(node) if isinstance(each, tree.Mapping)]
    for each in found[:-1]:
        if "else" in each:
            what = "Nothing after `else` is ever looked at."
            problems.add("bad-choice", each.key("else").place, what, "Put it last.")
    if found and not any("else" in each for each in found):
        what = "When no choice is true, nobody knows where to go."
        problems.add("bad-choice", _head(found[-1]), what, "End with `- {else: stage}`.")


STAGE = Shape(
    "a stage",
    {
        "title": text,
        "phase": text,
        **_DO,
        "on": one_or_list(LINE, "lines"),
        "after": one_or_list(TIMER, "timers"),
        "choose": choices,
        **_GO,
    },
    later=frozenset({"await", "split", "settle"}),
    alone=(("on", "choose", "to", "end"), ("after", "choose", "to", "end")),
)
ENTRY = Shape(
    "an entry",
    {**_TRIGGER, "key": expression, "max_age": positive_duration},
    required=("event",),
    later=frozenset({"segment", "left", "schedule", "date", "request", "existing", "spread"})
    | frozenset({"every", "before", "plus", "at"}),
)
LIMIT = Shape(
    "a limit", {"count": whole(1, 1_000), "per": positive_duration}, required=("count", "per")
)
_MODES = word("never", "after_exit", "parallel")
REENTRY = Shape(
    "a re-entry",
    {"mode": _MODES, "cooldown": positive_duration, "from": word("exit", "entry"), "limit": LIMIT},
)
GOAL = Shape(
    "a goal",
    {
        "goal": name,
        **_TRIGGER,
        **_MATCH,
        "value": expression,
        "then": word("stay", "exit"),
        **_GO,
    },
    required=("goal", "event"),
    later=frozenset({"credit"}) | _TRIGGER_LATER,
    alone=(("then", "to", "end"),),
)
EXIT = Shape(
    "an exit",
    {**_TRIGGER, **_MATCH, "outcome": name},
    required=("event",),
    later=_TRIGGER_LATER,
)
MAP = Shape(
    "a map",
    {
        "map": map_name,
        "title": text,
        "version": whole(1, 2**31),
        "timezone": timezone,
        "priority": whole(0, 100),
        "enter": one_or_list(ENTRY, "entries"),
        "reentry": either(_MODES, REENTRY),
        "goals": list_of(GOAL, "goals"),
        "exits": list_of(EXIT, "exits"),
        "anywhere": list_of(LINE, "lines"),
        "stages": mapping_of(STAGE, name, "stages"),
        "tests": list_of(anything, "tests"),
    },
    required=("map", "version", "enter", "stages"),
    later=frozenset({"holdout", "on_merge", "on_publish", "blueprint", "parameters", "fill"}),
)

_TYPE = word(*DECLARABLE)
_PROPERTY = either(
    _TYPE, Shape("a property", {"type": _TYPE}, required=("type",), later=frozenset({"one_of"}))
)
EVENT = Shape(
    "an event type",
    {"title": text, "properties": mapping_of(_PROPERTY, name, "properties")},
    later=frozenset({"required", "unique_by"}),
)


def trait(node: Node, problems: Problems) -> None:
    """A plain trait's type; computed traits are to come."""
    if isinstance(node, tree.Mapping) and node.entries:
        not_yet("A computed trait", node.entries[0][0], problems)
    else:
        _TYPE(node, problems)


PARAM = Shape(
    "a param",
    {"type": _TYPE, "default": value, "optional": flag},
    required=("type",),
)
CATALOGUE = Shape(
    "a catalogue",
    {
        "events": mapping_of(EVENT, event_name, "event types"),
        "traits": mapping_of(trait, name, "traits"),
    },
    later=frozenset({"segments"}),
)
CHANNEL = Shape(
    "a channel",
    {"identifier": text, "consent": name, "when": expression},
    required=("identifier",),
    later=frozenset({"human", "role", "sla", "rate"}),
)
_SOURCE_LATER = frozenset({"lateness", "brings", "watermark"})


def source(node: Node, problems: Problems) -> None:
    """Flags and a mapping of foreign records, which intake reads itself."""
    if not isinstance(node, tree.Mapping):
        _wrong(node, "A source is a mapping.", "Write `topic: ...`.", problems)
        return
    for key, each in node.entries:
        if key.text in _SOURCE_LATER:
            not_yet(f"`{key.text}`", key, problems)
        elif key.text == "bulk":
            flag(each, problems)
        elif key.text in ("topic", "file"):
            text(each, problems)


WORKSPACE = Shape(
    "a workspace",
    {
        "workspace": name,
        "timezone": timezone,
        "clock": word("wall", "event"),
        "grace": duration,
        "memory": Shape("a memory", {"for": positive_duration, "at_most": whole(0, 10_000)}),
        "channels": mapping_of(CHANNEL, name, "channels"),
        "purposes": mapping_of(one_or_list(name, "channels"), name, "purposes"),
        "sources": mapping_of(source, event_name, "sources"),
        "identity": mapping_of(anything, text, "rules of identity"),
    },
    required=("workspace", "timezone"),
    later=frozenset(
        {"calendar", "hold_time_at_most", "credit", "holdout", "quiet_hours", "caps", "stores"}
    ),
)


def template(node: Node, problems: Problems) -> None:
    """`class` and `params`; every other word is a channel's block."""
    if not isinstance(node, tree.Mapping):
        _wrong(node, "A template is a mapping.", "Write a block per channel.", problems)
        return
    for key, each in node.entries:
        match key.text:
            case "class":
                word("marketing", "transactional")(each, problems)
            case "params":
                mapping_of(PARAM, name, "params")(each, problems)
            case _:
                _block(each, problems)


def _block(node: Node, problems: Problems) -> None:
    if not isinstance(node, tree.Mapping) or not node.entries:
        mend = "Write what the channel's sender needs, such as `{text: ...}`."
        _wrong(node, "A channel's block is a mapping.", mend, problems)


TEMPLATES = Shape(
    "a template file",
    {"templates": mapping_of(template, name, "templates")},
    required=("templates",),
)
