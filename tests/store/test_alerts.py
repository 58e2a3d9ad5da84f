import threading
from datetime import timedelta

import pytest

from tocsin.core.alerts import AlertStatus
from tocsin.core.errors import Invalid, NotFound
from tocsin.core.ids import DEFAULT_WORKSPACE as W
from tocsin.core.ids import CaseId, WorkspaceId
from tocsin.core.observables import ObservableType, observe
from tocsin.core.severity import Severity
from tocsin.core.verdicts import Judgement, Verdict
from tocsin.store.blobs import LONGEST_INLINE
from tocsin.store.errors import AlreadyExists
from tocsin.store.repos.alerts import AlertFilter, AlertOrder

IP = observe(ObservableType.IP, "198.51.100.7")


def fold(store, *batch):
    return store.units.write_now(lambda tx: tx.alerts.fold(batch))


def get(store, id):
    return store.units.read_now(lambda tx: tx.alerts.get(id, workspace=W))


def test_a_new_finding_becomes_an_alert_that_reads_back_as_it_was(store, incoming):
    one = incoming("a", raw={"deep": [1, None, {"é": "\x00ü"}], "big": 2**60})
    (folded,) = fold(store, one)
    assert folded.is_new
    assert folded.alert == get(store, one.id)
    assert folded.alert.finding == one.finding


def test_equal_findings_fold_with_count_and_times(store, incoming, clock):
    early, late = clock() - timedelta(hours=1), clock() + timedelta(hours=1)
    first, second, third = incoming("a"), incoming("a", at=late), incoming("a", at=early)
    answers = fold(store, first) + fold(store, second, third)
    alert = get(store, first.id)
    assert [(a.id, a.is_new) for a in answers] == [(first.id, True), (first.id, False), (first.id, False)]
    assert (alert.count, alert.first_seen, alert.last_seen) == (3, early, late)


def test_equal_findings_of_one_batch_make_one_alert(store, incoming, clock):
    late = clock() + timedelta(hours=1)
    batch = [incoming("a"), incoming("b"), incoming("a", at=late)]
    answers = fold(store, *batch)
    assert [(a.id, a.is_new) for a in answers] == [(batch[0].id, True), (batch[1].id, True), (batch[0].id, False)]
    assert answers[0].alert == get(store, batch[0].id)
    assert answers[0].alert.count == 2


def test_a_resolved_alert_gets_a_successor_and_cannot_be_reopened_beside_it(store, incoming, clock):
    old, new = incoming("a"), incoming("a")
    fold(store, old)
    store.units.write_now(lambda tx: tx.alerts.close(old.id, workspace=W, verdict=Verdict.BENIGN, reason="scanner", at=clock()))
    (answer,) = fold(store, new)
    assert (answer.id, answer.is_new) == (new.id, True)
    closed = get(store, old.id)
    assert (closed.status, closed.verdict, closed.reason, closed.count) == (AlertStatus.RESOLVED, Verdict.BENIGN, "scanner", 1)
    with pytest.raises(AlreadyExists):
        store.units.write_now(lambda tx: tx.alerts.set_status(old.id, AlertStatus.NEW, workspace=W))


