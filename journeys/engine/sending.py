"""An action that leaves: what its record says (wire.md) and how it is told.

`content` is rendered here, when it leaves; `due`, `at` and `leaves` are rule 4's three times.
"""

from collections.abc import Mapping
from typing import Any

import orjson

from journeys.language.model import Do, Map, Send, Start, Task, Template
from schemas.topics import TASKS

from .caps import store_of, take_place
from .channels import Chosen
from .effects import Output
from .local_time import add, rfc3339
from .profile import NEVER, Instance, Sent, Standing
from .quiet import concerning, next_quiet
from .turn import Cause, Turn

ACTIONS_KEPT = 20
"""Actions an instance remembers until their results are known; the newest."""


def leave(
    turn: Turn,
    map_: Map,
    instance: Instance,
    item: Send,
    standing: Standing,
    chosen: Chosen,
    expires: int | None,
) -> None:
    """Puts the action on its channel's topic and into the history."""
    channel = chosen.channel or ""
    template = turn.book.workspace.templates[item.template]
    params = _params(template, standing.values)
    tracked = track(turn, map_, instance, item, standing, "", channel) if map_.tracks else None
    record = {
        **_beginning(map_, instance, item, standing),
        "action": "send",
        "template": item.template,
        "channel": channel,
        "to": {chosen.to[0]: chosen.to[1]},
        "content": template.channels[channel](params),
        "with": params,
        **_ending(turn, instance, item, standing, expires),
        "not_after": _not_after(turn, map_, item, channel),
        "passed_over": chosen.passed_over,
        **_confirmed(turn, channel, tracked),
        **_rated(turn, channel),
    }
    _put(turn, channel, record, standing)
    instance.sent[item.place] = turn.shard.log_time
    take_place(turn, instance, item, standing, channel)
    at = _at(standing, turn.shard.log_time)
    _told(turn, "action", instance, item, standing, at, {"channel": channel})
    turn.count(map_.name, map_.version, f"action:{item.template}")


def hand_out(
    turn: Turn,
    map_: Map,
    instance: Instance,
    item: Task,
    standing: Standing,
    expires: int | None,
) -> None:
    """Puts the task on the tasks' topic and into the history; its sla begins."""
    sent = track(turn, map_, instance, item, standing, "", TASKS)
    record = {
        **_beginning(map_, instance, item, standing),
        "action": "task",
        "task": item.task,
        "role": item.role or None,
        "assign": standing.assign or None,
        "sla_until": rfc3339(sent.until),
        "with": standing.values,
        **_ending(turn, instance, item, standing, expires),
    }
    _put(turn, TASKS, record, standing)
    instance.sent[item.place] = turn.shard.log_time
    at = _at(standing, turn.shard.log_time)
    _told(turn, "action", instance, item, standing, at, {"channel": TASKS})
    turn.count(map_.name, map_.version, f"action:{item.task}")


def track(
    turn: Turn,
    map_: Map,
    instance: Instance,
    item: Send | Task,
    standing: Standing,
    state: str,
    channel: str = "",
) -> Sent:
    """Remembers the action with the instance, until results come back; its sla begins."""
    known = turn.book.workspace.channels.get(channel)
    sla = item.sla if isinstance(item, Task) else known and known.sla
    until = add(sla, turn.shard.log_time, turn.zone(map_)) if sla else 0
    tries = isinstance(item, Send) and item.on_failed == "other_channel" and not state
    kept = standing if tries else None
    sent = Sent(standing.id, item.place, instance.visit, channel, until, state, kept)
    instance.actions = [*instance.actions, sent][-ACTIONS_KEPT:]
    return sent


def withhold(
    turn: Turn,
    instance: Instance,
    item: Do,
    standing: Standing,
    reason: str,
    passed_over: Mapping[str, str] | None = None,
    by: str = "",
) -> None:
    """Tells why the action does not leave; of what would have sent nothing, nothing is told."""
    if not isinstance(item, Send | Task | Start):
        return
    more: dict[str, Any] = {"reason": reason}
    if passed_over:
        more["passed_over"] = dict(passed_over)
    if by:
        more["by"] = by
    _told(turn, "withheld", instance, item, standing, turn.shard.log_time, more)
    turn.count(instance.map, instance.version, f"withheld:{reason}")


