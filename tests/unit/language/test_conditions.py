"""What conditions have of their own: null, words for operators, the clock, and what is refused."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from journeys.language.bytecode import emit
from journeys.language.lexer import Fault
from journeys.language.names import Names, Reads
from journeys.language.parser import parse

from .scopes import Counted, Somebody, Touch, scope

_ANY = Names(
    roots=frozenset({"event", "entry", "profile", "key", "now"}),
    event=frozenset({"order.paid"}),
    entry=frozenset({"sample.sent"}),
    noticed=frozenset({"order.paid"}),
    stages=frozenset({"remind"}),
)
_DECLARED = Names(
    roots=frozenset({"event", "profile", "now"}),
    event=frozenset({"order.paid"}),
    catalogue={"order.paid": {"amount": "number", "at": "time", "on": "date", "box": "object"}},
    traits={"birthday": "date", "seen": "time", "vip": "boolean"},
)
_PERSON = Somebody(
    traits={"birthday": "2024-02-29", "seen": "2026-03-04T10:00:00+08:00", "n": 7},
    tags=["staff", "vip"],
    consents={"sms": False},
    identifiers=frozenset({"phone"}),
)
_EVENT = {
    "amount": 7.5,
    "whole": 8,
    "text": "Gold",
    "list": ["a", 1],
    "box": {"in": {"deep": 5}},
    "time": "own",
    "at": "2026-03-05T09:00:00+08:00",
    "on": "2026-03-01",
    "no": None,
    "yes": True,
}


def result(source: str, names: Names = _ANY, **given_: Any) -> Any:
    run, _ = emit(parse(source), names, Reads())
    entry = Touch({"amount": 3}, id="e-1", type="sample.sent")
    instance = Counted({"order.paid": 2}, {"remind": 1})
    return run(scope(_EVENT, _PERSON, entry=entry, instance=instance, **given_))


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        # Null
        ("event.missing", None),
        ("event.missing == null", True),
        ("null != 'gold'", True),
        ("event.missing != 'gold'", True),
        ("event.missing < 5", False),
        ("event.missing >= 5", False),
        ("event.missing contains 'a'", False),
        ("event.missing matches 'a'", False),
        ("event.missing in ['a']", False),
        ("null in [null]", False),
        ("event.missing + 1", None),
        ("-event.missing", None),
        ("event.missing and true", False),
        ("not event.missing", True),
        ("event.missing ? 1 : 2", 2),
        ("exists(event.missing)", False),
        ("exists(event.amount)", True),
        ("exists('a') and null == null and 'a' != null", True),
        ("null and true", False),
        ("lower(event.missing)", None),
        ("event.box.in.deep", 5),
        ("event.box.out.deep", None),
        ("event.text.deep", None),
        # What fails is null
        ("1 / 0", None),
        ("9223372036854775807 + 1", None),
        ("1e308 * 10.0", None),
        ("event.text + 1 == null", True),
        ("event.text < 5", False),
        ("event.yes < 5", False),
        # Numbers: whole by whole is whole, JSON's numbers divide with fraction
        ("7 / 2", 3),
        ("event.whole / 3 > 2.6", True),
        ("event.yes == 1", False),
        ("1 in [true]", False),
        ("event.amount in [7.5]", True),
        # Words
        ("not event.amount == 5", True),
        ("not event.yes and false", False),
        ("event.text in ['Gold', 'gold']", True),
        ("event.list contains 1", True),
        ("profile.tags contains 'staff'", True),
        ("event.text matches '^[A-Z]'", True),
        # Paths
        ("event.time == now", False),
        ("event.properties.time", "own"),
        ("event.channel", "pos"),
        ("entry.amount", 3),
        ("entry.id", "e-1"),
        ("profile.traits.n", 7),
        ("profile.consents.sms", False),
        ("profile.consents.mail", None),
        ("profile.identifiers.phone", True),
        ("key", "k-1"),
        # Functions
        ("size(event.list)", 2),
        ("size(event.box)", 1),
        ("lower(event.text)", "gold"),
        ("ends_with(event.text, 'd')", True),
        ("number('12.50')", 12.5),
        ("number(' 12 ')", 12),
        ("number('twelve')", None),
        ("text(7.0)", "7"),
        ("text(true)", "true"),
        ("text(event.amount)", "7.5"),
        ("round(2.5)", 3),
        ("round(-2.5)", -3),
        ("round(1.005, 2)", 1.01),
        ("min(3, 1.5, 2)", 1.5),
        ("max([1, 2])", 2),
        ("max([])", None),
        ("min(1, event.text)", None),
        ("abs(-3)", 3),
        ("times('order.paid')", 2),
        ("visits('remind')", 1),
        # The clock: now is 2026-03-05 10:00 in Shanghai, a Thursday
        ("days_since('2026-03-01')", 4),
        ("days_until('2026-03-01')", -4),
        ("days_since('2026-03-04T23:59:00+08:00')", 1),
        ("days_since('2026-03-04T20:00:00Z')", 0),
        ("days_since(lower('soon'))", None),
        ("months_since('2025-03-05')", 12),
        ("months_since('2025-03-06')", 11),
        ("months_since('2026-05-05')", -2),
        ("hours_since('2026-03-05T07:30:00+08:00')", 2.5),
        ("minutes_since('2026-03-05T09:59:30+08:00')", 0.5),
        ("date(now)", "2026-03-05"),
        ("hour(now)", 10),
        ("weekday(now)", "thu"),
        ("weekday('2026-03-01')", "sun"),
        ("date(lower('9999-99-99'))", None),
    ],
)
def test_a_condition_means(source: str, expected: Any) -> None:
    found = result(source)

    assert (type(found), found) == (type(expected), expected)


def test_days_are_those_of_the_persons_zone() -> None:
    at_night = "2026-03-05T01:00:00+08:00"

    assert result("hour(now)", now=at_night) == 1
    assert result("hour(now)", now=at_night, zone="Europe/Berlin") == 18
    assert result("date(now)", now=at_night, zone="Europe/Berlin") == "2026-03-04"


def test_a_month_from_the_last_day_ends_on_the_last_day() -> None:
    assert result("months_since('2026-01-31')", now="2026-02-28T10:00:00+08:00") == 1
    assert result("months_since('2026-01-31')", now="2026-02-27T10:00:00+08:00") == 0


def test_declared_times_and_dates_are_read_from_their_texts() -> None:
    assert result("event.at < now", _DECLARED) is True
    assert result("event.time < event.at", _DECLARED) is True
    assert result("event.on == '2026-03-01'", _DECLARED) is True
    assert result("profile.traits.seen < event.at", _DECLARED) is True
    assert result("months_since(profile.traits.birthday)", _DECLARED) == 24


@pytest.mark.parametrize(
    ("source", "code", "start"),
    [
        ("event.amount == 'five'", "wrong-type", 0),
        ("days_since('soon') > 3", "bad-date", 11),
        ("date(now) >= '2026-02-30'", "bad-date", 13),
        ("event.amount and true", "wrong-type", 0),
        ("not event.amount", "wrong-type", 4),
        ("event.at > 5", "wrong-type", 0),
        ("event.at + 1 > 5", "wrong-type", 0),
        ("event.amount contains 'a'", "wrong-type", 0),
        ("'a' in event.amount", "wrong-type", 7),
        ("lower(event.amount) == 'a'", "wrong-type", 6),
        ("event.box.in.deep == 5 and event.amont > 1", "no-such-property", 27),
        ("event.amount.cents > 1", "no-such-property", 0),
        ("profile.traits.vpi", "no-such-property", 0),
        ("now.hour == 5", "no-such-property", 0),
        ("event == null", "no-such-property", 0),
        ("event.time.hour == 5", "no-such-property", 0),
        ("arm('x') == 'a'", "no-such-split", 4),
        ("event.on matches 'a' or event.on matches '['", "bad-pattern", 41),
        ("'a\\qb' == 'a'", "bad-condition", 2),
        ("1e999 > 1", "bad-condition", 0),
        ("99999999999999999999 > 1", "bad-condition", 0),
        ("1 +" + " 1 +" * 70 + " 1 > 0", "bad-condition", 0),
        ("event.amount > 5 " + " " * 4096, "bad-condition", 0),
        ("", "bad-condition", 0),
    ],
)
def test_what_cannot_be_meant_is_refused_at_its_place(source: str, code: str, start: int) -> None:
    with pytest.raises(Fault) as refused:
        emit(parse(source), _DECLARED, Reads())

    assert (refused.value.code, refused.value.start) == (code, start)


def test_a_condition_says_what_it_reads() -> None:
    reads = Reads()
    emit(parse("event.amount > entry.amount and event.box.in.deep > 1"), _ANY, reads)

    assert reads.properties == {"order.paid": {"amount", "box"}, "sample.sent": {"amount"}}


def test_no_touchpoint_is_null_and_no_error() -> None:
    run, _ = emit(parse("event.amount > 5 or exists(event.time)"), _ANY, Reads())

    assert run(scope()) is False


def test_a_long_row_of_conditions_is_not_deep() -> None:
    row = " or ".join(f"event.whole == {number}" for number in range(120))

    assert result(row) is True


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet="event.amount profile 'x' 0123 + - * / % ( ) [ ] , ? : <=> and not in "))
def test_any_text_is_read_or_refused(source: str) -> None:
    try:
        run, _ = emit(parse(source), _ANY, Reads())
    except Fault:
        return
    run(scope(_EVENT, _PERSON))
