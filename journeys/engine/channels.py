"""Which channel an action leaves by (rule 17), and why not by those before it."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from journeys.language.model import Channel, Map, Policy, Send, Template

from .caps import ARBITRATION, full, over_limit, waits_for_others
from .failures import is_of_no_use
from .profile import Instance, Profile, Standing
from .quiet import concerning, quiet_until
from .turn import Turn


@dataclass(frozen=True, slots=True)
class Stop:
    """Why nothing may leave by a channel that could be used, until when, and what then; `by` is
    the map that took the place."""

    why: str
    until: int
    policy: Policy
    by: str = ""


@dataclass(slots=True)
class Chosen:
    """`channel` is None where none is left; `to` is namespace and value."""

    channel: str | None = None
    to: tuple[str, str] = ("", "")
    passed_over: dict[str, str] = field(default_factory=dict)
    stop: Stop | None = None


def choose(turn: Turn, map_: Map, instance: Instance, item: Send, standing: Standing) -> Chosen:
    """The first in order with a block, an identifier, consent, and its `when` true at log time.

    If it is quiet then or a cap is full, the next one is looked at only where the send says
    `other_channel`.
    """
    chosen, template = Chosen(), turn.book.workspace.templates[item.template]
    for name in ranking(turn, item):
        channel = turn.book.workspace.channels[name]
        failed = "failed" if name in standing.tried else None
        why = failed or _why_not(turn, map_, instance, channel, item, template)
        stop = None if why else _stop(turn, map_, item, standing, name)
        if stop is not None and stop.policy == "other_channel":
            why = stop.why
        if why is None:
            chosen.channel, chosen.stop = name, stop
            chosen.to = turn.profile.address(channel.identifier) or ("", "")
            return chosen
        chosen.passed_over[name] = why
    return chosen


def ranking(turn: Turn, item: Send) -> Sequence[str]:
    """A purpose's ranking follows the workspace live (rule 10)."""
    if item.purpose is None:
        return item.channels
    return turn.book.workspace.purposes.get(item.purpose, item.channels)


def _why_not(
    turn: Turn, map_: Map, instance: Instance, channel: Channel, item: Send, template: Template
) -> str | None:
    if channel.name not in template.channels:
        return "no_template"
    address = turn.profile.address(channel.identifier)
    if address is None:
        return "no_identifier"
    if is_of_no_use(turn.profile, address):
        return "failed"
    if not _consents(turn.profile, channel, item):
        return "no_consent"
    if channel.when is not None:
        scope = turn.look(map_, instance, None, turn.shard.log_time)
        if channel.when.run(scope) is not True:
            return "not_now"
    return None


def _consents(profile: Profile, channel: Channel, item: Send) -> bool:
    """Marketing needs a yes, transactional only no no."""
    if channel.consent is None:
        return True
    given = profile.consent(channel.consent)
    return given is True if item.class_ == "marketing" else given is not False


def _stop(turn: Turn, map_: Map, item: Send, standing: Standing, channel: str) -> Stop | None:
    """Quiet hours, by log time in her zone (rule 12), then caps (rule 13)."""
    hours = concerning(turn.book.workspace.quiet_hours, item.class_, channel)
    until = hours and quiet_until(hours, turn.shard.log_time, turn.zone(map_))
    if until:
        return Stop("quiet", until, item.on_quiet)
    found = full(turn, map_, item, standing, channel) or over_limit(turn, map_, item)
    if found is not None:
        return Stop("capped", found.until, item.on_capped, found.by)
    others = waits_for_others(turn, map_, item, standing, channel)
    return None if others is None else Stop(ARBITRATION, others, "hold")
