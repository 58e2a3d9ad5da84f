"""Versions of playbooks in the store: numbers, states, publications, and the way to them from the first schema."""

import sqlite3
from dataclasses import replace

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from tocsin.core.errors import NotFound, PlaybookNotFound
from tocsin.core.ids import DEFAULT_WORKSPACE as W
from tocsin.core.ids import WorkspaceId
from tocsin.core.playbooks import Checks, Rehearsals, VersionState
from tocsin.store import upgrade
from tocsin.store.opening import DATABASE, open_store
from tocsin.store.repos.playbooks import PlaybookVersion


@pytest.fixture
def write(store):
    return store.units.write_now


@pytest.fixture
def read(store):
    return store.units.read_now


def a_version(clock, letter="a", playbook="contain", **more):
    return PlaybookVersion(
        workspace=W,
        playbook=playbook,
        digest=letter * 64,
        text=f"id: {playbook} # {letter}",
        title="Contain",
        author="ana",
        author_id="usr_1",
        saved_at=clock.pass_(seconds=1),
        **more,
    )


def saved(write, version):
    return write(lambda tx: tx.playbooks.save(version))


def find(read, ref, playbook="contain"):
    return read(lambda tx: tx.playbooks.find_version(playbook, ref, workspace=W))


def publish(write, clock, letter, **more):
    write(lambda tx: tx.playbooks.publish("contain", letter * 64, workspace=W, by="ana", at=clock(), **more))


def test_versions_are_numbered_by_playbook_and_kept_whole(write, read, clock):
    first = a_version(
        clock,
        message="Begin.",
        source="git:https://git.example/books",
        parent="9" * 64,
        calls={"notify": "8" * 64},
        checks=Checks(1, 2, 3, ({"code": "PB101", "span": {"line": 3}},)),
        rehearsal="cases: []",
        rehearsals=Rehearsals(3, 1, 0.75, ("case: went elsewhere",)),
    )
    assert saved(write, first) == (replace(first, number=1), True)
    assert saved(write, a_version(clock, "b"))[0].number == 2
    assert saved(write, a_version(clock, "c", playbook="other"))[0].number == 1
    assert find(read, "1") == replace(first, number=1)


def test_the_same_text_is_the_same_version(write, clock):
    first = a_version(clock)
    kept, _ = saved(write, first)
    again = replace(first, author="bo", saved_at=clock.pass_(hours=1))
    assert saved(write, again) == (kept, False)


def test_a_version_is_found_by_number_digest_and_place(write, read, clock):
    for letter in "abc":
        saved(write, a_version(clock, letter))
    publish(write, clock, "b")
    assert [find(read, ref).number for ref in ("2", "b" * 64, "c" * 8, "latest", "published")] == [2, 2, 3, 3, 2]
    for ref in ("4", "0", "d" * 64, "b" * 7, "B" * 64, "' OR 1=1", "%", "99999999999999999999"):
        with pytest.raises(NotFound, match="versions 1 to 3"):
            find(read, ref)
    with pytest.raises(NotFound):
        find(read, "1", playbook="other")


def test_a_beginning_that_two_digests_share_finds_neither(write, read, clock):
    for last in "01":
        saved(write, replace(a_version(clock), digest="a" * 63 + last))
    with pytest.raises(NotFound):
        find(read, "a" * 12)


def test_pages_of_versions_follow_each_other_latest_first(write, read, clock):
    for letter in "abcde":
        saved(write, a_version(clock, letter))
    numbers, after = [], None
    while True:
        page = read(lambda tx, after=after: tx.playbooks.versions("contain", workspace=W, limit=2, after=after))
        numbers.append([one.number for one in page.items])
        after = page.next
        if after is None:
            break
    assert numbers == [[5, 4], [3, 2], [1]]
    assert read(lambda tx: tx.playbooks.versions("contain", workspace=WorkspaceId("other"))).items == ()


