"""What becomes of actions: maps as designers write them, folded with the results that come back."""

from typing import Any

import orjson

from journeys.engine.local_time import rfc3339
from journeys.language.model import Release
from journeys.language.workspace import compile_workspace, make_release
from schemas.action import Action
from schemas.inbox import Merged

from .building import ANN, BEA, DAY, HOUR, MINUTE, SECOND, START, Life

SETTINGS = """workspace: acme
timezone: UTC
{more}
channels:
  sms: {{identifier: phone}}
  mail: {{identifier: email}}
"""
TEMPLATES = """templates:
  hello:
    class: transactional
    sms: {text: Hello}
    mail: {text: Hello}
  offer: {sms: {text: Only today}}
"""
BOTH = {"phone": ("+8613800138000",), "email": ("ann@example.com",)}


def book(stages: str, head: str = "", more: str = "", wecom: str = "") -> Release:
    text = f"map: m\nversion: 1\nenter: {{event: in}}\n{head}stages:\n{stages}"
    documents = {
        "wayline.yaml": SETTINGS.format(more=more) + (f"  wecom: {wecom}\n" if wecom else ""),
        "templates/texts.yaml": TEMPLATES.replace("mail", "wecom") if wecom else TEMPLATES,
        "maps/m.yaml": text,
    }
    found = compile_workspace(documents)
    return make_release(found.workspace, found.maps, ())


def sent(life: Life, n: int = -1) -> str:
    return str(life.actions()[n]["action_id"])


def comes(life: Life, result: str, time: int, who: str = ANN, **more: Any) -> None:
    """The result of her latest action, unless `action` names another."""
    action = more.pop("action", None) or sent(life)
    life.happens(f"action.{result}", time, who, action_id=action, source="sender", **more)


def ended(life: Life) -> list[tuple[str, str]]:
    return [(row["outcome"], row["at"]) for row in life.told("end")]


ASKING = """
  ask:
    do: {send: hello, channels: sms}
    await: {replied: 3d, end: replied, else: {end: silent}}
"""


def test_a_reply_leads_on_at_its_time() -> None:
    life = Life(book(ASKING))
    life.happens("in", START)

    comes(life, "replied", START + 2 * DAY)

    assert ended(life) == [("replied", rfc3339(START + 2 * DAY))]


def test_when_time_is_over_she_goes_the_other_way() -> None:
    life = Life(book(ASKING))
    life.happens("in", START)
    comes(life, "delivered", START + HOUR)

    life.pass_until(START + 4 * DAY)

    assert ended(life) == [("silent", rfc3339(START + 3 * DAY))]


def test_a_failure_leads_the_other_way_at_once() -> None:
    for result in ("failed", "expired", "declined"):
        life = Life(book(ASKING))
        life.happens("in", START)
        comes(life, result, START + HOUR)

        assert ended(life) == [("silent", rfc3339(START + HOUR))]


def test_when_nothing_left_she_goes_the_other_way_at_once() -> None:
    life = Life(book(ASKING))

    life.happens("in", START, identifiers={"email": ("ann@example.com",)})

    assert [row["reason"] for row in life.told("withheld")] == ["unreachable"]
    assert ended(life) == [("silent", rfc3339(START))]


def test_the_result_of_another_action_leads_nowhere() -> None:
    life = Life(book(ASKING))
    life.happens("in", START)

    comes(life, "replied", START + HOUR, action="another")

    assert (ended(life), life.told("result")) == ([], [])


def test_who_clicks_has_got_it() -> None:
    stages = ASKING.replace("replied: 3d", "delivered: 3d")
    life = Life(book(stages))
    life.happens("in", START)

    comes(life, "clicked", START + HOUR)

    assert ended(life) == [("replied", rfc3339(START + HOUR))]


def test_each_result_is_told() -> None:
    life = Life(book(ASKING))
    life.happens("in", START)

    comes(life, "accepted", START + MINUTE)
    comes(life, "replied", START + HOUR)

    rows = [(row["result"], row["template"], row["action_id"]) for row in life.told("result")]
    assert rows == [("accepted", "hello", sent(life)), ("replied", "hello", sent(life))]


FAILING = """
  ask:
    do: {send: hello, channels: [sms, mail], on_failed: other_channel}
    await: {delivered: 1d, end: delivered, else: {end: lost}}
"""


