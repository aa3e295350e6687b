from journeys.engine.local_time import rfc3339
from journeys.language.model import Channel, Choice, End, Exit, Line, Timer, To
from journeys.language.rates import parse_rate
from schemas.inbox import Held, Released

from .building import (
    ANN,
    DAY,
    HOUR,
    MINUTE,
    SECOND,
    START,
    Life,
    entry,
    expression,
    hours,
    map_of,
    on,
    release,
    send,
    stage,
    workspace,
)


def greeting(**more):
    space = more.pop("space", None)
    rest = more.pop("rest", {"after": (Timer(hours(1), go=End("over")),)})
    first = stage("first", do=(send("first/do/0", **more),), **rest)
    exits = (Exit(on("stop"), "stopped"),)
    return release(map_of("m", [first], [entry("in")], exits=exits), space=space)


def withheld(life):
    return [row["reason"] for row in life.told("withheld")]


def test_an_action_leaves_at_once_by_the_first_channel_that_can_be_used() -> None:
    life = Life(greeting(channels=("wechat", "email", "sms")))

    life.happens("in", START, stamp=START + SECOND)

    (action,) = life.actions()
    assert action["channel"] == "sms"
    assert action["to"] == {"phone": "+8613800138000"}
    assert action["passed_over"] == {"wechat": "no_template", "email": "no_identifier"}
    assert (action["due"], action["leaves"]) == (rfc3339(START), rfc3339(START + SECOND))


def test_marketing_needs_a_yes_and_transactional_no_no() -> None:
    marketing, transactional = greeting(class_="marketing"), greeting()
    cases = [
        (book, consents)
        for book in (marketing, transactional)
        for consents in ({}, {"sms": True}, {"sms": False})
    ]

    left = []
    for book, consents in cases:
        life = Life(book)
        life.happens("in", START, consents=consents)
        left.append(len(life.actions()))

    assert left == [0, 1, 0, 1, 1, 0]


def test_an_action_no_channel_can_take_is_withheld_as_unreachable() -> None:
    life = Life(greeting(channels=("email", "sms"), class_="marketing"))

    life.happens("in", START)

    (row,) = life.told("withheld")
    assert row["reason"] == "unreachable"
    assert row["passed_over"] == {"email": "no_identifier", "sms": "no_consent"}
    assert life.person().instances[0].timers[0].deadline == START + HOUR


def test_a_channel_whose_condition_is_false_is_not_for_now() -> None:
    at_night = expression(lambda scope: scope.now > START + HOUR)
    channels = {"sms": Channel("sms", "phone", None, at_night), "email": Channel("email", "email")}
    space = workspace(channels=channels)
    early, late = Life(greeting(space=space)), Life(greeting(space=space))

    early.happens("in", START)
    late.happens("in", START, stamp=START + 2 * HOUR)

    assert [len(early.actions()), len(late.actions())] == [0, 1]
    assert early.told("withheld")[0]["passed_over"] == {"sms": "not_now"}


def test_a_purpose_follows_the_workspaces_ranking() -> None:
    life = Life(greeting(purpose="notify", space=workspace(purposes={"notify": ("email",)})))

    life.happens("in", START, identifiers={"email": ("a@example.com",), "phone": ("+86138",)})

    assert [action["channel"] for action in life.actions()] == ["email"]


def test_an_action_that_comes_too_late_expires() -> None:
    life = Life(greeting(expires_after=hours(2)))
    life.happens("in", START, id="a", stamp=START + 2 * HOUR)
    life.happens("in", START, "bea", id="b", stamp=START + 2 * HOUR + 1)

    assert [action["profile_id"] for action in life.actions()] == ["ann"]
    assert life.actions()[0]["expires_at"] == rfc3339(START + 2 * HOUR)
    assert withheld(life) == ["expired"]


def test_values_are_of_the_touchpoint_that_was_taken() -> None:
    amount = expression(lambda scope: scope.event.properties["amount"])
    named = expression(lambda scope: scope.profile.trait("first_name"))
    life = Life(greeting(values={"amount": amount, "name": named}))

    life.happens("in", START, amount=80, traits={"first_name": "Li"})

    (action,) = life.actions()
    assert action["with"] == {"amount": 80, "name": "Li"}
    assert action["content"] == {"text": "Hello Li"}


def test_while_the_shard_is_held_nothing_leaves_and_she_stands_in_the_stage() -> None:
    life = Life(greeting())
    life.append(Held(), START)

    life.happens("in", START)
    life.tick(START + 5 * HOUR)

    assert life.actions() == []
    assert life.gate == {ANN: START}
    assert life.person().instances[0].timers == []


def test_a_shard_knows_since_when_and_why_it_is_held() -> None:
    life = Life(greeting())
    life.append(Held("wrong price"), START)
    life.append(Held("wrong price and wrong name"), START + HOUR)

    held = life.shard.held_since, life.shard.held_for
    life.append(Released(), START + 2 * HOUR)

    assert held == (START, "wrong price and wrong name")
    assert (life.shard.held_since, life.shard.held_for) == (0, "")


def test_after_the_hold_she_goes_on_and_her_timers_count_from_then() -> None:
    life = Life(greeting())
    life.append(Held(), START)
    life.happens("in", START)
    life.append(Released(), START + 3 * HOUR)

    life.tick(START + 3 * HOUR)

    (action,) = life.actions()
    times = [action["due"], action["at"], action["leaves"]]
    assert times == [rfc3339(START), rfc3339(START + 3 * HOUR), rfc3339(START + 3 * HOUR)]
    assert life.gate == {}
    assert life.due[ANN] == START + 4 * HOUR + 5 * SECOND


