"""How things stand, printed for people."""

from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from console.people import moment
from console.readings import Reading


def print_standing(reading: Reading, out: Console) -> None:
    """Lag by topic, time and gate by shard, and who owns what."""
    for topic, lag in reading.lag.items():
        out.print(f"{topic}: {lag:,} not done yet", highlight=False)
    out.print(f"watermark: {_age(reading.now, reading.watermark)}", highlight=False)
    for line in (*_gate(reading), *_maps(reading), *_steered(reading)):
        out.print(line, highlight=False, soft_wrap=True)
    out.print(_shards(reading))
    if reading.owners is None:
        out.print("owners: this broker cannot tell")
    for worker, partitions in (reading.owners or {}).items():
        out.print(f"{worker}: {_ranges(partitions)}", highlight=False, soft_wrap=True)
    if reading.owners == {}:
        out.print("owners: no worker runs")


def _gate(reading: Reading) -> list[str]:
    """One line for each reason; a hold reaches every shard at its own moment."""
    held = [shard for shard in reading.shards if shard.held]
    lines = []
    for reason in dict.fromkeys(shard.held_for for shard in held):
        shards = [shard for shard in held if shard.held_for == reason]
        since = moment(min(shard.held_since for shard in shards))
        which = ", ".join(str(shard.number) for shard in shards)
        where = "all shards" if len(shards) == len(reading.shards) else f"shards {which}"
        why = escape(reason) or "no reason given"
        lines.append(f"[red]gate: shut[/] in {where} since {since}: {why}")
    return lines or ["gate: open"]


def _maps(reading: Reading) -> list[str]:
    """One line where all shards go by the same maps; a publication reaches each at its moment."""
    releases = {_release(shard.maps) for shard in reading.shards}
    return [f"maps: {release}" for release in releases] if len(releases) == 1 else []


def _steered(reading: Reading) -> list[str]:
    """A line for each map that is paused, drained or stopped somewhere."""
    found: dict[tuple[str, str], list[str]] = {}
    for shard in reading.shards:
        for name, state in shard.steered.items():
            found.setdefault((name, state), []).append(str(shard.number))
    everywhere = len(reading.shards)
    return [
        f"[red]map {name}: {state}[/] in "
        + ("all shards" if len(shards) == everywhere else f"shards {', '.join(shards)}")
        for (name, state), shards in sorted(found.items())
    ]


def _shards(reading: Reading) -> Table:
    table, differ = Table(box=None), not _maps(reading)
    for column in ("shard", "offset", "lag", "time", "people waiting", *(("maps",) * differ)):
        table.add_column(column)
    for shard in reading.shards:
        numbers = (str(shard.number), f"{shard.offset:,}", f"{shard.lag:,}")
        maps = (_release(shard.maps),) * differ
        table.add_row(*numbers, moment(shard.time), f"{shard.waiting:,}", *maps)
    return table


def _release(maps: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {version}" for name, version in sorted(maps.items())) or "none"


def _ranges(partitions: Sequence[str]) -> str:
    """`inbox 0-3 5, touchpoints 7` for `inbox/0` and so on."""
    by_topic: dict[str, list[int]] = {}
    for name in partitions:
        topic, _, partition = name.rpartition("/")
        by_topic.setdefault(topic, []).append(int(partition))
    found = []
    for topic, numbers in sorted(by_topic.items()):
        runs: list[list[int]] = []
        for number in sorted(numbers):
            if runs and number == runs[-1][-1] + 1:
                runs[-1].append(number)
            else:
                runs.append([number])
        said = (f"{run[0]}-{run[-1]}" if len(run) > 1 else str(run[0]) for run in runs)
        found.append(f"{topic} {' '.join(said)}")
    return ", ".join(found) or "nothing"


def _age(now: int, watermark: int) -> str:
    if not watermark:
        return "none yet (a source was never stitched to its end)"
    return f"{moment(watermark)}, {max(0, now - watermark) / 1000:,.1f} s ago"
