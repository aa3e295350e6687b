"""An erased person is forgotten by her shard; what else identity was asked changes nothing."""

import pytest

from journeys.engine.effects import Shard
from journeys.engine.fold import fold, wanted
from journeys.engine.profile import Profile, encode
from schemas.inbox import Logged, Operated
from schemas.touchpoint import Millis

from .building import ANN, START


def folded(kind: str) -> dict[str, bytes | None]:
    records = [Logged(7, Millis(START), Operated(kind, ANN, ("phone:x",), Millis(START)))]
    assert wanted(records) == [ANN]
    stored = {ANN: encode(Profile(known=True))}
    return dict(fold(Shard(0, 1), records, stored, lambda _: None).profiles)


def test_an_erased_person_is_no_longer_stored():
    assert folded("erase") == {ANN: None}


@pytest.mark.parametrize("kind", ["unbind", "split", "unshare"])
def test_nobody_else_is(kind: str):
    assert folded(kind) == {}
