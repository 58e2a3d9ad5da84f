"""The demo from its first alert to its last report."""

import asyncio
import contextlib
import io
import re
import shutil
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

from rich.console import Console, Group

from tocsin.cli.demo.approver import Approver
from tocsin.cli.demo.casefile import case_panel
from tocsin.cli.demo.mailserver import SmtpSink
from tocsin.cli.demo.stage import APPROVER, MAIL, NETWORK, Stage, sample_alerts, sample_mails
from tocsin.cli.demo.tally import Ended, count_up
from tocsin.cli.demo.watch import Watch, runs_table
from tocsin.cli.events import raw_lines
from tocsin.cli.remote import Remote, connect, count, text
from tocsin.cli.replay import HttpFeed, Replayed, batches
from tocsin.cli.say import shown
from tocsin.cli.serve import Serving, serving
from tocsin.cli.timeline import run_tree
from tocsin.core.errors import Invalid, TocsinError, Unavailable
from tocsin.core.values import JsonObject

ENDED_WITHIN_S = 60.0
POLL_S = 0.2
PICTURE_WIDTH = 110


@dataclass(frozen=True, slots=True)
class Play:
    """What was asked for."""

    alerts: Path | None = None
    keep: bool = False
    report: Path | None = None
    svg: Path | None = None
    as_json: bool = False

    @property
    def stays(self) -> bool:
        """Tell whether somebody sits there and may look around."""
        return sys.stdout.isatty() and not self.as_json


async def play(wanted: Play) -> Ended:
    """Play the demo and return what it came to; raises TocsinError when it cannot even begin."""
    stage = Stage(Path(tempfile.mkdtemp(prefix="tocsin-demo-")))
    console = Console(stderr=wanted.as_json)
    try:
        with SmtpSink() as mails:
            async with serving(stage.settings(smtp_port=mails.port), environ={}) as running:
                ended = await _play(wanted, stage, console, running, mails)
                if wanted.stays and not ended.problems:
                    await _stay(console, running)
        return ended
    finally:
        if not wanted.keep:
            for folder in (stage.data, stage.maildir):
                shutil.rmtree(folder, ignore_errors=True)
            with contextlib.suppress(OSError):
                stage.root.rmdir()  # not while the report is in it


async def _play(wanted: Play, stage: Stage, console: Console, running: Serving, mails: SmtpSink) -> Ended:
    admin = running.server.admin
    if admin is None or running.server.problems:
        raise Unavailable(f"The demo's server is not well: {'; '.join(running.server.problems) or 'nobody may sign in'}.")
    begun = time.monotonic()
    watch = Watch(console, live=console.is_terminal)
    async with connect(running.url, admin.token) as http:
        remote = Remote(http)
        problems = []
        async with watch.watching(remote), _approving(remote, mails, watch) as approving:
            fed = await _feed(wanted, stage, remote, watch)
            problems += await _until_over(remote, approving, fed)
        ended = await count_up(remote, running.server, stage, now=datetime.now(UTC))
        ended.problems = [*problems, *_failures(ended)]
        ended.reports = [str(one) for one in await _reports(wanted, stage, remote, ended)]
    ended.seconds = time.monotonic() - begun
    _show(wanted, console, ended)
    return ended


@contextlib.asynccontextmanager
async def _approving(remote: Remote, mails: SmtpSink, watch: Watch) -> "AsyncIterator[asyncio.Task[None]]":
    token = await _person(remote, "amira", APPROVER, "responder")
    task = asyncio.create_task(Approver(mails, address=APPROVER, token=token, tell=watch.tell).work())
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _person(remote: Remote, name: str, email: str, role: str) -> str:
    person = await remote.post("/people", {"name": name, "email": email, "roles": [role]})
    key = await remote.post(f"/people/{quote(text(person.get('id')))}/keys", {"name": "demo"})
    return text(key.get("token"))


async def _feed(wanted: Play, stage: Stage, remote: Remote, watch: Watch) -> int:
    """Send the alerts by HTTP and drop the mails into the mailbox; return how many mails."""
    replayed = Replayed()
    file = wanted.alerts or sample_alerts()
    token = await _person(remote, "suricata", "", "sensor")
    async with connect(str(remote.http.base_url), token) as http:
        feed = HttpFeed(Remote(http), NETWORK)
        for batch in batches(raw_lines([file])):
            await feed.take(batch, replayed)
    watch.tell(
        f"{replayed.read} events of Suricata: {replayed.alerts} alerts, {replayed.folded} folded into them, {replayed.skipped} no alerts"
    )
    reported = sample_mails()
    await asyncio.to_thread(stage.deliver, reported)
    watch.tell(f"{len(reported)} mails that people reported lie in the mailbox")
    return len(reported)


