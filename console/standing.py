"""How things stand, printed for people."""

from rich.console import Console
from rich.table import Table

from console.people import moment
from console.readings import Reading


def print_standing(reading: Reading, out: Console) -> None:
    """Lag by topic, time and gate by shard, and who owns what."""
    for topic, lag in reading.lag.items():
        out.print(f"{topic}: {lag:,} not done yet", highlight=False)
    out.print(f"watermark: {_age(reading.now, reading.watermark)}", highlight=False)
    held = [shard.number for shard in reading.shards if shard.held]
    out.print(f"[red]held: shards {held}[/]" if held else "gate: open", highlight=False)
    out.print(_shards(reading))
    if reading.owners is None:
        out.print("owners: this broker cannot tell")
    for worker, partitions in (reading.owners or {}).items():
        out.print(f"{worker}: {', '.join(partitions) or 'nothing'}", highlight=False)
    if reading.owners == {}:
        out.print("owners: no worker runs")


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
