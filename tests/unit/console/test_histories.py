"""People of the past, read from a file: whose is what, and who turns out to be one."""

import json
from pathlib import Path

from console.histories import History, read_file
from journeys.identity.config import identity_config
from schemas.inbox import Arrived, Merged, recipient


def read(folder: Path, *rows: dict[str, object]) -> History:
    file = folder / "rows.jsonl"
    file.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    return read_file(file, None, identity_config({}), None, lambda *_: None)


def row(time: str, **identifiers: str) -> dict[str, object]:
    moment = f"2026-05-04T{time}:00Z"
    return {"type": "seen", "time": moment, "id": time, "identifiers": identifiers}


def test_one_person_has_one_past_whatever_she_was_called(tmp_path: Path) -> None:
    history = read(
        tmp_path,
        row("09:00", user_id="ann"),
        row("09:10", cookie="c-0001"),
        row("09:20", user_id="bea"),
        row("09:30", user_id="ann", cookie="c-0001"),
        row("09:40", cookie="c-0001"),
    )

    together, alone = sorted(history.pasts, key=len, reverse=True)
    seen = [r.touchpoint.id for _, r in together if isinstance(r, Arrived)]
    assert seen == ["09:00", "09:10", "09:30", "09:40"]
    (merge,) = [r for _, r in together if isinstance(r, Merged)]
    assert [recipient(r) for _, r in together][-2:] == [merge.survivor, merge.survivor]
    assert len(alone) == 1
    assert history.touchpoints == 5


def test_what_is_late_is_heard_when_it_stands_in_the_file(tmp_path: Path) -> None:
    history = read(
        tmp_path,
        row("09:00", user_id="ann"),
        row("11:00", user_id="bea"),
        row("10:00", user_id="ann"),
    )

    ann = next(past for past in history.pasts if len(past) == 2)
    assert [(happened.heard - ann[0].heard) // 60_000 for happened in ann] == [0, 120]
    assert history.until == ann[1].heard


def test_what_breaks_the_contract_and_what_is_of_nobody_is_counted_apart(tmp_path: Path) -> None:
    history = read(
        tmp_path,
        row("09:00", user_id="ann"),
        row("25:00", user_id="ann"),
        row("09:20", user_id="null"),
    )

    assert (history.touchpoints, history.nobody) == (1, 1)
    assert [(refused.line, refused.code) for refused in history.refused] == [(2, "bad-time")]
