"""What can be seen of a life, in the words of `expect`: read from outputs and stored profiles.

Moments are ms; what a list's items hold is what the language page names for it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson

from journeys.engine.effects import Output
from journeys.engine.lateness import awaited
from journeys.engine.profile import NEVER, Instance, Profile, Sent, Standing, decode
from journeys.engine.turn import Turn
from journeys.language.computing import reader
from journeys.language.model import Workspace
from journeys.language.scope import Scope
from journeys.language.walk import within
from schemas.touchpoint import ProfileId

from .life import Life
from .moments import in_units, millis

Item = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Sight:
    """`names` says what people are called; whoever it leaves out goes by the profile id.
    `published` are the publications of the story, `dead_letters` what broke its contract."""

    life: Life
    names: Mapping[ProfileId, str]
    published: Sequence[Item] = ()
    dead_letters: Sequence[Item] = ()
    rows: list[Item] = field(init=False)
    sent: list[Item] = field(init=False)

    def __post_init__(self) -> None:
        outputs = self.life.outputs
        object.__setattr__(self, "rows", rows_of(outputs))
        object.__setattr__(self, "sent", [_json(o) for o in outputs if _is_action(o)])

    def lists(self) -> dict[str, list[Item]]:
        """Every list that `expect` may name."""
        return {
            "instances": self.instances(),
            "actions": [self._action(record) for record in self.sent],
            "withheld": [self._withheld(row) for row in self.rows if row["kind"] == "withheld"],
            "held": self._held(),
            "refused": [self._refused(row) for row in self.rows if row["kind"] == "refused"],
            "goals": [self._goal(row) for row in self.rows if row["kind"] == "goal"],
            "reports": [self._report(row) for row in self.rows if row["kind"] == "report"],
            "history": [self._line(row) for row in self.rows],
            "published": list(self.published),
            "dead_letters": list(self.dead_letters),
            "pending": self._pending(),
        }

    def instances(self) -> list[Item]:
        """Everyone who ever entered, by entry; where she is now, or how it ended."""
        found: dict[str, Item] = {}
        for row in self.rows:
            if row["kind"] == "enter":
                found[row["instance"]] = self._entered(row)
            elif row.get("instance") in found:
                found[row["instance"]] |= _became(row)
        for profile_id, profile in self.life.people().items():
            for instance in profile.instances:
                if instance.id in found:
                    found[instance.id] |= self._open(profile_id, instance)
        return sorted(found.values(), key=lambda item: item["entered"])

    def profile(self, person: str | None) -> Item | None:
        """Traits and tags; None where there is nobody, or more than one and none is named."""
        people = self.life.people()
        wanted = [p for name, p in people.items() if person in (None, self.called(name))]
        if len(wanted) != 1:
            return None
        profile = wanted[0]
        traits = traits_of(self.life, profile)
        segments = segments_of(self.life, profile)
        tags = profile.tag_list
        return {"person": person, "traits": traits, "tags": tags, "segments": segments}

    def timers(self) -> int:
        """Those armed and not fired, of everybody."""
        return sum(
            len(instance.timers)
            for profile in self.life.people().values()
            for instance in profile.instances
        )

    def called(self, profile: str) -> str:
        return self.names.get(ProfileId(profile), profile)

    def _entered(self, row: Item) -> Item:
        return {
            **self._who(row),
            "entered": moment_of(row["at"]),
            "stage": row["to"],
            "due": None,
            "awaiting": None,
            "outcome": None,
            "ended": None,
            "version": row["version"],
            "arms": {},
        }

    def _open(self, profile: ProfileId, instance: Instance) -> Item:
        return {
            "person": self.called(profile),
            "entered": instance.entered,
            "stage": instance.stage,
            "due": min((timer.deadline for timer in instance.timers), default=None),
            "awaiting": ", ".join(self._awaited(profile, instance)) or None,
            "version": instance.version,
            "arms": getattr(instance, "arms", {}),
        }

    def _awaited(self, name: ProfileId, instance: Instance) -> Sequence[str]:
        """Late sources that a timer of hers waits for."""
        life = self.life
        release = life.release_of(life.shard)
        if release is None:
            return ()
        map_ = release.versions[instance.map, instance.version]
        turn = Turn(life.shard, release, name, decode(life.stored[name]), 0, [], [])
        return awaited(turn, map_, instance)

    def _who(self, row: Item) -> Item:
        person = self.called(row["profile_id"])
        return {"map": row["map"], "person": person, "key": row.get("key")}

    def _action(self, record: Item) -> Item:
        moments = {name: moment_of(record[name]) for name in ("at", "due", "leaves")}
        kept = ("stage", "channel", "with", "content", "flags", "passed_over")
        shown = {name: record[name] for name in kept if name in record}
        return {**moments, **shown, **self._who(record), **_name_of(record)}

    def _withheld(self, row: Item) -> Item:
        more = {"reason": row["reason"], "by": row.get("by"), "stage": row.get("stage")}
        passed = row.get("passed_over") or {}
        shown = {"at": moment_of(row["at"]), **_name_of(row), **more, "passed_over": passed}
        return {**shown, **self._who(row)}

    def _refused(self, row: Item) -> Item:
        until = row.get("until") and moment_of(row["until"])
        at = moment_of(row["at"])
        remaining = in_units(until - at) if until else None
        shown = {"at": at, "reason": row["reason"], "until": until, "remaining": remaining}
        return {**shown, **self._who(row)}

    def _pending(self) -> list[Item]:
        """Actions whose results are waited for, as far as their map looks at results."""
        left = {record["action_id"]: record for record in self.sent}
        return [
            self._waiting(profile_id, instance, sent, left.get(sent.id))
            for profile_id, profile in self.life.people().items()
            for instance in profile.instances
            for sent in instance.actions
            if sent.is_open
        ]

    def _waiting(
        self, profile: ProfileId, instance: Instance, sent: Sent, record: Item | None
    ) -> Item:
        human = record is not None and record["action"] == "send" and record.get("sla_until")
        state = sent.state or ("human_pending" if human else "requested")
        return {
            "map": instance.map,
            "person": self.called(profile),
            "key": instance.key,
            "at": record and moment_of(record["at"]),
            "stage": record and record.get("stage"),
            **(_name_of(record) if record else {}),
            "channel": sent.channel or None,
            "state": state,
            "until": sent.until or None,
        }

    def _goal(self, row: Item) -> Item:
        kept = {"goal": row["goal"], "value": row.get("value"), "credit": row.get("credit")}
        after = {"after_end": row.get("after_end", False)}
        return {"at": moment_of(row["at"]), **kept, **after, **self._who(row)}

    def _report(self, row: Item) -> Item:
        kept = {"report": row["reason"], "event": row["cause_id"]}
        kept |= {"taken": row.get("taken"), "missed": row.get("missed")}
        return {"at": moment_of(row["at"]), **kept, **self._who(row)}

    def _line(self, row: Item) -> Item:
        said = history_of(row)
        return {"at": moment_of(row["at"]), **said, "cause": row["cause"], **self._who(row)}

    def _held(self) -> list[Item]:
        return [
            self._standing(profile_id, instance, standing)
            for profile_id, profile in self.life.people().items()
            for instance in profile.instances
            for standing in instance.gate
        ]

    def _standing(self, profile: ProfileId, instance: Instance, standing: Standing) -> Item:
        release = self.life.release_of(self.life.shard)
        map_ = release and release.versions.get((instance.map, instance.version))
        item = next((x for x in within(map_) if getattr(x, "place", "") == standing.place), None)
        until = getattr(standing, "until", 0)
        return {
            "map": instance.map,
            "person": self.called(profile),
            "key": instance.key,
            "stage": instance.stage,
            "at": standing.due,
            "due": standing.due,
            "send": getattr(item, "template", None),
            "task": getattr(item, "task", None),
            "reason": getattr(standing, "why", "") or "paused",
            "until": until if 0 < until < NEVER else None,
        }


def traits_of(life: Life, profile: Profile) -> Item:
    """All that is known of her now, computed traits too; those that are null are left out."""
    found = {name: value for name, (value, _) in profile.traits.items()}
    workspace, scope = _looking_at(life, profile)
    computed = {name: reader(each)(scope) for name, each in workspace.computed.items()}
    return found | {name: value for name, value in computed.items() if value is not None}


def segments_of(life: Life, profile: Profile) -> list[str]:
    """The segments she is in now, in the order of the catalogue."""
    workspace, scope = _looking_at(life, profile)
    found = workspace.segments.items()
    return [name for name, segment in found if segment.when.run(scope) is True]


def _looking_at(life: Life, profile: Profile) -> tuple[Workspace, Scope]:
    """The settings in force, and what conditions on the profile alone see as of log time."""
    release = life.release_of(life.shard)
    assert release is not None
    zone = release.workspace.zone
    return release.workspace, Scope(None, None, profile, None, life.shard.log_time, zone)


def rows_of(outputs: Sequence[Output]) -> list[Item]:
    """The transitions among them, in order."""
    return [_json(output) for output in outputs if output.kind == "transitions"]


def moment_of(written: str) -> int:
    """Of an output's time, in ms."""
    return millis(datetime.fromisoformat(written))