async def _until_over(remote: Remote, approving: "asyncio.Task[None]", mails: int) -> list[str]:
    """Wait until every mail was taken in and every run has ended; return what did not."""
    deadline = time.monotonic() + ENDED_WITHIN_S
    while True:
        if approving.done() and not approving.cancelled() and (error := approving.exception()) is not None:
            if not isinstance(error, TocsinError):
                raise error
            return [str(error)]
        taken = sum(count(alert.get("count")) for alert in await remote.items("/alerts", source=MAIL))
        unfinished = [run for status in ("running", "waiting") for run in await remote.items("/runs", status=status)]
        if taken >= mails and not unfinished:
            return []
        if time.monotonic() > deadline:
            missing = [f"{mails - taken} mails were not taken in."] if taken < mails else []
            return [*missing, *(f"Run {run.get('id')} of {run.get('playbook')} is still {run.get('status')}." for run in unfinished)]
        await asyncio.sleep(POLL_S)


def _failures(ended: Ended) -> list[str]:
    return [
        f"Run {run.get('id')} of {run.get('playbook')} failed: {run.get('reason')}" for run in ended.runs if run.get("status") == "failed"
    ]


async def _reports(wanted: Play, stage: Stage, remote: Remote, ended: Ended) -> list[Path]:
    first = wanted.report or stage.root / "report.html"
    written = []
    for number, case in enumerate(ended.cases):
        path = first if number == 0 else first.with_name(f"{first.stem}-{number + 1}{first.suffix}")
        page = await remote.http.get(f"/api/v1/cases/{quote(text(case.get('id')))}/report")
        page.raise_for_status()
        _write(path, page.text)
        written.append(path)
    return written


def _write(path: Path, what: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(what, "utf-8")
    except OSError as error:
        raise Invalid(f"'{path}' cannot be written: {error.strerror}.", hint="Choose another place.") from None


def _show(wanted: Play, console: Console, ended: Ended) -> None:
    titles = {text(alert.get("id")): text(alert.get("title")) for alert in ended.alerts}
    console.print()
    console.print(runs_table(ended.runs, titles))
    console.print()
    told = _most_telling(ended)
    if told:
        console.print(run_tree(ended.timelines[told]))
        console.print()
        if wanted.svg is not None:
            _write(wanted.svg, _drawn(ended.timelines[told]))
    console.print(Group(*(case_panel(case, ended) for case in ended.cases)))
    console.print(_sum(ended), highlight=False)
    for report in ended.reports:
        console.print(shown(f"Report: {report}"), markup=False, highlight=False, soft_wrap=True)


def _drawn(timeline: JsonObject) -> str:
    """Draw a run's timeline, without the fonts that Rich would have fetched from the internet by whoever looks at the picture."""
    paper = Console(record=True, file=io.StringIO(), width=PICTURE_WIDTH, force_terminal=True, color_system="truecolor")
    paper.print(run_tree(timeline))
    return re.sub(r"@font-face\s*\{[^}]*\}\s*", "", paper.export_svg(title="tocsin demo"))


def _sum(ended: Ended) -> str:
    actions = ended.actions
    parts = [
        f"{len(ended.alerts)} alerts ({ended.folded} more events folded into them)",
        f"{len(ended.runs)} runs",
        f"{ended.asked_by('email')} decisions by mail",
        *(f"{number} {effect} actions" for effect, number in actions.items()),
        f"{len(ended.contained)} things contained",
    ]
    return f"{', '.join(parts)}, in {ended.seconds:.1f} s."


def _most_telling(ended: Ended) -> str | None:
    """Return the run of the network playbook that asked somebody, else the one that did most."""
    ranked: Sequence[tuple[tuple[bool, bool, int], str]] = sorted(
        ((bool(run.get("asks")), run.get("playbook") == "network-intrusion", count(run.get("actions"))), text(run.get("id")))
        for run in ended.runs
    )
    return ranked[-1][1] if ranked else None


async def _stay(console: Console, running: Serving) -> None:
    import signal

    admin = running.server.admin
    stopping = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    console.print(
        f"\nIt stays up at {running.url}; sign in with {admin.token if admin else ''}\nCtrl-C ends the demo.",
        highlight=False,
        soft_wrap=True,
    )
    await stopping.wait()
