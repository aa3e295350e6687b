from journeys.engine.local_time import rfc3339
from schemas.inbox import Merged

from .building import ANN, BEA, DAY, HOUR, SECOND, START, Life, release, win_back, workspace


def test_who_does_not_buy_again_is_sent_one_message_at_the_deadline() -> None:
    life = Life(release(win_back()))
    life.happens("order.paid", START)

    life.pass_until(START + 40 * DAY)

    (action,) = life.actions()
    assert action["due"] == action["at"] == rfc3339(START + 30 * DAY)
    assert action["leaves"] == rfc3339(START + 30 * DAY + 5 * SECOND)
    assert action["content"] == {"text": "Hello friend"}
    assert [row["outcome"] for row in life.told("end")] == ["sent"]
    assert life.person().instances == []


def test_each_purchase_starts_the_wait_anew() -> None:
    life = Life(release(win_back()))
    life.happens("order.paid", START)
    life.happens("order.paid", START + 20 * DAY)

    life.pass_until(START + 49 * DAY)
    assert life.actions() == []
    life.pass_until(START + 60 * DAY)

    assert [action["due"] for action in life.actions()] == [rfc3339(START + 50 * DAY)]


def test_two_purchases_at_the_same_instant_count_once() -> None:
    life = Life(release(win_back()))
    life.happens("order.paid", START, id="a")
    life.happens("order.paid", START, id="b")

    life.pass_until(START + 40 * DAY)

    assert len(life.actions()) == 1
    assert [row["kind"] for row in life.told()] == ["enter", "refused", "action", "end"]


def test_a_purchase_exactly_at_the_deadline_counts_as_in_time() -> None:
    life = Life(release(win_back(), space=workspace(grace=0, clock="event")), clock="event")
    life.happens("order.paid", START)
    life.happens("order.paid", START + 30 * DAY)

    life.tick(START + 59 * DAY)
    assert life.actions() == []
    life.tick(START + 60 * DAY)

    assert len(life.actions()) == 1


def test_the_loser_of_a_merge_keeps_the_later_purchase_in_mind() -> None:
    life = Life(release(win_back()))
    life.happens("order.paid", START, BEA)
    life.happens("order.paid", START + 20 * DAY, ANN)
    life.append(Merged(BEA, ANN), START + 20 * DAY + HOUR)
    life.deliver()

    life.pass_until(START + 49 * DAY)
    assert life.actions() == []
    life.pass_until(START + 60 * DAY)

    assert [action["due"] for action in life.actions()] == [rfc3339(START + 50 * DAY)]
    assert [row["outcome"] for row in life.told("end")] == ["merged_duplicate", "sent"]
    assert life.person(BEA).redirect == ANN
