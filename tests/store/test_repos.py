import sqlite3
from dataclasses import replace
from datetime import timedelta

import pytest

from tocsin.core.access import Role
from tocsin.core.cases import Case, CaseStatus, Entry, EntryKind
from tocsin.core.errors import NotFound
from tocsin.core.ids import DEFAULT_WORKSPACE as W
from tocsin.core.ids import CaseId, KeyId, UserId, WorkspaceId
from tocsin.core.observables import ObservableType, observe
from tocsin.core.severity import Severity
from tocsin.core.tlp import Tlp
from tocsin.core.verdicts import Verdict
from tocsin.store.blobs import Blobs
from tocsin.store.errors import AlreadyExists
from tocsin.store.opening import DATABASE
from tocsin.store.repos.audit import AuditLine
from tocsin.store.repos.cases import CaseFilter
from tocsin.store.repos.keys import ApiKey
from tocsin.store.repos.lists import ListEntry
from tocsin.store.repos.outbox import Delivery
from tocsin.store.repos.people import Session, User

IP = observe(ObservableType.IP, "198.51.100.7")
DOMAIN = observe(ObservableType.DOMAIN, "c2.example")


@pytest.fixture
def write(store):
    return store.units.write_now


@pytest.fixture
def read(store):
    return store.units.read_now


@pytest.fixture
def user(clock):
    return User(UserId("usr_1"), W, "Ana", "Ana@Example.org", frozenset({Role.RESPONDER, Role.APPROVER}), clock())


def a_case(clock, number=1):
    opened = clock.pass_(seconds=1)
    return Case(
        CaseId(f"cas_{number}"),
        W,
        f"Case {number}",
        Severity.HIGH,
        CaseStatus.OPEN,
        Tlp.AMBER,
        "usr_1",
        Verdict.UNKNOWN,
        "",
        opened,
        tags=("x",),
    )


def test_a_case_is_kept_changed_and_found(write, read, clock):
    first, second = a_case(clock, 1), a_case(clock, 2)
    write(lambda tx: (tx.cases.add(first), tx.cases.add(second)))
    closed = replace(first, status=CaseStatus.CLOSED, verdict=Verdict.MALICIOUS, reason="contained", closed_at=clock())
    write(lambda tx: tx.cases.save(closed))
    assert read(lambda tx: tx.cases.get(first.id, workspace=W)) == closed
    assert read(lambda tx: tx.cases.find(workspace=W)).items == (second, closed)
    assert read(lambda tx: tx.cases.find(CaseFilter(statuses=frozenset({CaseStatus.OPEN})), workspace=W)).items == (second,)
    assert read(lambda tx: tx.cases.counts(workspace=W)) == {CaseStatus.OPEN: 1, CaseStatus.CLOSED: 1}
    with pytest.raises(NotFound):
        write(lambda tx: tx.cases.save(replace(first, id=CaseId("cas_9"))))


def test_a_timeline_keeps_the_order_of_telling(write, read, clock):
    case = a_case(clock)
    lines = [Entry(EntryKind.NOTE, clock() - timedelta(hours=n), "usr_1", f"line {n}", "ref", {"n": n}) for n in range(5)]
    write(lambda tx: (tx.cases.add(case), tx.cases.tell(case.id, lines[:2], workspace=W)))
    write(lambda tx: tx.cases.tell(case.id, lines[2:], workspace=W))
    assert read(lambda tx: tx.cases.timeline(case.id, workspace=W)) == lines
    assert read(lambda tx: tx.cases.timeline(case.id, workspace=WorkspaceId("other"))) == []
    with pytest.raises(NotFound):
        write(lambda tx: tx.cases.tell(case.id, lines, workspace=WorkspaceId("other")))


def test_a_case_gathers_its_own_observables_and_those_of_its_alerts(write, read, clock, incoming):
    case, alert = a_case(clock), incoming("a")

    def work(tx):
        tx.cases.add(case)
        tx.alerts.fold([alert])
        tx.alerts.set_case(alert.id, case.id, workspace=W)
        tx.observables.see([DOMAIN], workspace=W, at=clock())
        tx.observables.link_case(case.id, [DOMAIN, IP], workspace=W)

    write(work)
    assert [seen.observable for seen in read(lambda tx: tx.observables.of_case(case.id, workspace=W))] == [DOMAIN, IP]
    assert read(lambda tx: tx.observables.cases_with(DOMAIN, workspace=W)) == [case.id]
    assert [one.id for one in read(lambda tx: tx.alerts.of_case(case.id, workspace=W))] == [alert.id]


