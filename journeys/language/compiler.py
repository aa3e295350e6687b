"""From a map's tree, whose shape is right, to the model: names are resolved, defaults filled in."""

import hashlib
from typing import Literal
from zoneinfo import ZoneInfo

from .awaits import looks_at_results, read_await
from .conditions import compile_condition, compile_expression
from .deeds import DeedCompiler
from .durations import parse_duration, roughly_ms
from .gate_settings import read_holdout
from .model import (
    Choice,
    Do,
    Duration,
    End,
    Entry,
    Exit,
    Expression,
    Go,
    Goal,
    Limit,
    Line,
    Map,
    Reentry,
    Split,
    Stage,
    Timer,
    Trigger,
    Workspace,
)
from .names import (
    REQUESTED,
    RESULT_PROPERTIES,
    RESULTS,
    Names,
    Properties,
    Reads,
    result_type,
)
from .occasion_reading import read_dates, read_schedule
from .problems import Problems, nearest
from .publication import read_on_publish, structure_of
from .segments import Watching, is_alone
from .sends import SendCompiler
from .shapes import head
from .splits import compile_split, split_names
from .timers import TimerCompiler
from .tree import Mapping as Tree
from .tree import Node, Scalar, items, mapping, scalar
from .triggers import Matching, action_names, event_types, noticed_beside, noticed_types
from .ways import otherwise, way

Mode = Literal["never", "after_exit", "parallel"]

_DAY = Duration("24h", millis=86_400_000)


def build_map(root: Tree, text: str, workspace: Workspace, problems: Problems) -> Map:
    """The compiled map; problems of names are added, and then it must not be used."""
    return _MapCompiler(root, workspace, problems).build(hashlib.sha256(text.encode()).hexdigest())