def test_after_the_hold_her_own_next_record_lets_her_go_too() -> None:
    life = Life(greeting())
    life.append(Held(), START)
    life.happens("in", START)
    life.append(Released(), START + HOUR)

    life.happens("other", START + HOUR + MINUTE)

    assert len(life.actions()) == 1
    assert life.gate == {}


def test_an_action_that_expired_at_the_gate_is_withheld_and_she_goes_on() -> None:
    life = Life(greeting(expires_after=hours(1)))
    life.append(Held(), START)
    life.happens("in", START)
    life.append(Released(), START + 3 * HOUR)

    life.tick(START + 3 * HOUR)

    assert withheld(life) == ["expired"]
    assert life.person().instances[0].timers != []


def test_an_exit_cancels_what_stands_at_the_gate() -> None:
    life = Life(greeting())
    life.append(Held(), START)
    life.happens("in", START)

    life.happens("stop", START + MINUTE)
    life.append(Released(), START + HOUR)
    life.tick(START + HOUR)

    assert withheld(life) == ["cancelled"]
    assert life.actions() == []
    assert life.gate == {}


def test_a_line_may_move_her_away_from_the_gate() -> None:
    book = greeting(rest={"on": (Line(on("go"), go=End("gone")),)})
    life = Life(book)
    life.append(Held(), START)
    life.happens("in", START)

    life.happens("go", START + MINUTE)

    assert withheld(life) == ["cancelled"]
    assert [row["outcome"] for row in life.told("end")] == ["gone"]


def test_what_stood_at_the_gate_does_not_follow_her_into_the_next_stage() -> None:
    first = stage("first", do=(send("first/do/0"),), on=(Line(on("go"), go=To("second")),))
    life = Life(release(map_of("m", [first, stage("second")], [entry("in")])))
    life.append(Held(), START)
    life.happens("in", START)

    life.happens("go", START + MINUTE)

    assert withheld(life) == ["cancelled"]
    assert life.gate == {}
    assert life.person().instances[0].stage == "second"


def timed_out():
    first = stage(
        "first",
        on=(Line(on("reply"), go=End("replied")),),
        after=(Timer(hours(1), do=(send("first/after/0/do/0"),), go=To("second")),),
    )
    second = stage(
        "second",
        on=(Line(on("reply"), go=End("answered")),),
        after=(Timer(hours(1), go=End("silent")),),
    )
    return release(map_of("m", [first, second], [entry("in")]))


def test_a_timer_that_sends_and_moves_is_held_with_its_message() -> None:
    life = Life(timed_out())
    life.happens("in", START)
    life.append(Held(), START)
    life.pass_until(START + 2 * HOUR)
    assert life.person().instances[0].stage == "first"

    life.append(Released(), START + 3 * HOUR)
    life.tick(START + 3 * HOUR)

    assert life.person().instances[0].stage == "second"
    assert life.due[ANN] == START + 4 * HOUR + 5 * SECOND


def test_what_she_did_while_she_was_held_is_not_lost() -> None:
    life = Life(timed_out())
    life.happens("in", START)
    life.append(Held(), START)
    life.pass_until(START + 2 * HOUR)
    life.happens("reply", START + 2 * HOUR)
    assert life.told("end") == []

    life.append(Released(), START + 3 * HOUR)
    life.tick(START + 3 * HOUR)

    assert [(r["outcome"], r["at"]) for r in life.told("end")] == [
        ("answered", rfc3339(START + 3 * HOUR))
    ]


def test_when_a_held_timer_ends_the_instance_she_may_enter_anew() -> None:
    last = Timer(hours(1), do=(send("first/after/0/do/0"),), go=End("over"))
    life = Life(release(map_of("m", [stage("first", after=(last,))], [entry("in")])))
    life.happens("in", START)
    life.happens("in", START + HOUR + SECOND, id="again")
    life.append(Held(), START + HOUR)
    life.pass_until(START + 2 * HOUR)

    life.append(Released(), START + 2 * HOUR)
    life.tick(START + 2 * HOUR)

    assert [row["kind"] for row in life.told("enter", "end")] == ["enter", "end", "enter"]


def test_a_message_of_a_line_that_stays_holds_nobody() -> None:
    lines = (Line(on("asked"), do=(send("first/on/0/do/0"),)),)
    first = stage("first", on=lines, after=(Timer(hours(1), go=End("over")),))
    life = Life(release(map_of("m", [first], [entry("in")])))
    life.happens("in", START)
    life.append(Held(), START)

    life.happens("asked", START + MINUTE)
    life.pass_until(START + DAY)

    assert [row["outcome"] for row in life.told("end")] == ["over"]
    assert withheld(life) == ["cancelled"]


def test_a_choice_after_a_held_message_is_made_when_it_has_left() -> None:
    paid = expression(lambda scope: scope.profile.trait("paid") is True)
    first = stage(
        "first",
        do=(send("first/do/0"),),
        choose=(Choice(paid, End("paid")), Choice(None, End("open"))),
    )
    life = Life(release(map_of("m", [first], [entry("in")])))
    life.append(Held(), START)
    life.happens("in", START)
    life.happens("profile.updated", START + MINUTE, traits={"paid": True})

    life.append(Released(), START + HOUR)
    life.tick(START + HOUR)

    assert [row["outcome"] for row in life.told("end")] == ["paid"]


def test_a_channel_s_rate_is_told_to_its_sender() -> None:
    rated = {"sms": Channel("sms", "phone", rate=parse_rate("200/s"))}
    told, silent = (
        Life(greeting(space=workspace(channels=channels)))
        for channels in (rated, {"sms": Channel("sms", "phone")})
    )

    for life in (told, silent):
        life.happens("in", START)

    assert [action["rate"] for action in told.actions()] == ["200/s"]
    assert ["rate" in action for action in silent.actions()] == [False]