def test_what_failed_leaves_by_the_next_channel_with_an_id_of_its_own() -> None:
    life = Life(book(FAILING))
    life.happens("in", START, identifiers=BOTH)

    comes(life, "failed", START + HOUR)
    comes(life, "delivered", START + 2 * HOUR)

    one, two = life.actions()
    assert [one["channel"], two["channel"]] == ["sms", "mail"]
    assert one["action_id"] != two["action_id"]
    assert (two["passed_over"], two["due"]) == ({"sms": "failed"}, rfc3339(START))
    assert two["reason"]["cause"] == "touchpoint"
    assert ended(life) == [("delivered", rfc3339(START + 2 * HOUR))]


def test_when_no_channel_is_left_the_failure_counts() -> None:
    life = Life(book(FAILING))
    life.happens("in", START, identifiers=BOTH)
    comes(life, "failed", START + HOUR)

    comes(life, "failed", START + 2 * HOUR)

    (row,) = life.told("withheld")
    assert (row["reason"], row["passed_over"]) == (
        "unreachable",
        {"sms": "failed", "mail": "failed"},
    )
    assert ended(life) == [("lost", rfc3339(START + 2 * HOUR))]


def test_a_failure_told_twice_tries_once() -> None:
    life = Life(book(FAILING))
    life.happens("in", START, identifiers=BOTH)
    first = sent(life)

    comes(life, "failed", START + HOUR, action=first, id="1")
    comes(life, "failed", START + HOUR, action=first, id="2")

    assert len(life.actions()) == 2
    assert ended(life) == []


def test_a_failure_after_she_moved_on_tries_nothing() -> None:
    stages = """
  one:
    do: {send: hello, channels: [sms, mail], on_failed: other_channel}
    on: {event: go, to: two}
  two: {after: {wait: 1d, end: over}}
"""
    life = Life(book(stages))
    life.happens("in", START, identifiers=BOTH)
    life.happens("go", START + MINUTE)

    comes(life, "failed", START + HOUR)

    assert len(life.actions()) == 1


def test_a_failure_may_lead_elsewhere() -> None:
    stages = """
  one:
    do: {send: hello, channels: sms, on_failed: {to: two}}
    after: {wait: 1d, end: fine}
  two: {after: {wait: 1d, end: over}}
"""
    life = Life(book(stages))
    life.happens("in", START)

    comes(life, "failed", START + HOUR)

    assert life.person().instances[0].stage == "two"
    assert life.due[ANN] == START + HOUR + DAY + 5 * SECOND


def test_lines_goals_and_exits_notice_results() -> None:
    stages = """
  one:
    do: {send: hello, channels: sms}
    on: {action: [delivered, replied], to: two}
  two:
    do: {send: hello, channels: sms}
    on: {action: delivered, end: over}
"""
    head = """goals: [{goal: seen, action: clicked, of: hello}]
exits: [{action: declined, of: hello, outcome: unwanted}]
"""
    life = Life(book(stages, head))
    life.happens("in", START)
    first = sent(life)
    comes(life, "delivered", START + MINUTE)

    comes(life, "delivered", START + 2 * MINUTE, action=first, id="of the first stage again")
    assert ended(life) == []
    comes(life, "clicked", START + 3 * MINUTE, action=first)
    comes(life, "declined", START + 4 * MINUTE)

    assert [row["goal"] for row in life.told("goal")] == ["seen"]
    assert ended(life) == [("unwanted", rfc3339(START + 4 * MINUTE))]


TASK = """
  call:
    do: {task: call_her, role: staff, assign: profile.traits.adviser, sla: 4h, with: {n: 1}}
    await: {done: sla, end: called, else: {end: silent}}
"""


def test_a_task_is_put_on_the_topic_of_tasks() -> None:
    life = Life(book(TASK))

    life.happens("in", START, traits={"adviser": "li", "store": "s1"})

    (output,) = [o for o in life.outputs if o.kind == "actions.task"]
    action = Action.model_validate_json(output.value)
    assert (action.action, action.task, action.role) == ("task", "call_her", "staff")
    assert (action.assign, action.store, action.with_) == ("li", "s1", {"n": 1})
    assert orjson.loads(output.value)["sla_until"] == rfc3339(START + 4 * HOUR)


def test_a_task_done_in_time_leads_on() -> None:
    life = Life(book(TASK))
    life.happens("in", START)

    comes(life, "accepted", START + HOUR)
    comes(life, "done", START + 3 * HOUR)
    life.pass_until(START + DAY)

    assert ended(life) == [("called", rfc3339(START + 3 * HOUR))]


