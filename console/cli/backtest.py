"""`wayline backtest`: maps tried on people of the past."""

from pathlib import Path
from typing import Annotated

import typer

from console.cli.options import JsonOption, KafkaOption, PrefixOption, examples
from console.cli.past import (
    FromOption,
    InboxOption,
    JobsOption,
    MappingOption,
    SourceOption,
    ToOption,
)


def add_to(app: typer.Typer) -> None:
    lines = (
        "wayline backtest shop --source purchases.csv.gz",
        "wayline backtest shop/maps/cart.yaml --source rows.csv --mapping till.yaml --csv report",
        "wayline backtest drafts/cart.yaml --inbox --from 2026-05-01 --jobs 4",
    )
    app.command(epilog=examples(*lines))(backtest)


def backtest(
    maps: Annotated[
        list[Path],
        typer.Argument(metavar="MAP...", help="Maps, or a workspace.", show_default=False),
    ],
    source: SourceOption = None,
    mapping: MappingOption = None,
    inbox: InboxOption = False,
    since: FromOption = None,
    until: ToOption = None,
    jobs: JobsOption = None,
    csv: Annotated[
        Path | None, typer.Option("--csv", metavar="DIR", help="Also a CSV file for each table.")
    ] = None,
    json: JsonOption = False,
    kafka: KafkaOption = None,
    prefix: PrefixOption = None,
) -> None:
    """Lead people of the past through maps, and count what would have become of them.

    The workers' own engine, in virtual time. Nothing is sent, nothing is published.
    """
    import time

    import orjson
    from rich.console import Console

    from console.backtest_report import Report
    from console.backtesting import jobs_of, open_draft, tally_of
    from console.cli.past import Where, progress_bar, read_past
    from console.connections import settings_for

    where = Where(source, mapping, inbox, since, until)
    where.checked()
    draft = open_draft(maps)
    with progress_bar() as bar:
        history, period = read_past(where, draft, lambda: settings_for(kafka, None, prefix), bar)
        workers = jobs_of(jobs, history.touchpoints)
        task = bar.add_task("replaying", total=history.touchpoints)
        started = time.perf_counter()
        tally = tally_of(draft, history.pasts, period, workers, lambda n: bar.advance(task, n))
        seconds = time.perf_counter() - started
    report = Report(draft.compiled()[1], history, tally, seconds, workers)
    if csv is not None:
        report.write_csv(csv)
    if json:
        print(orjson.dumps(report.as_json(), option=orjson.OPT_INDENT_2).decode())
    else:
        shown = Console()
        shown.print(report.shown(speed=shown.is_terminal))
