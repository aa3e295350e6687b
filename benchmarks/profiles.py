"""How many bytes a person takes in Redis: `python -m benchmarks.profiles [--write FILE]`.

One person is led through the maps of the benchmark's workspace, bytes to bytes by the fold, and
her stored profile is weighed after each step.
"""

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from journeys.engine.effects import Shard
from journeys.engine.fold import fold
from journeys.engine.profile import decode
from journeys.language.model import Release
from journeys.language.workspace import compile_workspace, make_release
from schemas.inbox import Arrived, Logged
from schemas.touchpoint import Millis, ProfileId, Touchpoint

WORKSPACE = Path(__file__).parent / "workspace"
WHO = ProfileId("0123456789abcdefghijkl")
LINK = "lkjihgfedcba9876543210"
BEGAN, DAY = 1_767_225_600_000, 86_400_000

STORIES = {
    "a page seen": ("page.viewed",),
    "signed up": ("signup.done", "page.viewed"),
    "a cart left": ("signup.done", "page.viewed", "cart.filled"),
    "bought": ("signup.done", "page.viewed", "cart.filled", "order.paid"),
    "bought, and back": (
        *("signup.done", "page.viewed", "cart.filled", "order.paid"),
        *("page.viewed", "cart.filled", "signup.done"),
    ),
    "a hundred pages later": ("signup.done", *("page.viewed",) * 100, "cart.filled"),
}
"""What happened to her -> the types of her touchpoints, one each minute."""


class Weight(NamedTuple):
    """`size` in bytes; `remembered` are the touchpoints among it."""

    size: int
    instances: int
    remembered: int


def main() -> None:
    """Weighs, and writes or prints the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", type=Path, help="also write the page there")
    asked = parser.parse_args()
    page = "\n".join(_page()) + "\n"
    print(page, end="")
    if asked.write is not None:
        asked.write.write_text(page)


def weigh(kinds: Sequence[str]) -> Weight:
    """Her profile after these touchpoints, in the benchmark's five maps."""
    release = _release()
    maps = {each.name: each.version for each in release.live}
    shard = Shard(0, 1, settings=release.workspace.digest, maps=maps)
    records = [_record(number, kind) for number, kind in enumerate(kinds)]
    value = fold(shard, records, {}, lambda _: release).profiles[WHO]
    assert value is not None
    profile = decode(value)
    return Weight(len(value), len(profile.instances), len(profile.remembered))


def _page() -> Iterator[str]:
    yield "# What a person weighs"
    yield ""
    yield "Bytes of a stored profile, in five maps (`python -m benchmarks.profiles`)."
    yield ""
    yield "| What happened | Touchpoints | Open instances | Remembered | Bytes |"
    yield "|---|---|---|---|---|"
    for name, kinds in STORIES.items():
        found = weigh(kinds)
        yield f"| {name} | {len(kinds)} | {found.instances} | {found.remembered} | {found.size:,} |"


def _release() -> Release:
    files = WORKSPACE.rglob("*.yaml")
    documents = {str(each.relative_to(WORKSPACE)): each.read_text() for each in files}
    compiled = compile_workspace(documents)
    return make_release(compiled.workspace, compiled.maps, ())


def _record(number: int, kind: str) -> Logged:
    at = Millis(BEGAN + number * 60_000)
    touchpoint = Touchpoint(
        id=f"t{number:09}",
        type=kind,
        time=at,
        received=at,
        source="shop",
        channel="web",
        identifiers={"user_id": ("u0012345",), "phone": ("+8613800138000",)},
        properties={"order_id": f"o{number:09}", "amount": 129.5, "page": "/sofas/oslo"},
        traits={"first_name": "Mei", "timezone": "Asia/Shanghai"},
        consents={"sms": True, "mail": True},
    )
    return Logged(number, at, Arrived(WHO, touchpoint, (LINK,), ("touchpoints", 0, number)))


if __name__ == "__main__":
    main()
