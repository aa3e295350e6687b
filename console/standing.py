"""How things stand, printed for people."""

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
    for line in _gate(reading):
        out.print(line, highlight=False, soft_wrap=True)
    out.print(_shards(reading))
    if reading.owners is None:
        out.print("owners: this broker cannot tell")
    for worker, partitions in (reading.owners or {}).items():
        out.print(f"{worker}: {', '.join(partitions) or 'nothing'}", highlight=False)
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


def _shards(reading: Reading) -> Table:
    table = Table(box=None)
    for column in ("shard", "offset", "lag", "time", "people waiting", "maps"):
        table.add_column(column)
    for shard in reading.shards:
        maps = ", ".join(f"{name} {version}" for name, version in shard.maps.items())
        numbers = (str(shard.number), f"{shard.offset:,}", f"{shard.lag:,}")
        table.add_row(*numbers, moment(shard.time), f"{shard.waiting:,}", maps or "none")
    return table


def _age(now: int, watermark: int) -> str:
    if not watermark:
        return "none yet (a source was never stitched to its end)"
    return f"{moment(watermark)}, {max(0, now - watermark) / 1000:,.1f} s ago"
