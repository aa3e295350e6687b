"""Files as touchpoints, row by row."""

import gzip
from pathlib import Path

import pytest

from schemas.intake import Raw, compile_mapping, decode
from streams.imports import (
    Imported,
    Progress,
    Refused,
    Row,
    UnreadableFile,
    read_rows,
    touchpoints_of,
    watermark,
)

NOW = 1_772_400_000_000
MAPPING = compile_mapping(
    "till",
    {
        "type": "order.paid",
        "time": "{{ ts }}",
        "identifiers": {"phone": "{{ mobile }}"},
        "properties": {"amount": "{{ amount | number }}"},
    },
)
CSV = """ts,mobile,amount,note
2026-02-01 10:00,13800138000,10.50,"two
lines"
2026-02-03 10:00,13900139000,ten,
2026-02-02 10:00,13700137000,7,
2026-02-02 10:00,,7,
2026-02-02 10:00,13700137000,7
"""


def _imported(path: Path, mapping: object = MAPPING) -> list[Imported | Refused]:
    return list(touchpoints_of(path, mapping, NOW))  # type: ignore[arg-type]


def test_rows_become_native_records_or_are_refused_with_their_line(tmp_path: Path) -> None:
    file = tmp_path / "receipts.csv"
    file.write_text(CSV)

    rows = _imported(file)

    assert [(type(r).__name__, r.line) for r in rows] == [
        ("Imported", 2),
        ("Refused", 4),
        ("Imported", 5),
        ("Refused", 6),
        ("Refused", 7),
    ]
    refused = [(r.code, r.path) for r in rows if isinstance(r, Refused)]
    assert refused == [
        ("wrong-type", "/properties/amount"),
        ("no-identifier", "/identifiers"),
        ("wrong-columns", ""),
    ]


def test_what_is_sent_is_a_touchpoint_under_the_key_of_its_first_identifier(tmp_path: Path) -> None:
    file = tmp_path / "receipts.csv"
    file.write_text(CSV)

    row = _imported(file)[0]

    assert isinstance(row, Imported)
    assert row.key == b"phone:13800138000"
    touchpoint = decode(Raw("touchpoints.import", 0, 0, NOW, row.key, row.value), None, NOW)
    assert (touchpoint.source, touchpoint.time) == ("till", row.time)
    assert touchpoint.properties == {"amount": 10.5}


def test_the_same_row_has_the_same_id_in_any_file_and_place(tmp_path: Path) -> None:
    one, other = tmp_path / "one.csv", tmp_path / "other.csv.gz"
    lines = CSV.splitlines()
    one.write_text(CSV)
    other.write_bytes(gzip.compress("\n".join([lines[0], lines[4], *lines[1:3]]).encode()))

    ids = [{r.value for r in _imported(f) if isinstance(r, Imported)} for f in (one, other)]

    assert ids[0] == ids[1]
    assert len(ids[0]) == 2


def test_the_id_of_a_mapping_goes_before_that_of_the_content(tmp_path: Path) -> None:
    file = tmp_path / "receipts.csv"
    file.write_text("no,mobile\nr-1,138\n")
    entry = {"type": "a", "id": "{{ no }}", "identifiers": {"phone": "{{ mobile }}"}}

    (row,) = _imported(file, compile_mapping("till", entry))

    assert isinstance(row, Imported)
    assert b'"id":"r-1"' in row.value


@pytest.mark.parametrize("name", ["a.jsonl", "a.ndjson", "A.JSONL.GZ"])
def test_json_lines_are_native_without_a_mapping(tmp_path: Path, name: str) -> None:
    lines = [
        b'{"type":"a","identifiers":{"phone":"1"},"time":"2026-02-01T00:00:00Z"}',
        b"",
        b'{"type":"a","identifiers":{"phone":"1"},"time":NaN}',
        b'{"type":"a","identifiers":{"phone":1}}',
        b'{"type":"a","identifiers":{"phone":"2"}}\r',
    ]
    file = tmp_path / name
    content = b"\n".join(lines)
    file.write_bytes(gzip.compress(content) if name.endswith("GZ") else content)

    rows = _imported(file, None)

    assert [(r.line, getattr(r, "code", "")) for r in rows] == [
        (1, ""),
        (3, "number-not-finite"),
        (4, "wrong-type"),
        (5, ""),
    ]
    assert [r.time for r in rows if isinstance(r, Imported)] == [1_769_904_000_000, NOW]


def test_calls_of_libraries_are_imported_as_they_are_and_count_once(tmp_path: Path) -> None:
    file = tmp_path / "calls.jsonl"
    file.write_text('{"type":"track","event":"Order Completed","userId":"u1"}\n' * 2)

    rows = _imported(file, None)

    told = [
        decode(Raw("touchpoints.import", 0, n, NOW, row.key, row.value), None, NOW)
        for n, row in enumerate(rows)
        if isinstance(row, Imported)
    ]
    assert [(t.type, t.identifiers) for t in told] == [
        ("order_completed", {"user_id": ("u1",)}),
        ("order_completed", {"user_id": ("u1",)}),
    ]
    assert told[0].id == told[1].id


def test_json_lines_can_be_mapped(tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    file.write_text('{"mobile":"1","ts":"2026-02-01","amount":"3"}\n')

    (row,) = _imported(file)

    assert isinstance(row, Imported)
    assert row.key == b"phone:1"


def test_excel_separators_and_byte_order_marks_are_understood(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_bytes("\ufeffa;b\r\n1,5;2\r\n".encode())

    assert list(read_rows(file)) == [Row(2, {"a": "1,5", "b": "2"})]


def test_a_row_that_is_no_utf8_or_no_csv_is_refused_alone(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_bytes(
        b'ts,mobile,amount\n2026-02-01,1\xff,3\n2026-02-01,"1"x,3\n2026-02-01,2,3\n2026-02-01,\0,3\n'
    )

    rows = _imported(file)

    assert [getattr(r, "code", "") for r in rows] == ["not-utf8", "not-csv", "", "nul-character"]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.xlsx", b"x"),
        ("a.csv.gz", b"no gzip"),
        ("a.csv.gz", gzip.compress(b"a,b\n1,2\n" * 9000)[:-30]),
        ("missing.csv", None),
    ],
)
def test_a_file_that_cannot_be_read_is_named(
    tmp_path: Path, name: str, content: bytes | None
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)

    with pytest.raises(UnreadableFile, match=name):
        list(read_rows(tmp_path / name))


def test_a_csv_file_without_a_mapping_is_refused_as_a_whole(tmp_path: Path) -> None:
    file = tmp_path / "receipts.csv"
    file.write_text(CSV)

    with pytest.raises(UnreadableFile, match="sources"):
        _imported(file, None)


def test_progress_counts_the_bytes_on_the_disk(tmp_path: Path) -> None:
    file, progress = tmp_path / "a.csv.gz", Progress()
    file.write_bytes(gzip.compress(CSV.encode()))

    list(read_rows(file, progress))

    assert progress.total_bytes == progress.read_bytes == file.stat().st_size


def test_a_watermark_is_a_touchpoint_dated_by_what_it_says() -> None:
    upto = 1_769_904_000_123

    touchpoint = decode(Raw("touchpoints", 0, 1, NOW, None, watermark("till", upto)), None, NOW)

    assert (touchpoint.type, touchpoint.time) == ("source.watermark", upto)
    assert touchpoint.properties == {"source": "till", "upto": upto}