def test_a_published_version_is_what_new_runs_take(write, read, clock):
    saved(write, a_version(clock, "a"))
    with pytest.raises(PlaybookNotFound):
        read(lambda tx: tx.playbooks.current("contain", workspace=W))
    saved(write, a_version(clock, "b", calls={"notify": "8" * 64}))
    publish(write, clock, "a")
    assert read(lambda tx: tx.playbooks.current("contain", workspace=W)).digest == "a" * 64
    assert write(lambda tx: tx.playbooks.enable("contain", False, workspace=W))
    assert not write(lambda tx: tx.playbooks.enable("contain", False, workspace=W))
    publish(write, clock, "b")
    (published,) = read(lambda tx: tx.playbooks.published(workspace=W))
    assert (published.digest, published.number, published.enabled) == ("b" * 64, 2, False)
    assert published.calls == {"notify": "8" * 64}
    with pytest.raises(PlaybookNotFound):
        write(lambda tx: tx.playbooks.publish("other", "b" * 64, workspace=W, by="ana", at=clock()))
    with pytest.raises(NotFound):
        write(lambda tx: tx.playbooks.enable("other", False, workspace=W))


def test_at_most_one_version_is_published_and_every_publication_is_remembered(write, read, clock):
    for letter in "ab":
        saved(write, a_version(clock, letter))
    publish(write, clock, "a")
    publish(write, clock, "b", kind="override", reason="urgent")
    publish(write, clock, "a", kind="rollback", reason="it blocked the proxy")
    states = [one.state for one in read(lambda tx: tx.playbooks.versions("contain", workspace=W)).items]
    assert states == [VersionState.SUPERSEDED, VersionState.PUBLISHED]
    told = read(lambda tx: tx.playbooks.publications("contain", workspace=W))
    assert [(one.seq, one.number, one.kind, one.reason) for one in told] == [
        (3, 1, "rollback", "it blocked the proxy"), (2, 2, "override", "urgent"), (1, 1, "publish", ""),
    ]  # fmt: skip


def test_a_review_and_a_later_proof_are_kept_with_the_version(write, read, clock):
    saved(write, a_version(clock))
    write(lambda tx: tx.playbooks.review("a" * 64, VersionState.REJECTED, workspace=W, by="bo", comment="No deadline.", at=clock()))
    rehearsals = Rehearsals(2, 0, 1.0)
    write(lambda tx: tx.playbooks.prove("a" * 64, workspace=W, checks=Checks(warnings=1), rehearsal="cases: [x]", rehearsals=rehearsals))
    found = find(read, "1")
    assert (found.state, found.reviewer, found.review, found.reviewed_at) == (VersionState.REJECTED, "bo", "No deadline.", clock())
    assert (found.checks.warnings, found.rehearsal, found.rehearsals) == (1, "cases: [x]", rehearsals)


def test_a_text_is_known_by_where_it_came_from(write, read, clock):
    version = a_version(clock, source="file")
    saved(write, version)
    assert read(lambda tx: tx.playbooks.has_text("contain", version.text, workspace=W, source="file"))
    assert not read(lambda tx: tx.playbooks.has_text("contain", version.text, workspace=W, source="api"))
    assert not read(lambda tx: tx.playbooks.has_text("contain", "id: contain", workspace=W, source="file"))


def test_versions_of_the_first_schema_get_numbers_and_keep_what_is_published(tmp_path):
    path = tmp_path / DATABASE
    engine = sa.create_engine(f"sqlite:///{path}")
    config = Config()
    config.set_main_option("script_location", str(upgrade.Path(upgrade.__file__).parent / "migrations"))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0002")
        for number, (digest, playbook, author) in enumerate(
            [("a", "x", "ana"), ("b", "x", "tocsin.yaml"), ("c", "y", "ana"), ("d", "x", "ana")]
        ):
            connection.exec_driver_sql(
                "INSERT INTO playbook_versions VALUES ('default', ?, ?, 'text', 'Title', ?, ?)", (digest * 64, playbook, author, number)
            )
        connection.exec_driver_sql("INSERT INTO playbooks VALUES ('default', 'x', ?, 'ana', 7, 1)", ("b" * 64,))
    engine.dispose()
    with open_store(tmp_path) as store:
        page = store.units.read_now(lambda tx: tx.playbooks.versions("x", workspace=W))
        told = store.units.read_now(lambda tx: tx.playbooks.publications("x", workspace=W))
        current = store.units.read_now(lambda tx: tx.playbooks.current("x", workspace=W))
    assert [(one.number, one.digest[0], one.state.value, one.source) for one in page.items] == [
        (3, "d", "superseded", "api"), (2, "b", "published", "file"), (1, "a", "superseded", "api"),
    ]  # fmt: skip
    assert [one.number for one in told] == [2]
    assert (current.text, current.title, current.calls) == ("text", "Title", {})
    with sqlite3.connect(path) as database:
        assert database.execute("select count(*) from sqlite_master where name like '%before%'").fetchone() == (0,)