def test_folding_is_exact_under_eight_threads(store, incoming):
    findings = [incoming(f"f{n % 100}") for n in range(1000)]
    answers = []

    def work(part):
        for one in part:
            answers.extend(fold(store, one))

    threads = [threading.Thread(target=work, args=(findings[n::8],)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    alerts = store.units.read_now(lambda tx: tx.alerts.find(workspace=W, limit=500)).items
    assert sum(a.is_new for a in answers) == len(alerts) == 100
    assert {a.count for a in alerts} == {10}
    assert store.units.read_now(lambda tx: tx.observables.get(IP, workspace=W)).count == 1000


def test_pages_by_key_show_every_alert_once_while_others_come(store, incoming):
    first = {a.id for a in fold(store, *(incoming(f"f{n}", severity=list(Severity)[n % 7]) for n in range(25)))}
    for order in AlertOrder:
        seen, cursor, turn = [], None, 0
        while True:
            page = store.units.read_now(lambda tx, c=cursor, o=order: tx.alerts.find(workspace=W, order=o, limit=4, after=c))
            seen += [a.id for a in page.items]
            fold(store, incoming(f"later{order}{turn}"))
            cursor, turn = page.next, turn + 1
            if cursor is None or turn > 60:
                break
        assert len(seen) == len(set(seen)), order
        assert first <= set(seen), order


def test_order_by_severity_puts_the_gravest_first(store, incoming):
    fold(store, incoming("a", severity=Severity.LOW), incoming("b", severity=Severity.CRITICAL), incoming("c", severity=Severity.LOW))
    page = store.units.read_now(lambda tx: tx.alerts.find(workspace=W, order=AlertOrder.SEVERITY))
    assert [a.fingerprint for a in page.items] == ["b", "c", "a"]


def test_a_cursor_of_another_list_is_refused(store):
    with pytest.raises(Invalid, match="cursor"):
        store.units.read_now(lambda tx: tx.alerts.find(workspace=W, order=AlertOrder.SEVERITY, after="alr_1"))
    with pytest.raises(Invalid, match="1 to 500"):
        store.units.read_now(lambda tx: tx.alerts.find(workspace=W, limit=501))


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        (AlertFilter(), {"a", "b", "c"}),
        (AlertFilter(statuses=frozenset({AlertStatus.IN_PROGRESS})), {"a"}),
        (AlertFilter(severity_at_least=Severity.HIGH), {"a", "b"}),
        (AlertFilter(sources=frozenset({"other"})), set()),
        (AlertFilter(verdicts=frozenset({Verdict.MALICIOUS})), {"b"}),
        (AlertFilter(case=CaseId("cas_1")), {"a"}),
        (AlertFilter(observable=IP), {"a", "b", "c"}),
        (AlertFilter(observable=observe(ObservableType.IP, "192.0.2.1")), set()),
        (AlertFilter(text="100%_"), {"c"}),
        (AlertFilter(text="beacon"), {"a", "b"}),
    ],
)
def test_filters(store, incoming, where, expected):
    batch = [incoming("a"), incoming("b"), incoming("c", title="Used 100%_ of it", severity=Severity.LOW)]
    fold(store, *batch)

    def change(tx):
        tx.alerts.set_case(batch[0].id, CaseId("cas_1"), workspace=W)
        tx.alerts.set_verdict(batch[1].id, Verdict.MALICIOUS, workspace=W)

    store.units.write_now(change)
    assert {a.fingerprint for a in store.units.read_now(lambda tx: tx.alerts.find(where, workspace=W)).items} == expected


def test_counts_by_status_and_severity(store, incoming):
    batch = [incoming("a"), incoming("b"), incoming("c", severity=Severity.LOW)]
    fold(store, *batch)
    store.units.write_now(lambda tx: tx.alerts.set_status(batch[0].id, AlertStatus.SUPPRESSED, workspace=W))
    assert store.units.read_now(lambda tx: tx.alerts.counts(workspace=W)) == {
        (AlertStatus.SUPPRESSED, Severity.HIGH): 1,
        (AlertStatus.NEW, Severity.HIGH): 1,
        (AlertStatus.NEW, Severity.LOW): 1,
    }


def test_nothing_crosses_a_workspace(store, incoming):
    one = incoming("a")
    fold(store, one)
    other = WorkspaceId("other")
    assert store.units.read_now(lambda tx: tx.alerts.find(workspace=other)).items == ()
    with pytest.raises(NotFound):
        store.units.read_now(lambda tx: tx.alerts.get(one.id, workspace=other))
    with pytest.raises(NotFound):
        store.units.write_now(lambda tx: tx.alerts.set_verdict(one.id, Verdict.BENIGN, workspace=other))


def test_long_raw_events_lie_in_blobs_and_read_back(store, incoming):
    one = incoming("a", raw={"payload": "x" * (LONGEST_INLINE + 1)})
    fold(store, one)
    assert get(store, one.id).finding.raw == one.finding.raw
    assert len(list((store.folder.path / "blobs").glob("*/*"))) == 1


def test_text_that_is_no_unicode_is_kept_and_comes_back_harmless(store, incoming):
    one = incoming("a", title="bad \ud800 and nul \x00", raw={"x": "\udfff", "y": "line\nnot json {"})
    fold(store, one)
    finding = get(store, one.id).finding
    assert finding.title == "bad ? and nul \ufffd"
    assert finding.raw == {"x": "?", "y": "line\nnot json {"}
    text = store.units.read_now(lambda tx: tx.alerts._sql.row("select raw from alerts", {}).raw)
    assert "\\udfff" in text, "the original can still be told"


def test_observables_are_judged_and_found_again(store, incoming, clock):
    one = incoming("a")
    fold(store, one)
    first = Judgement(Verdict.SUSPICIOUS, "feed", "listed", clock())
    second = Judgement(Verdict.BENIGN, "usr_1", "our scanner", clock.pass_(minutes=1))

    def judge(tx):
        tx.observables.judge(IP, first, workspace=W)
        tx.observables.judge(IP, second, workspace=W)

    store.units.write_now(judge)
    seen = store.units.read_now(lambda tx: tx.observables.get(IP, workspace=W))
    assert (seen.judgement, seen.count) == (second, 1)
    assert store.units.read_now(lambda tx: tx.observables.judgements(IP, workspace=W)) == [second, first]
    assert store.units.read_now(lambda tx: tx.observables.alerts_with(IP, workspace=W)) == [one.id]
