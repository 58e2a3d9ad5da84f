"""`tocsin demo`: the whole way, with real parts on loopback: alerts in, playbooks, a decision by mail, containment, a report."""

from pathlib import Path
from typing import Annotated

import typer

from tocsin.cli.options import AsJson
from tocsin.cli.say import FAILED, as_line, put, warn
from tocsin.cli.shipped import shipped_playbooks

__all__ = ["demo", "shipped_playbooks"]


def demo(
    alerts: Annotated[Path | None, typer.Option(help="An eve.json to replay in place of the sample.", dir_okay=False)] = None,
    keep: Annotated[bool, typer.Option("--keep", help="Leave the data folder and the mailbox where they are.")] = False,
    report: Annotated[
        Path | None, typer.Option(help="Where the HTML report of the first case goes; those of others go beside it.", dir_okay=False)
    ] = None,
    svg: Annotated[Path | None, typer.Option(help="Also draw the final timeline there.", dir_okay=False)] = None,
    json: AsJson = False,
) -> None:
    """Play the main job on this machine: real Suricata alerts and reported mails, a decision by mail, containment, a report.

    On a terminal the server stays up until Ctrl-C. Exit code 1 when something did not finish.
    """
    from tocsin.cli.demo.play import Play, play
    from tocsin.cli.logs import configure_logging
    from tocsin.cli.up import run_loop

    configure_logging("error")
    ended = run_loop(play(Play(alerts=alerts, keep=keep, report=report, svg=svg, as_json=json)))
    if json:
        put(as_line(ended.as_json()))
    for problem in ended.problems:
        warn(f"tocsin: {problem}")
    if ended.problems:
        raise typer.Exit(FAILED)