def test_a_task_nobody_did_expires_when_its_sla_is_over() -> None:
    life = Life(book(TASK))
    life.happens("in", START)
    comes(life, "postponed", START + HOUR)
    assert life.due[ANN] == START + 4 * HOUR + 5 * SECOND

    life.pass_until(START + DAY)

    assert [row["result"] for row in life.told("result")] == ["postponed", "expired"]
    assert ended(life) == [("silent", rfc3339(START + 4 * HOUR))]
    assert life.person().instances == []


def test_an_sla_that_is_over_is_told_once_where_nobody_waits_for_it() -> None:
    stages = """
  one:
    do: {task: call_her, sla: 4h}
    after: {wait: 10d, end: over}
"""
    life = Life(book(stages))
    life.happens("in", START)

    life.pass_until(START + 5 * DAY)

    assert [row["result"] for row in life.told("result")] == ["expired"]
    assert life.due[ANN] == START + 10 * DAY + 5 * SECOND


def test_an_action_that_came_to_nothing_gives_its_place_back() -> None:
    stages = "  one: {do: {send: offer, channels: sms}, end: over}\n"
    caps = 'caps: [{limit: 1, per: "7d"}]'
    life = Life(book(stages, more=caps))
    life.happens("in", START, consents={}, id="1")
    life.happens("in", START + HOUR, id="2")
    comes(life, "failed", START + 2 * HOUR)

    life.happens("in", START + 3 * HOUR, id="3")

    assert [a["leaves"] for a in life.actions()] == [rfc3339(START), rfc3339(START + 3 * HOUR)]
    assert [row["reason"] for row in life.told("withheld")] == ["capped"]


def test_who_is_held_out_takes_arrival_for_granted_and_hears_nothing() -> None:
    head = "holdout: {percent: 99}\n"
    arriving = ASKING.replace("send: hello", "send: offer").replace("replied: 3d", "delivered: 3d")
    replying = ASKING.replace("send: hello", "send: offer")

    lives = [Life(book(each, head)) for each in (arriving, replying)]
    for life in lives:
        life.happens("in", START, "p1")
        life.pass_until(START + 4 * DAY)

    assert [life.actions() for life in lives] == [[], []]
    assert [ended(life) for life in lives] == [
        [("replied", rfc3339(START))],
        [("silent", rfc3339(START + 3 * DAY))],
    ]


def test_a_result_after_a_merge_finds_the_action() -> None:
    life = Life(book(ASKING))
    life.happens("in", START, BEA)
    action = sent(life)
    life.append(Merged(BEA, ANN), START + MINUTE)
    life.deliver()

    comes(life, "replied", START + HOUR, BEA, action=action)
    life.deliver()

    assert ended(life) == [("replied", rfc3339(START + HOUR))]


def test_a_map_that_looks_at_no_results_remembers_no_actions() -> None:
    life = Life(book("  one: {do: {send: hello, channels: sms}, after: {wait: 1d, end: over}}\n"))

    life.happens("in", START)
    comes(life, "delivered", START + MINUTE)

    assert life.person().instances[0].actions == []
    assert life.person().remembered == [life.person().instances[0].entry]


def test_what_staff_do_not_confirm_expires_when_the_sla_of_the_channel_is_over() -> None:
    stages = "  one: {do: {send: hello, channels: wecom}, after: {wait: 9d, end: over}}\n"
    life = Life(book(stages, wecom="{identifier: phone, human: true, role: adviser, sla: 2h}"))
    life.happens("in", START)

    life.pass_until(START + DAY)

    (action,) = life.actions()
    assert (action["role"], action["sla_until"]) == ("adviser", rfc3339(START + 2 * HOUR))
    assert [row["result"] for row in life.told("result")] == ["expired"]
    assert life.told("result")[0]["at"] == rfc3339(START + 2 * HOUR)


def test_what_staff_confirm_in_time_does_not_expire() -> None:
    stages = "  one: {do: {send: hello, channels: wecom}, after: {wait: 9d, end: over}}\n"
    life = Life(book(stages, wecom="{identifier: phone, human: true}"))
    life.happens("in", START)
    comes(life, "delivered", START + 23 * HOUR)

    life.pass_until(START + 3 * DAY)

    assert [row["result"] for row in life.told("result")] == ["delivered"]