class _MapCompiler:
    """One map on its way; places in the map are texts such as `remind/on/0/do/1`."""

    def __init__(self, root: Tree, workspace: Workspace, problems: Problems) -> None:
        self._root = root
        self._workspace = workspace
        self._problems = problems
        self._reads = Reads()
        self._stages = {key.text: mapping(node) for key, node in mapping(root["stages"]).entries}
        self._entries = [mapping(node) for node in items(root["enter"])]
        self._stage_names = frozenset(self._stages)
        self._entered = frozenset(name for node in self._entries for name in event_types(node))
        self._has_key = any("key" in entry for entry in self._entries)
        self._noticed = noticed_types(root)
        self._actions = action_names(root)
        self._splits = split_names(self._stages.values(), problems)
        self._watching = Watching(workspace, problems)
        self._matching = Matching(self._entries, workspace.events, problems)
        sends = SendCompiler(workspace, self._stages, self._reads, problems)
        self._timers = TimerCompiler(workspace, self._stages, self._reads, problems)
        held_out = "holdout" in root or workspace.holdout is not None
        self._deeds = DeedCompiler(workspace, sends, held_out, self._reads, problems)

    def build(self, digest: str) -> Map:
        root = self._root
        for event_type in self._noticed:
            self._reads.properties.setdefault(event_type, set())
        entries = tuple(self._entry(entry) for entry in self._entries)
        goals = tuple(self._goal(mapping(node)) for node in items(root.get("goals")))
        exits = tuple(self._exit(mapping(node)) for node in items(root.get("exits")))
        anywhere = self._lines(root.get("anywhere"), "anywhere")
        stages = {name: self._stage(name, node) for name, node in self._stages.items()}
        confirmed = any(channel.human for channel in self._workspace.channels.values())
        tracks = confirmed or looks_at_results((*goals, *exits, *anywhere), stages.values())
        if tracks:
            for result in RESULTS:
                self._reads.add(frozenset({result_type(result)}), "action_id")
        return Map(
            name=scalar(root["map"]).text,
            version=_whole(root["version"]),
            title=_text(root.get("title")) or scalar(root["map"]).text,
            zone=self._zone(),
            priority=_whole(root["priority"]) if "priority" in root else 50,
            enter=entries,
            reentry=_reentry(root.get("reentry")),
            goals=goals,
            exits=exits,
            stages=stages,
            first=next(iter(stages)),
            remembers={each: frozenset(names) for each, names in self._remembered()},
            digest=digest,
            has_key=self._has_key,
            asks=self._asks(),
            watches=tuple(self._watching.found.values()),
            looks_back=any(
                line.lookback for stage in stages.values() for line in (*stage.on, *anywhere)
            ),
            anywhere=anywhere,
            holdout=read_holdout(root),
            on_merge=_on_merge(root),
            tracks=tracks,
            on_publish=read_on_publish(root, self._stages, self._problems),
            structure=structure_of(root),
        )

    def _remembered(self) -> list[tuple[str, set[str]]]:
        """What is read, and what is compared with keys; in one order whatever Python hashes."""
        found = {event_type: set(names) for event_type, names in self._reads.properties.items()}
        for event_type, name in self._matching.compared:
            found.setdefault(event_type, set()).add(name)
        if REQUESTED in found:
            found[REQUESTED] = {"map", "key", "with"}
        return sorted(found.items())

    def _asks(self) -> frozenset[str]:
        return frozenset(self._reads.properties.get(REQUESTED, ()))

    def _zone(self) -> ZoneInfo:
        written = self._root.get("timezone")
        return self._workspace.zone if written is None else ZoneInfo(scalar(written).text)

    def _entry(self, node: Tree) -> Entry:
        types = event_types(node)
        self._check_types(node)
        names = self._names(frozenset(types), entry=frozenset(), inside=False)
        when = self._filter(node, names)
        key = node.get("key")
        if key is None and self._has_key and "request" not in node:
            what = "Other entries have a `key`, and this one has none."
            place = node.entries[0][0].place
            self._problems.add("key-missing", place, what, "Give every entry a `key`, or none.")
        expression = None
        if key is not None:
            expression, _ = compile_expression(scalar(key), names, self._reads, self._problems)
        max_age = node.get("max_age")
        return Entry(
            Trigger(
                types,
                when,
                dict.fromkeys(types),
                segment=self._watching.of(node),
                outside="left" in node,
            ),
            expression,
            _DAY if max_age is None else _duration(max_age),
            request="request" in node,
            schedule=read_schedule(node, self._workspace.is_workday, self._problems),
            date=read_dates(node, names, self._reads, self._problems),
            existing=_text(node.get("existing")) == "enter",
            spread=None if "spread" not in node else _duration(node["spread"]),
        )

    def _trigger(self, node: Tree) -> Trigger:
        types = event_types(node)
        self._check_types(node)
        names = self._names(frozenset(types))
        segment = self._watching.of(node)
        return Trigger(
            types,
            self._filter(node, names),
            self._matching.of(node, types),
            segment=segment,
            outside="left" in node,
            action="action" in node,
            of=self._of(node),
        )

    def _filter(self, node: Tree, names: Names) -> Expression | None:
        """The `when` beside another word; alone it is the trigger itself."""
        alone = is_alone(node)
        return None if alone else self._condition(node.get("when"), names)

    def _of(self, node: Tree) -> str:
        if "of" not in node:
            return ""
        written = scalar(node["of"])
        if written.text not in self._actions:
            what = f'This map sends no "{written.text}" and has no task of that name.'
            mend = nearest(written.text, self._actions)
            self._problems.add("no-such-template", written.place, what, mend)
        return written.text

    def _goal(self, node: Tree) -> Goal:
        name = scalar(node["goal"]).text
        names = self._names(frozenset(event_types(node)))
        value = node.get("value")
        expression = None
        if value is not None:
            expression, _ = compile_expression(scalar(value), names, self._reads, self._problems)
        then: Go | None = self._go(node)
        if _text(node.get("then")) == "exit":
            then = End(name)
        credit = None if "credit" not in node else _duration(node["credit"])
        return Goal(name, self._trigger(node), expression, then, credit)

    def _exit(self, node: Tree) -> Exit:
        types = event_types(node)
        outcome = node.get("outcome")
        if outcome is None and (len(types) > 1 or is_alone(node)):
            what = "An exit by several types, or by a condition, needs an outcome."
            mend = "Add `outcome: ...`."
            self._problems.add("outcome-missing", head(node), what, mend)
        return Exit(self._trigger(node), _text(outcome) or types[0].removeprefix("segment "))

    def _stage(self, name: str, node: Tree) -> Stage:
        do, on = self._do(node, name, self._taken()), self._lines(node.get("on"), f"{name}/on")
        noticed = noticed_beside(self._root, node)
        after = tuple(
            self._timer(mapping(timer), f"{name}/after/{index}", noticed)
            for index, timer in enumerate(items(node.get("after")))
        )
        awaits, lines, timers = read_await(node, do, self._stages, self._problems)
        return Stage(
            name=name,
            title=_text(node.get("title")) or name,
            do=do,
            on=(*on, *lines),
            after=(*after, *timers),
            choose=tuple(self._choice(mapping(choice)) for choice in items(node.get("choose"))),
            go=self._go(node),
            settle=self._settle(node),
            split=self._split(node),
            awaits=awaits,
        )

    def _settle(self, node: Tree) -> Duration | None:
        """Of a stage with a line that leads on: else there is nothing to settle."""
        if "settle" not in node:
            return None
        if not any(
            "to" in mapping(line) or "end" in mapping(line) for line in items(node.get("on"))
        ):
            what = "`settle` does nothing here, for no line of this stage leads on."
            self._problems.add("one-way-on", node.key("settle").place, what, "Leave it out.")
        return _duration(node["settle"])

    def _split(self, node: Tree) -> Split | None:
        if "split" not in node:
            return None
        return compile_split(mapping(node["split"]), self._stages, self._has_key, self._problems)

    def _lines(self, node: Node | None, place: str) -> tuple[Line, ...]:
        return tuple(
            self._line(mapping(line), f"{place}/{index}") for index, line in enumerate(items(node))
        )

    def _line(self, node: Tree, place: str) -> Line:
        names = self._names(frozenset(event_types(node)))
        return Line(
            trigger=self._trigger(node),
            do=self._do(node, place, names),
            go=self._go(node),
            restart="restart_timer" in node,
            lookback=self._lookback(node),
        )

    def _lookback(self, node: Tree) -> Duration | None:
        """No longer than a profile remembers touchpoints."""
        if "lookback" not in node:
            return None
        found = _duration(node["lookback"])
        if roughly_ms(found) > self._workspace.memory_for:
            what = "Touchpoints are not remembered that long."
            mend = "Write a shorter time, or let `memory: {for: ...}` in wayline.yaml be longer."
            self._problems.add("lookback-too-long", node["lookback"].place, what, mend)
        return found

    def _timer(self, node: Tree, place: str, noticed: frozenset[str]) -> Timer:
        names = self._taken()
        return self._timers.compile(node, self._do(node, place, names), names, noticed)

    def _choice(self, node: Tree) -> Choice:
        if "else" in node:
            return Choice(None, otherwise(node, self._stages, self._problems))
        go = self._go(node)
        assert go is not None
        return Choice(self._condition(node["when"], self._taken()), go)

    def _go(self, node: Tree) -> Go | None:
        return way(node, self._stages, self._problems)

    def _do(self, node: Tree, place: str, names: Names) -> tuple[Do, ...]:
        return tuple(
            self._deeds.compile(mapping(item), f"{place}/do/{index}", names)
            for index, item in enumerate(items(node.get("do")))
        )

    def _condition(self, node: Node | None, names: Names) -> Expression | None:
        if node is None:
            return None
        return compile_condition(scalar(node), names, self._reads, self._problems)

    def _check_types(self, node: Tree) -> None:
        for written in items(node.get("event")):
            name = scalar(written).text
            if self._workspace.events and name not in self._workspace.events:
                what = f'The catalogue has no event type "{name}".'
                mend = nearest(name, self._workspace.events)
                self._problems.add("no-such-event", written.place, what, mend)

    def _taken(self) -> Names:
        """Where no touchpoint is at hand, `event` is the last one this instance took."""
        return self._names(self._noticed)

    def _catalogue(self) -> Properties:
        events = self._workspace.events
        results = {result_type(result): RESULT_PROPERTIES for result in RESULTS}
        return {**results, **events} if events else None

    def _names(
        self, event: frozenset[str], entry: frozenset[str] | None = None, inside: bool = True
    ) -> Names:
        roots = {"event", "entry", "profile", "now"} | ({"key"} if self._has_key else set())
        return Names(
            roots=frozenset(roots if inside else roots - {"key"}),
            event=event,
            entry=self._entered if entry is None else entry,
            catalogue=self._catalogue(),
            traits=self._workspace.traits,
            figures=self._workspace.figures,
            noticed=self._noticed if inside else frozenset(),
            stages=self._stage_names if inside else frozenset(),
            splits=self._splits if inside else frozenset(),
        )


