"""`tocsin rehearse --record`: a run in the store, or its timeline as a server tells it, becomes a case that plays."""

from pathlib import Path

from typer.testing import CliRunner

from tocsin.cli.application import application
from tocsin.core.ids import DEFAULT_WORKSPACE, RunId
from tocsin.engine.events import RunEvent, RunStarted
from tocsin.rehearsal.bundle import Reader
from tocsin.rehearsal.rehearse import rehearse
from tocsin.store.opening import open_store
from tocsin.store.repos.runs import Grown, NewRun

PLAYBOOK = """\
schema: tocsin/playbook@1
id: example
title: An example
triggers:
  - alert: ${{ alert.category == 'malware' }}
steps:
  - {id: a, action: observable.look_up, with: {type: ip, value: "${{ alert.src_endpoint.ip }}"}, retry: {attempts: 2, delay: 10s}}
  - {id: q, ask: {title: Close it?, to: [role:responder], deadline: 4h, on_deadline: reject}}
  - if: ${{ steps.q.answer == 'approve' }}
    then:
      - {id: b, action: alert.close, with: {verdict: benign, reason: "${{ steps.a.reason }}"}}
  - {id: w, wait: {event: webhook, webhook: done, deadline: 1d, on_deadline: continue}}
outputs: {answer: "${{ steps.q.answer }}"}
"""
CASES = """\
schema: tocsin/rehearsal@1
defaults: from-schema
cases:
  - name: One
    alert: {category: malware, src_endpoint: {ip: 203.0.113.7}, user: {name: Ben Miller}}
    answers:
      a:
        - {error: {kind: transient, message: Busy.}}
        - {returns: {reason: Ben Miller did it, verdict: benign}}
      b: [{unknown: The line went dead.}, {returns: {status: resolved}}]
    people: {q: {answer: approve, by: amira, after: 20m}}
    events: {w: {event: {ok: true}, after: 2h}}
    expect: {outcome: succeeded}
"""


def played(folder: Path) -> tuple[RunEvent, ...]:
    """Return the events of a run as it might have happened."""
    from tocsin.connectors.catalogue import PackCatalogue
    from tocsin.connectors.loader import BUILTIN, load_packs

    packs = load_packs([BUILTIN])
    (folder / "example.yaml").write_text(PLAYBOOK)
    (folder / "example.rehearsal.yaml").write_text(CASES)
    bundle = Reader(PackCatalogue(packs)).read(folder / "example.rehearsal.yaml")
    assert not bundle.has_errors, bundle.diagnostics
    assert bundle.rehearsal is not None
    assert bundle.plan is not None
    spec = lambda name: packs.action(name)[1].spec  # noqa: E731
    result = rehearse(bundle.rehearsal.cases[0], bundle.rehearsal, bundle.plan, plans=bundle.plans, spec=spec)
    assert result.is_good, result.differences
    assert result.played is not None
    (folder / "example.rehearsal.yaml").unlink()
    return result.played.events


def stored(folder: Path, events: tuple[RunEvent, ...]) -> str:
    started = events[0]
    assert isinstance(started, RunStarted)
    with open_store(folder / "data") as store:
        new = NewRun(RunId("run_1"), DEFAULT_WORKSPACE, started)
        store.units.write_now(lambda tx: tx.runs.insert_with_history(new, events[1:], grown=Grown(0, 0)))
    return str(folder / "data")


def test_a_run_of_the_store_is_appended_and_plays(tmp_path: Path) -> None:
    data = stored(tmp_path, played(tmp_path))
    runner, place = CliRunner(), str(tmp_path / "example.yaml")
    done = runner.invoke(application(), ["rehearse", place, "--record", "run_1", "--data", data])
    assert done.exit_code == 0, (done.output, done.exception)
    text = (tmp_path / "example.rehearsal.yaml").read_text()
    assert "Ben Miller" in text
    assert "b: attempt 2" in text
    again = runner.invoke(application(), ["rehearse", str(tmp_path / "example.rehearsal.yaml")])
    assert again.exit_code == 0, again.output


def test_anonymised_it_has_no_names_and_plays_all_the_same(tmp_path: Path) -> None:
    data = stored(tmp_path, played(tmp_path))
    runner, place = CliRunner(), str(tmp_path / "example.yaml")
    runner.invoke(application(), ["rehearse", place, "--record", "run_1", "--data", data, "--anonymise"])
    text = (tmp_path / "example.rehearsal.yaml").read_text()
    assert "Ben" not in text
    assert "run_1" not in text
    assert runner.invoke(application(), ["rehearse", place]).exit_code == 0