def test_an_etag_changes_with_the_list_and_when_an_entry_ends(write, read, clock):
    def etag():
        return read(lambda tx: tx.lists.etag("block", workspace=W, now=clock()))

    def entries():
        return [one.observable for one in read(lambda tx: tx.lists.entries("block", workspace=W, now=clock()))]

    tags = [etag()]
    one = ListEntry("block", IP, "c2", "contain", clock(), expires_at=clock() + timedelta(hours=24))
    assert write(lambda tx: tx.lists.put(one, workspace=W))
    tags.append(etag())
    assert write(lambda tx: tx.lists.put(ListEntry("block", DOMAIN, "c2", "usr_1", clock()), workspace=W))
    tags.append(etag())
    assert not write(lambda tx: tx.lists.put(replace(one, reason="again"), workspace=W))
    tags.append(etag())
    assert etag() == tags[-1]
    assert entries() == [DOMAIN, IP]
    clock.pass_(hours=24)
    tags.append(etag())
    assert entries() == [DOMAIN]
    assert write(lambda tx: tx.lists.purge(now=clock())) == 1
    tags.append(etag())
    assert entries() == [DOMAIN]
    assert write(lambda tx: tx.lists.remove("block", DOMAIN, workspace=W, at=clock()))
    assert not write(lambda tx: tx.lists.remove("block", DOMAIN, workspace=W, at=clock()))
    tags.append(etag())
    assert entries() == []
    assert len(set(tags)) == len(tags)
    assert read(lambda tx: tx.lists.names(workspace=W)) == ["block"]


def test_an_ended_entry_that_is_put_again_is_new(write, clock):
    one = ListEntry("block", IP, "c2", "contain", clock(), expires_at=clock() + timedelta(hours=1))
    write(lambda tx: tx.lists.put(one, workspace=W))
    later = clock.pass_(hours=2)
    assert write(lambda tx: tx.lists.put(replace(one, added_at=later, expires_at=None), workspace=W))


def test_a_user_is_found_by_address_in_any_case(write, read, user):
    write(lambda tx: tx.users.add(user))
    kept = replace(user, email="ana@example.org")
    assert read(lambda tx: tx.users.by_email("ANA@example.ORG", workspace=W)) == kept
    assert read(lambda tx: tx.users.with_role(Role.APPROVER, workspace=W)) == [kept]
    assert read(lambda tx: tx.users.with_role(Role.ADMIN, workspace=W)) == []
    with pytest.raises(AlreadyExists):
        write(lambda tx: tx.users.add(replace(user, id=UserId("usr_2"))))


def test_a_session_ends_by_time_by_sign_out_and_with_its_user(write, read, user, clock):
    session = Session("h" * 64, user.id, clock(), clock() + timedelta(hours=12), clock())
    write(lambda tx: (tx.users.add(user), tx.users.start_session(session)))
    found = read(lambda tx: tx.users.session(session.hash, now=clock()))
    assert found[0] == session
    assert found[1].id == user.id
    assert read(lambda tx: tx.users.session(session.hash, now=session.expires_at)) is None
    write(lambda tx: tx.users.save(replace(user, disabled_at=clock())))
    assert read(lambda tx: tx.users.session(session.hash, now=clock())) is None
    assert write(lambda tx: tx.users.end_sessions_of(user.id)) == 1


def test_a_key_is_valid_until_it_expires_or_is_revoked(write, read, clock):
    key = ApiKey(KeyId("key_1"), W, UserId("usr_1"), "sensor", "h", frozenset({Role.SENSOR}), clock(), clock() + timedelta(days=1))
    write(lambda tx: tx.keys.add(key))
    assert read(lambda tx: tx.keys.by_id(key.id)) == key
    assert key.is_valid(clock())
    assert not key.is_valid(clock() + timedelta(days=1))
    write(lambda tx: (tx.keys.touch(key.id, at=clock()), tx.keys.revoke(key.id, workspace=W, at=clock())))
    (kept,) = read(lambda tx: tx.keys.all(workspace=W))
    assert kept.used_at == clock()
    assert not kept.is_valid(clock())
    with pytest.raises(NotFound):
        write(lambda tx: tx.keys.revoke(key.id, workspace=WorkspaceId("other"), at=clock()))


