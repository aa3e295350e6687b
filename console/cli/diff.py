"""`wayline diff`: two drafts on the same people of the past."""

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
        "wayline diff shop/maps/cart.yaml shop/drafts/cart.yaml --inbox --from 2026-05-01",
        "wayline diff shop ../new-shop --source rows.csv --json",
    )
    app.command(epilog=examples(*lines))(diff)


def diff(
    old: Annotated[Path, typer.Argument(help="A map, or a workspace.", show_default=False)],
    new: Annotated[Path, typer.Argument(help="Another one.", show_default=False)],
    source: SourceOption = None,
    mapping: MappingOption = None,
    inbox: InboxOption = False,
    since: FromOption = None,
    until: ToOption = None,
    jobs: JobsOption = None,
    reveal: Annotated[
        bool, typer.Option("--reveal", help="Identifiers and keys of examples in full.")
    ] = False,
    json: JsonOption = False,
    kafka: KafkaOption = None,
    prefix: PrefixOption = None,
) -> None:
    """Say who would be treated differently, from which touchpoint or timer on, and how.

    People are told apart by the identity rules of the new workspace.
    """
    import orjson

    from console.backtesting import differences_of, jobs_of, open_draft
    from console.cli.past import Where, progress_bar, read_past
    from console.connections import settings_for
    from console.differences import Found, as_json, as_text

    where = Where(source, mapping, inbox, since, until)
    where.checked()
    drafts = open_draft([old]), open_draft([new])
    with progress_bar() as bar:
        history, period = read_past(
            where, drafts[1], lambda: settings_for(kafka, None, prefix), bar
        )
        task = bar.add_task("comparing", total=history.touchpoints)
        found, workers = Found(), jobs_of(jobs, history.touchpoints)
        for number, differs in differences_of(
            *drafts, history.pasts, period, workers, lambda n: bar.advance(task, n)
        ):
            found.add(number, differs)
    report = as_json(found, history, reveal=reveal)
    if json:
        print(orjson.dumps(report, option=orjson.OPT_INDENT_2).decode())
    else:
        print("\n".join(as_text(report)))
