"""A record that died is kept as it was, and can be sent again."""

from schemas.deadletter import LARGEST_VALUE, OMITTED, dead_letter, read_dead_letter
from schemas.errors import ContractError
from schemas.intake import Raw

ERROR = ContractError("wrong-type", "/id", "It is a number.", "Send a text.")
HEADERS = (("x", b"1"), ("x", b"2"), ("y", None))
RAW = Raw("touchpoints", 3, 17, 1_772_400_000_000, b"k\xff", b"\xff\x00", HEADERS)


def test_the_record_stays_as_it_was() -> None:
    letter = dead_letter(RAW, ERROR)

    assert (letter.key, letter.value, letter.timestamp) == (RAW.key, RAW.value, RAW.timestamp)
    assert letter.headers[:3] == RAW.headers


def test_the_reason_stands_in_the_headers_that_kafka_connect_uses() -> None:
    headers = dict(dead_letter(RAW, ERROR).headers)

    assert headers == {
        "x": b"2",
        "y": None,
        "__connect.errors.topic": b"touchpoints",
        "__connect.errors.partition": b"3",
        "__connect.errors.offset": b"17",
        "__connect.errors.stage": b"STITCH",
        "__connect.errors.class.name": b"schemas.errors.ContractError",
        "__connect.errors.exception.message": b"It is a number. Send a text.",
        "wayline-error-code": b"wrong-type",
        "wayline-error-path": b"/id",
    }


def _lie(letter_of: Raw, error: ContractError) -> Raw:
    """The letter as it lies on its topic."""
    letter = dead_letter(letter_of, error)
    stamp = -1 if letter.timestamp is None else letter.timestamp
    return Raw("touchpoints.dlq", 0, 4, stamp, letter.key, letter.value, letter.headers)


def test_read_back_it_is_the_record_and_the_reason() -> None:
    returned = read_dead_letter(_lie(RAW, ERROR))

    assert returned.record == RAW
    assert (returned.code, returned.path, returned.stage) == ("wrong-type", "/id", "STITCH")
    assert returned.message == "It is a number. Send a text."


def test_a_record_that_dies_twice_carries_its_last_reason_alone() -> None:
    again = ContractError("no-identifier", "/identifiers", "Nobody.", "Say who.")
    once = _lie(RAW, ERROR)._replace(topic="touchpoints")

    headers = dead_letter(once, again).headers

    assert [v for name, v in headers if name == "wayline-error-code"] == [b"no-identifier"]
    assert len(headers) == len(dead_letter(RAW, again).headers)


def test_a_tombstone_and_a_path_of_any_text_can_die() -> None:
    error = ContractError("duplicate-key", "/\ud83d", "Twice.", "Keep one.")

    returned = read_dead_letter(_lie(RAW._replace(value=None, timestamp=-1), error))

    assert returned.record.value is None
    assert returned.path == "/?"


def test_a_letter_of_another_writer_can_be_read() -> None:
    returned = read_dead_letter(Raw("crm.dlq", 0, 4, 5, None, b"x", (("y", b"1"),)))

    assert returned.record == Raw("crm", -1, -1, 5, None, b"x", (("y", b"1"),))
    assert returned.code == ""


def test_a_value_too_large_for_a_dead_letter_is_left_where_the_headers_say_it_is() -> None:
    raw = RAW._replace(value=b"x" * (LARGEST_VALUE + 1))

    letter = dead_letter(raw, ERROR)

    assert letter.value is None
    assert (OMITTED, str(LARGEST_VALUE + 1).encode()) in letter.headers
    returned = read_dead_letter(raw._replace(value=None, headers=letter.headers))
    assert (returned.record.offset, returned.omitted) == (17, True)
