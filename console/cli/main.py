"""`wayline`: every command, and the one place where a failure becomes words and an exit code."""

import sys
from typing import NoReturn

import typer

from console.cli import (
    actions,
    backtest,
    check,
    dead_letters,
    demo,
    dev,
    diff,
    draw,
    explain,
    gate,
    identity,
    imports,
    mending,
    people,
    publish,
    recompute,
    schema,
    send,
    simulate,
    start,
    status,
    steering,
    test,
    topics,
    version,
    worker,
)

app = typer.Typer(
    name="wayline",
    help="An event-streaming customer-journey engine: touchpoints in, actions out.",
    epilog="Exit codes: 0 done, 1 problems found or refused, 2 wrong usage or cannot run.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for commands in (demo, dev, worker, topics, publish, check, test, draw, simulate):
    commands.add_to(app)
for commands in (backtest, diff, explain):
    commands.add_to(app)
for commands in (schema, send, start, imports, actions):
    commands.add_to(app)
for commands in (people, identity, dead_letters, gate, steering, mending, recompute):
    commands.add_to(app)
for commands in (status, version):
    commands.add_to(app)


def run(arguments: list[str]) -> int:
    """Runs one command and returns its exit code; expected failures are one sentence on stderr."""
    for argument in arguments:
        if _is_no_text(argument):
            print(f"wayline: {argument!r} is not UTF-8.", file=sys.stderr)
            return 2
    try:
        app(args=arguments, prog_name="wayline")
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except Exception as error:
        from console.refusals import sentence

        said = sentence(error)
        if said is None:
            raise
        code, words = said
        print(f"wayline: {words}", file=sys.stderr)
        return code
    return 0


def _is_no_text(argument: str) -> bool:
    """Bytes that are no UTF-8 reach Python as surrogates, which nothing can be made of."""
    return any("\ud800" <= sign <= "\udfff" for sign in argument)


def main() -> NoReturn:
    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
