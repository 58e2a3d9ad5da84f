"""The tree of commands. What a command needs it imports when it runs, so that `tocsin --help` is quick."""

import typer

from tocsin.cli import (
    backtest,
    bench,
    check,
    demo,
    diff,
    fmt,
    lsp,
    mapping,
    openapi,
    packs,
    playbooks,
    rehearse,
    replay,
    run,
    runs,
    schema,
    sync,
    up,
)


def application() -> typer.Typer:
    """Return the whole command line."""
    app = typer.Typer(
        name="tocsin",
        help="Security orchestration, automation and response in one process.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )
    app.callback()(_tocsin)
    app.command("up")(up.up)
    app.command("demo")(demo.demo)
    app.command("map")(mapping.map_events)
    app.command("replay")(replay.replay)
    app.command("check")(check.check)
    app.command("fmt")(fmt.fmt)
    app.command("diff")(diff.diff)
    app.command("schema")(schema.schema)
    app.command("lsp")(lsp.lsp)
    app.command("rehearse")(rehearse.rehearse)
    app.command("run")(run.run)
    app.command("backtest")(backtest.backtest)
    app.add_typer(runs.group(), name="runs")
    app.add_typer(playbooks.group(), name="playbooks")
    app.command("sync")(sync.sync)
    app.add_typer(packs.group(), name="pack")
    app.command("openapi")(openapi.openapi)
    app.command("bench")(bench.bench)
    return app


def _tocsin(
    version: bool = typer.Option(
        False, "--version", help="Print the version and exit.", is_eager=True, callback=lambda told: _version(told)
    ),
) -> None:
    """Security orchestration, automation and response in one process."""


def _version(told: bool) -> None:
    if told:
        import tocsin

        typer.echo(f"tocsin {tocsin.__version__}")
        raise typer.Exit