def test_the_audit_log_can_only_grow(store, write, read, clock):
    line = AuditLine(W, clock(), "usr_1", "alert.close", "alert", "alr_1", {"why": "scanner"})
    write(lambda tx: [tx.audit.add(replace(line, ref=f"alr_{n}")) for n in range(5)])
    for change in ("update audit set actor = 'nobody'", "delete from audit"):
        with pytest.raises(sqlite3.IntegrityError, match="append-only"), sqlite3.connect(store.folder.path / DATABASE) as database:
            database.execute(change)
    first = read(lambda tx: tx.audit.find(workspace=W, limit=3))
    rest = read(lambda tx: tx.audit.find(workspace=W, limit=3, after=first.next))
    assert [one.ref for one in first.items + rest.items] == [f"alr_{n}" for n in (4, 3, 2, 1, 0)]
    assert read(lambda tx: tx.audit.find(workspace=W, ref="alr_2")).items == (replace(line, ref="alr_2"),)


def test_a_delivery_is_taken_by_one_sender_until_its_time_comes_again(write, read, clock):
    one = Delivery("dlv_1", W, "mail", "ask_1", "ana@example.org", {"subject": "Isolate?"}, clock())
    write(lambda tx: tx.outbox.add([one]))

    def claim():
        return write(lambda tx: tx.outbox.claim_due(clock(), until=clock() + timedelta(minutes=1)))

    (taken,) = claim()
    assert (taken.attempts, taken.body) == (1, one.body)
    assert claim() == []
    clock.pass_(minutes=1)
    assert [again.attempts for again in claim()] == [2]
    write(lambda tx: tx.outbox.retry("dlv_1", at=clock() + timedelta(hours=1), reason="421 later"))
    assert read(lambda tx: tx.outbox.next_due()) == clock() + timedelta(hours=1)
    clock.pass_(hours=1)
    assert len(claim()) == 1
    write(lambda tx: tx.outbox.sent("dlv_1", at=clock()))
    clock.pass_(days=1)
    assert claim() == []
    assert read(lambda tx: tx.outbox.about("ask_1", workspace=W))[0].sent_at is not None


def test_a_delivery_that_is_given_up_is_never_due(write, read, clock):
    write(lambda tx: tx.outbox.add([Delivery("dlv_1", W, "mail", "ask_1", "x", {}, clock())]))
    write(lambda tx: tx.outbox.fail("dlv_1", at=clock(), reason="550 no such user"))
    assert read(lambda tx: tx.outbox.next_due()) is None
    (kept,) = read(lambda tx: tx.outbox.about("ask_1", workspace=W))
    assert (kept.failed_at, kept.reason) == (clock(), "550 no such user")


def test_a_source_keeps_its_cursor_through_trouble(write, read, clock):
    write(lambda tx: tx.sources.move("mail", {"uid": 7}, workspace=W, at=clock()))
    write(lambda tx: tx.sources.trouble("mail", "refused", workspace=W, at=clock()))
    state = read(lambda tx: tx.sources.get("mail", workspace=W))
    assert (state.cursor, state.problem) == ({"uid": 7}, "refused")
    write(lambda tx: tx.sources.move("mail", {"uid": 8}, workspace=W, at=clock()))
    assert read(lambda tx: tx.sources.all(workspace=W))[0].problem == ""


def test_an_idempotency_key_remembers_even_nothing_until_purged(write, read, clock):
    write(lambda tx: tx.once.put("k", None, workspace=W, at=clock()))
    assert read(lambda tx: tx.once.get("k", workspace=W)) == (None,)
    assert read(lambda tx: tx.once.get("k", workspace=WorkspaceId("other"))) is None
    assert write(lambda tx: tx.once.purge(before=clock() + timedelta(seconds=1))) == 1
    assert read(lambda tx: tx.once.get("k", workspace=W)) is None


def test_equal_blobs_are_one_and_a_missing_one_is_named(tmp_path):
    blobs = Blobs(tmp_path / "blobs")
    digest = blobs.put(b"x" * 100)
    assert blobs.put(b"x" * 100) == digest
    assert blobs.get(digest) == b"x" * 100
    assert len(list((tmp_path / "blobs").glob("*/*"))) == 1
    with pytest.raises(NotFound, match="Restore"):
        blobs.get("0" * 64)