def _text(node: Node | None) -> str:
    return "" if node is None else scalar(node).text


def _whole(node: Node) -> int:
    value = scalar(node).value
    assert isinstance(value, int)
    return value


def _duration(node: Node) -> Duration:
    found = parse_duration(scalar(node).text)
    assert found is not None
    return found


def _reentry(node: Node | None) -> Reentry:
    if node is None:
        return Reentry()
    if isinstance(node, Scalar):
        return Reentry(mode=_mode(node))
    written = mapping(node)
    mode, cooldown, limit = written.get("mode"), written.get("cooldown"), written.get("limit")
    return Reentry(
        mode="after_exit" if mode is None else _mode(scalar(mode)),
        cooldown=None if cooldown is None else _duration(cooldown),
        cooldown_from="entry" if _text(written.get("from")) == "entry" else "exit",
        limit=None if limit is None else _limit(mapping(limit)),
    )


def _on_merge(root: Tree) -> Literal["keep_oldest", "keep_latest"]:
    return "keep_latest" if _text(root.get("on_merge")) == "keep_latest" else "keep_oldest"


def _mode(written: Scalar) -> Mode:
    match written.text:
        case "never":
            return "never"
        case "parallel":
            return "parallel"
        case _:
            return "after_exit"


def _limit(node: Tree) -> Limit:
    return Limit(_whole(node["count"]), _duration(node["per"]))
