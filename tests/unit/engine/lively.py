"""Maps that between them do everything, for laws that must hold for every life."""

from datetime import time
from typing import Any

from journeys.language.model import (
    Arm,
    Await,
    Cap,
    Change,
    Emit,
    End,
    Entry,
    Exit,
    Goal,
    Holdout,
    Limit,
    Line,
    Map,
    QuietHours,
    Reentry,
    Send,
    Split,
    Task,
    Timer,
    To,
    Trigger,
)
from journeys.language.occasions import Dates, Schedule

from .building import (
    MINUTE,
    days,
    entry,
    expression,
    hours,
    map_of,
    on,
    release,
    send,
    stage,
    win_back,
    workspace,
)

CART = expression(lambda scope: scope.event.properties.get("cart"))
DUE = expression(lambda scope: scope.profile.trait("due"))
SOON = expression(lambda scope: scope.now + 3 * 3_600_000)
FRAIL = expression(lambda scope: 1 // (scope.event.properties.get("cart") or 0))


def follow_up(sends: bool = True, **more: Any) -> Map:
    """Stages that wait, act and stay, restart, and come back."""

    def do(place: str) -> tuple[Send, ...]:
        return (send(place, on_capped="hold", expires_after=hours(8)),) if sends else ()

    first = stage(
        "first",
        do=do("first/do/0"),
        on=(
            Line(on("b"), go=To("second"), do=do("first/on/0/do/0")),
            Line(on("c"), restart=True),
        ),
        after=(
            Timer(hours(1), do=do("first/after/0/do/0")),
            Timer(hours(3), do=do("first/after/1/do/0"), go=To("second")),
        ),
    )
    second = stage(
        "second",
        do=do("second/do/0"),
        on=(Line(on("a"), go=To("first")), Line(on("c"), do=do("second/on/0/do/0"))),
        after=(Timer(hours(2), go=End("over")),),
    )
    return map_of("follow-up", [first, second], [entry("a")], **more)


def carts() -> Map:
    """Keyed, limited, with a goal, an exit and a message that fails for some carts."""
    waiting = stage(
        "waiting",
        after=(
            Timer(hours(1), do=(send("waiting/after/0/do/0", values={"n": FRAIL}),)),
            Timer(hours(2), go=End("over")),
        ),
    )
    return map_of(
        "carts",
        [waiting],
        [entry("b", key=CART)],
        goals=(Goal("won", on("c", match="cart"), None, None),),
        exits=(Exit(on("d"), "left"),),
        reentry=Reentry(limit=Limit(2, hours(6))),
        remembers={kind: frozenset({"cart"}) for kind in "bcd"},
    )


NOON = (QuietHours(time(12), time(14, 30), "transactional"),)


def asking() -> Map:
    """Looks at results: tries another channel, has a task, waits for both."""
    lost = tuple(f"action.{result}" for result in ("failed", "expired", "declined"))
    first = stage(
        "first",
        do=(send("first/do/0", channels=("sms", "email"), on_failed="other_channel"),),
        on=(
            Line(_result("action.replied", place="first/do/0"), go=To("second")),
            Line(_result(*lost, place="first/do/0"), go=To("second")),
        ),
        after=(Timer(hours(5), go=To("second")),),
        awaits=Await("first/do/0", "replied", To("second"), To("second")),
    )
    second = stage(
        "second",
        do=(Task("second/do/0", "call", {}, hours(3)),),
        on=(Line(_result("action.done", of="call"), go=End("done")),),
        after=(Timer(hours(9), go=End("over")),),
    )
    return map_of("asking", [first, second], [entry("d")], tracks=True)


def _result(*types: str, **of: str) -> Trigger:
    return Trigger(types, None, dict.fromkeys(types), action=True, **of)


SCARCE = (
    Cap(2, hours(3), class_="transactional", arbitration=hours(1)),
    Cap(5, days(1), class_="transactional"),
)


def features() -> Map:
    """Splits, facts and touchpoints of its own, moments by a value, settling and looking back."""
    arms = (Arm("a", 1, To("wait")), Arm("b", 1, To("talk")))
    wait = stage(
        "wait",
        on=(Line(on("b"), go=To("talk")), Line(on("c"), go=End("c"))),
        after=(Timer(None, until=DUE, on_past="skip", go=To("talk")), Timer(hours(9), go=End("x"))),
        settle=hours(1),
    )
    talk = stage(
        "talk",
        do=(Change("talk/do/0", {"due": SOON}, ("t",)), Emit("talk/do/1", "d", {})),
        on=(Line(on("c"), go=To("wait"), lookback=hours(6)),),
        after=(
            Timer(
                hours(2), time(12), do=(Emit("talk/after/0/do/0", "a", {}),), days=("mon", "wed")
            ),
        ),
    )
    stages = [stage("which", split=Split("s", "", "person", arms)), wait, talk]
    return map_of("features", stages, [entry("a")], looks_back=True)


def moments(schedule: Schedule) -> Map:
    """By a schedule, one after the other, and an hour after the moment that her facts say."""
    greet = stage("greet", do=(send("greet/do/0"),), after=(Timer(hours(1), go=End("over")),))
    entries = [
        Entry(Trigger(()), None, hours(9), schedule=schedule, spread=hours(1)),
        Entry(Trigger(()), None, hours(9), date=Dates(DUE, shift=hours(1))),
    ]
    return map_of("moments", [greet], entries)


BOOK = release(
    moments(Schedule(cron="30 */6 * * *")),
    follow_up(),
    features(),
    carts(),
    win_back(hours(4), name="win-back"),
    asking(),
    space=workspace(quiet_hours=NOON, caps=SCARCE, holdout=Holdout(50, "b")),
)
OTHER = release(
    moments(Schedule(at=time(12))),
    follow_up(),
    features(),
    carts(),
    win_back(hours(4), name="win-back"),
    asking(),
    space=workspace(grace=MINUTE, digest="d2"),
)