def _told(
    turn: Turn,
    kind: str,
    instance: Instance,
    item: Send | Task | Start,
    standing: Standing,
    at: int,
    more: Mapping[str, Any],
) -> None:
    if isinstance(item, Start):
        what = {"touchpoint_id": standing.id, "starts": item.map}
    elif isinstance(item, Task):
        what = {"action_id": standing.id, "task": item.task}
    else:
        what = {"action_id": standing.id, "template": item.template}
    cause = Cause(standing.cause, standing.kind, "", flags=tuple(standing.flags))
    more = {"stage": instance.stage, **what, **more}
    turn.tell(kind, instance, at, cause, (standing.id,), more)


def _beginning(
    map_: Map, instance: Instance, item: Send | Task, standing: Standing
) -> dict[str, Any]:
    return {
        "action_id": standing.id,
        "map": map_.name,
        "version": map_.version,
        "stage": instance.stage or item.place.partition("/")[0],
        "key": instance.key,
    }


def _ending(
    turn: Turn, instance: Instance, item: Send | Task, standing: Standing, expires: int | None
) -> dict[str, Any]:
    return {
        "class": item.class_,
        "store": store_of(turn.profile, standing) or None,
        "due": rfc3339(standing.due),
        "at": rfc3339(_at(standing, turn.shard.log_time)),
        "leaves": rfc3339(turn.shard.log_time),
        "expires_at": None if expires is None else rfc3339(expires),
        "flags": standing.flags,
        "profile_id": turn.id,
        "instance": instance.id,
        "reason": _reason(standing),
    }


def _confirmed(turn: Turn, channel: str, sent: Sent | None) -> dict[str, Any]:
    """Who must confirm the message, and until when, on a channel that wants this."""
    found = turn.book.workspace.channels[channel]
    if not found.human or sent is None:
        return {}
    return {"role": found.role or None, "sla_until": rfc3339(sent.until)}


def _rated(turn: Turn, channel: str) -> dict[str, Any]:
    """How many in a time the sender may do: it is the sender who keeps to it."""
    rate = turn.book.workspace.channels[channel].rate
    return {"rate": rate.text} if rate else {}


def _put(turn: Turn, channel: str, record: Mapping[str, Any], standing: Standing) -> None:
    value, headers = orjson.dumps(record, default=str), _headers(record, standing)
    turn.outputs.append(Output(turn.offset, f"actions.{channel}", turn.id, value, headers))


def _at(standing: Standing, now: int) -> int:
    """`due`, or the end of what held it (rule 4)."""
    if 0 < standing.until < NEVER:
        return max(standing.due, standing.until)
    return max(standing.due, now) if standing.stood < now else standing.due


def _not_after(turn: Turn, map_: Map, item: Send, channel: str) -> str | None:
    """Rule 12: when the next quiet hours begin, for a sender that is behind."""
    hours = concerning(turn.book.workspace.quiet_hours, item.class_, channel)
    found = hours and next_quiet(hours, turn.shard.log_time, turn.zone(map_))
    return rfc3339(found) if found else None


def _params(template: Template, values: Mapping[str, Any]) -> dict[str, Any]:
    """What the template is rendered with: what was given, else its defaults."""
    params = dict(values)
    for name, param in template.params.items():
        if params.get(name) is None:
            params[name] = param.default
    return params


def _reason(standing: Standing) -> dict[str, Any]:
    if standing.kind != "timer":
        return {"cause": standing.kind, "id": standing.cause}
    return {"cause": "timer", "id": standing.cause, "armed": rfc3339(standing.armed)}


def _headers(record: Mapping[str, Any], standing: Standing) -> tuple[tuple[str, bytes], ...]:
    """CloudEvents in binary mode, Kafka binding."""
    headers = [
        ("ce_specversion", "1.0"),
        ("ce_id", record["action_id"]),
        ("ce_type", "wayline.action.requested"),
        ("ce_source", f"/maps/{record['map']}/{record['version']}"),
        ("ce_subject", record["profile_id"]),
        ("ce_time", record["at"]),
        ("ce_correlationid", record["instance"]),
        ("ce_causationid", standing.cause),
        ("content-type", "application/json"),
    ]
    if record["expires_at"]:
        headers.append(("ce_expirytime", record["expires_at"]))
    return tuple((name, text.encode("utf-8", "surrogatepass")) for name, text in headers)