def history_of(row: Item) -> Item:
    """A transition as one word with a name: `{move: ask}`, `{goal: ordered}`."""
    match row["kind"]:
        case "enter" | "move" | "migrate" as kind:
            return {kind: row["to"]}
        case "end":
            return {"end": row["outcome"]}
        case "goal":
            return {"goal": row["goal"]}
        case "action" | "withheld" as kind:
            return {kind: row.get("task") or row.get("template")}
        case "emit":
            return {"emit": row["type"]}
        case "start":
            return {"start": row["starts"]}
        case "refused" | "stuck" as kind:
            return {kind: row["reason"]}
        case kind:
            return {kind: row.get("to")}


def _became(row: Item) -> Item:
    """What a transition changes of an instance."""
    arms = {"arms": row["arms"]} if row.get("arms") else {}
    match row["kind"]:
        case "end":
            ended = {"outcome": row["outcome"], "ended": moment_of(row["at"]), "stage": None}
            return {**arms, **ended}
        case "migrate":
            return {**arms, "version": row["version"]}
        case _:
            return arms


def _name_of(record: Item) -> Item:
    """`send` or `task`, whichever it was."""
    if task := record.get("task"):
        return {"task": task}
    return {"send": record.get("template")}


def _is_action(output: Output) -> bool:
    return output.kind.startswith("actions.")


def _json(output: Output) -> Item:
    found: Item = orjson.loads(output.value)
    return found
