"""`tocsin sync` and `tocsin playbooks`: real processes, a real server, a real git repository."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tocsin.core.errors import TocsinError

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="the program git is not installed")

COUNT = """\
schema: tocsin/playbook@1
id: count-it
title: Count
inputs:
  least: {type: integer, default: 3}
steps:
  - id: sum
    set: {total: "${{ inputs.least + 1 }}"}
outputs: {total: "${{ steps.sum.total }}"}
"""
CALLER = """\
schema: tocsin/playbook@1
id: caller
title: Call
steps:
  - id: counted
    call: count-it
"""
GREEN = """\
schema: tocsin/rehearsal@1
cases:
  - name: counts
    inputs: {least: 3}
    expect: {outcome: succeeded, outputs: {total: 4}}
"""
WRONG = COUNT.replace("inputs.least +", "inputs.lest +")


class Repo:
    """A git repository with playbooks."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        self.git("init", "--quiet", "--initial-branch=main")

    def git(self, *arguments: str) -> str:
        environ = {**os.environ, "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1"}
        options = ["-c", "user.name=Ana", "-c", "user.email=ana@example.org"]
        ran = subprocess.run(["git", "-C", str(self.folder), *options, *arguments], capture_output=True, text=True, check=True, env=environ)
        return ran.stdout.strip()

    def commit(self, message: str, **files: str | None) -> str:
        for name, text in files.items():
            file = self.folder / (name.replace("__", ".").replace("_", "-") + ".yaml")
            if text is None:
                file.unlink()
            else:
                file.write_text(text)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "-m", message)
        return self.git("rev-parse", "HEAD")


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    made = Repo(tmp_path / "books")
    made.commit("Count and call", count_it=COUNT, count_it__rehearsal=GREEN, caller=CALLER)
    return made


def tocsin(*arguments: str, cwd: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    wanted = {**os.environ, "XDG_CACHE_HOME": str(cwd / "cache"), "COLUMNS": "160", **environ}
    wanted.pop("TOCSIN_URL", None)
    return subprocess.run(
        [sys.executable, "-m", "tocsin.cli", *arguments], capture_output=True, text=True, timeout=100, cwd=cwd, env=wanted, check=False,
        stdin=subprocess.DEVNULL,
    )  # fmt: skip


@contextmanager
def up(folder: Path, **more: object) -> Iterator[dict[str, str]]:
    config = folder / "tocsin.yaml"
    config.write_text(json.dumps({"data": str(folder / "data"), **more}))
    process = subprocess.Popen(
        [sys.executable, "-m", "tocsin.cli", "up", "--config", str(config), "--port", "0", "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, process.stderr.read() if process.stderr else ""
        yield json.loads(line)
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data folder with a database over which no server runs."""
    from tocsin.store.opening import open_store

    open_store(tmp_path / "data").close()
    return tmp_path / "data"


def sync(cwd: Path, *arguments: str) -> dict[str, object]:
    ran = tocsin("sync", *arguments, "--data", str(cwd / "data"), "--json", cwd=cwd)
    assert ran.returncode in (0, 1), ran.stderr
    assert ran.stderr == ""
    return json.loads(ran.stdout)


def changes(done: dict[str, object]) -> dict[str, str]:
    return {one["id"]: one["change"] for one in done["items"]}  # type: ignore[attr-defined]


def published(cwd: Path) -> dict[str, tuple[int, bool]]:
    from tocsin.core.ids import DEFAULT_WORKSPACE
    from tocsin.store.opening import open_store

    with open_store(cwd / "data") as store:
        found = store.units.read_now(lambda tx: tx.playbooks.published(workspace=DEFAULT_WORKSPACE))
    return {one.playbook: (one.number, one.enabled) for one in found}


def test_a_repository_is_published_by_a_running_server_with_its_commit_as_the_message(tmp_path: Path, repo: Repo) -> None:
    commit = repo.git("rev-parse", "HEAD")
    with up(tmp_path) as ready:
        server = ("--url", ready["url"], "--token", ready["token"])
        dry = tocsin("sync", str(repo.folder), "--dry-run", *server, cwd=tmp_path)
        assert dry.returncode == 0, dry.stderr
        assert "2 new. Nothing was published, as this is a dry run." in dry.stdout
        ran = tocsin("sync", str(repo.folder), *server, cwd=tmp_path)
        assert ran.returncode == 0, ran.stderr
        assert "2 published" in ran.stdout
        assert "+ count-it" in ran.stdout
        history = json.loads(tocsin("playbooks", "history", "count-it", "--json", *server, cwd=tmp_path).stdout)
        (version,) = history["items"]
        assert (version["message"], version["source"]) == (f"{commit} Count and call", f"git:{repo.folder}")
        assert version["rehearsals"]["passed"] == 1
        client = httpx.Client(base_url=ready["url"], headers={"authorization": f"Bearer {ready['token']}"})
        run = client.post("/api/v1/runs", json={"playbook": "caller"}).json()["id"]
        repo.commit("Count further", count_it=COUNT.replace("+ 1", "+ 2"), count_it__rehearsal=GREEN.replace("total: 4", "total: 5"))
        again = tocsin("sync", str(repo.folder), *server, cwd=tmp_path)
        assert again.returncode == 0, again.stderr
        assert "inputs.least + 2" in again.stdout
        assert "↻ caller" in again.stdout
        assert client.get(f"/api/v1/runs/{run}").json()["digest"] == client.get("/api/v1/playbooks/caller/versions/1").json()["digest"]
        shown = tocsin("playbooks", "diff", "count-it", "1", "2", *server, cwd=tmp_path)
        assert "version 1 → 2" in shown.stdout
        back = tocsin("playbooks", "rollback", "count-it", "--reason", "too far", *server, cwd=tmp_path)
        assert (back.returncode, back.stdout) == (0, "Version 1 of count-it is published.\n")
        assert "rolled back to 1: too far" in tocsin("playbooks", "history", "count-it", *server, cwd=tmp_path).stdout
        assert tocsin("playbooks", "disable", "count-it", *server, cwd=tmp_path).stdout == "count-it is disabled.\n"
        assert "disabled" in tocsin("playbooks", "list", *server, cwd=tmp_path).stdout
        assert tocsin("playbooks", "show", "count-it", "2", *server, cwd=tmp_path).stdout.count("inputs.least + 2") == 1


def test_two_people_take_a_file_from_draft_to_publication(tmp_path: Path) -> None:
    (tmp_path / "count-it.yaml").write_text(COUNT)
    with up(tmp_path) as ready:
        client = httpx.Client(base_url=ready["url"], headers={"authorization": f"Bearer {ready['token']}"})

        def key(name: str, role: str) -> tuple[str, str, str, str]:
            id = client.post("/api/v1/people", json={"name": name, "roles": [role]}).json()["id"]
            token = client.post(f"/api/v1/people/{id}/keys", json={"name": "cli"}).json()["token"]
            return "--url", ready["url"], "--token", token

        ana, bo = key("ana", "author"), key("bo", "approver")
        saved = tocsin("playbooks", "save", "count-it.yaml", "-m", "Count.", *ana, cwd=tmp_path)
        assert (saved.returncode, saved.stdout) == (0, "Version 1 of count-it is draft: no errors.\n")
        assert tocsin("playbooks", "publish", "count-it", *ana, cwd=tmp_path).returncode == 2
        assert tocsin("playbooks", "submit", "count-it", *ana, cwd=tmp_path).stdout == "Version 1 of count-it is in review.\n"
        refused = tocsin("playbooks", "approve", "count-it", "1", *ana, cwd=tmp_path)
        assert (refused.returncode, "Somebody else must review it" in refused.stderr) == (2, True)
        assert tocsin("playbooks", "approve", "count-it", "1", *bo, cwd=tmp_path).stdout == "Version 1 of count-it is approved.\n"
        assert tocsin("playbooks", "publish", "count-it", *ana, cwd=tmp_path).stdout == "Version 1 of count-it is published.\n"


def test_a_data_folder_without_a_server_takes_a_repository_too(tmp_path: Path, repo: Repo, data: Path) -> None:
    assert changes(sync(tmp_path, str(repo.folder))) == {"count-it": "new", "caller": "new"}
    assert changes(sync(tmp_path, str(repo.folder))) == {"count-it": "unchanged", "caller": "unchanged"}
    assert published(tmp_path) == {"count-it": (1, True), "caller": (1, True)}


def test_a_repository_with_anything_red_publishes_nothing(tmp_path: Path, repo: Repo, data: Path) -> None:
    repo.commit("Break", count_it=WRONG)
    ran = tocsin("sync", str(repo.folder), "--data", str(data), cwd=tmp_path)
    assert ran.returncode == 1
    assert "Nothing was published" in ran.stdout
    assert "count-it.yaml:8:" in ran.stdout
    repo.commit("Mend the text, not the rehearsal", count_it=COUNT.replace("+ 1", "+ 7"))
    red = tocsin("sync", str(repo.folder), "--data", str(data), cwd=tmp_path)
    assert red.returncode == 1
    assert "✗ counts:" in red.stdout
    assert published(tmp_path) == {}


def test_what_is_gone_is_disabled_only_with_prune(tmp_path: Path, repo: Repo, data: Path) -> None:
    sync(tmp_path, str(repo.folder))
    repo.commit("Drop the caller", caller=None)
    kept = tocsin("sync", str(repo.folder), "--data", str(data), cwd=tmp_path)
    assert "stays; --prune disables it" in kept.stdout
    assert published(tmp_path)["caller"] == (1, True)
    sync(tmp_path, str(repo.folder), "--prune")
    assert published(tmp_path) == {"count-it": (1, True), "caller": (1, False)}


def test_a_ref_pins_what_is_published(tmp_path: Path, repo: Repo, data: Path) -> None:
    first = repo.git("rev-parse", "HEAD")
    repo.git("tag", "-a", "v1", "-m", "one")
    repo.commit("Count further", count_it=COUNT.replace("+ 1", "+ 2"), count_it__rehearsal=GREEN.replace("total: 4", "total: 5"))
    for ref in (first, "v1"):
        assert str(sync(tmp_path, str(repo.folder), "--ref", ref)["message"]).startswith(f"{first} ")
    assert published(tmp_path)["count-it"] == (1, True)
    assert changes(sync(tmp_path, str(repo.folder), "--ref", "main")) == {"count-it": "changed", "caller": "repinned"}
    for ref in ("nothing", "--upload-pack=touch x", "a..b", "0" * 40):
        ran = tocsin("sync", str(repo.folder), f"--ref={ref}", "--data", str(data), cwd=tmp_path)
        assert (ran.returncode, "--ref" in ran.stderr) == (2, True), (ref, ran.stderr)


def test_what_is_not_committed_is_not_published(tmp_path: Path, repo: Repo, data: Path) -> None:
    (repo.folder / "count-it.yaml").write_text(WRONG)
    (repo.folder / "more.yaml").write_text("{")
    assert changes(sync(tmp_path, str(repo.folder))) == {"count-it": "new", "caller": "new"}


def test_only_the_folder_that_is_named_is_read(tmp_path: Path, repo: Repo, data: Path) -> None:
    (repo.folder / "soar/books").mkdir(parents=True)
    (repo.folder / "soar/books/other.yaml").write_text(COUNT.replace("count-it", "other"))
    repo.commit("Another")
    done = sync(tmp_path, str(repo.folder), "--path", "soar/books/")
    assert (changes(done), done["source"]) == ({"other": "new"}, f"git:{repo.folder}#soar/books")
    for path in ("../books", "nothing"):
        ran = tocsin("sync", str(repo.folder), "--path", path, "--data", str(data), cwd=tmp_path)
        assert (ran.returncode, "--path" in ran.stderr) == (2, True), ran.stderr


def test_a_plain_folder_is_a_place_too(tmp_path: Path, data: Path) -> None:
    folder = tmp_path / "plain"
    (folder / "deep").mkdir(parents=True)
    (folder / "deep/count-it.yaml").write_text(COUNT)
    (folder / ".hidden").mkdir()
    (folder / ".hidden/x.yaml").write_text("{")
    (folder / "notes.md").write_text("# Notes")
    done = sync(tmp_path, "plain", "-m", "By hand.")
    assert (changes(done), done["source"], done["message"]) == ({"count-it": "new"}, f"folder:{folder}", "By hand.")


# -- what a repository or folder must not do ---------------------------------------------------------------------------------


def refused(tmp_path: Path, place: str) -> str:
    """Return why a place is refused; read in this process, for speed."""
    from tocsin.cli.sync import bring

    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path)
        patch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
        with pytest.raises(TocsinError) as raised:
            bring(place, ref="HEAD", path="", message="")
    assert raised.value.hint
    return str(raised.value)


def test_a_refusal_is_a_sentence_and_exit_code_2(tmp_path: Path, data: Path) -> None:
    (tmp_path / "evil").mkdir()
    (tmp_path / "evil/count\x1b[2Jit.yaml").write_text(COUNT)
    ran = tocsin("sync", "evil", "--data", str(data), cwd=tmp_path)
    assert (ran.returncode, ran.stdout, "small letters" in ran.stderr, "\x1b" in ran.stderr) == (2, "", True, False)
    assert published(tmp_path) == {}


@pytest.mark.parametrize("as_repository", [True, False], ids=["repository", "folder"])
class TestHostileContents:
    def place(self, tmp_path: Path, as_repository: bool) -> Path:
        if as_repository:
            return Repo(tmp_path / "evil").folder
        (tmp_path / "evil").mkdir()
        return tmp_path / "evil"

    def told(self, tmp_path: Path, folder: Path, as_repository: bool) -> str:
        if as_repository:
            repo = Repo.__new__(Repo)
            repo.folder = folder
            repo.commit("Evil")
        return refused(tmp_path, str(folder))

    def test_a_link_out_of_the_tree_is_refused(self, tmp_path: Path, as_repository: bool) -> None:
        folder = self.place(tmp_path, as_repository)
        (tmp_path / "secret.yaml").write_text("password: x")
        (folder / "count-it.yaml").symlink_to("../secret.yaml")
        assert "symbolic link" in self.told(tmp_path, folder, as_repository)

    def test_a_huge_file_is_refused(self, tmp_path: Path, as_repository: bool) -> None:
        folder = self.place(tmp_path, as_repository)
        (folder / "count-it.yaml").write_bytes(b"#" * (300 * 1024))
        assert "262144" in self.told(tmp_path, folder, as_repository)

    @pytest.mark.parametrize("name", ["Count It", "count\x1b[2Jit", "count\nit", "zä", "a;b", "$(id)"])
    def test_an_odd_name_is_refused_and_never_obeyed(self, tmp_path: Path, as_repository: bool, name: str) -> None:
        folder = self.place(tmp_path, as_repository)
        (folder / f"{name}.yaml").write_text(COUNT)
        told = self.told(tmp_path, folder, as_repository)
        assert "small letters" in told
        assert "\x1b" not in told

    def test_bytes_that_are_no_text_are_refused(self, tmp_path: Path, as_repository: bool) -> None:
        folder = self.place(tmp_path, as_repository)
        (folder / "count-it.yaml").write_bytes(b"id: \xff\xfe")
        assert "UTF-8" in self.told(tmp_path, folder, as_repository)

    def test_one_playbook_in_two_files_is_refused(self, tmp_path: Path, as_repository: bool) -> None:
        folder = self.place(tmp_path, as_repository)
        (folder / "a").mkdir()
        for name in ("count-it.yaml", "a/count-it.yaml"):
            (folder / name).write_text(COUNT)
        assert "same playbook" in self.told(tmp_path, folder, as_repository)

    def test_rehearsals_without_a_playbook_are_refused(self, tmp_path: Path, as_repository: bool) -> None:
        folder = self.place(tmp_path, as_repository)
        (folder / "count-it.yaml").write_text(COUNT)
        (folder / "other.rehearsal.yaml").write_text(GREEN)
        assert "other.rehearsal.yaml" in self.told(tmp_path, folder, as_repository)

    def test_nothing_at_all_is_said(self, tmp_path: Path, as_repository: bool) -> None:
        folder = self.place(tmp_path, as_repository)
        assert "no playbook here" in self.told(tmp_path, folder, as_repository)


def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    (tmp_path / "evil").mkdir()
    os.mkfifo(tmp_path / "evil/count-it.yaml")
    assert "plain file" in refused(tmp_path, str(tmp_path / "evil"))


def test_a_submodule_that_is_called_as_a_playbook_is_refused(tmp_path: Path, repo: Repo) -> None:
    evil = Repo(tmp_path / "evil")
    evil.commit("Begin", count_it=COUNT)
    evil.git("update-index", "--add", "--cacheinfo", f"160000,{repo.git('rev-parse', 'HEAD')},sub.yaml")
    evil.git("commit", "--quiet", "-m", "Submodule")
    assert "plain file" in refused(tmp_path, str(evil.folder))


def test_no_program_of_a_repository_runs(tmp_path: Path, repo: Repo, data: Path) -> None:
    trap = f"#!/bin/sh\ntouch {tmp_path}/sprung\ncat\n"
    for name in ("post-checkout", "reference-transaction", "post-merge", "pre-receive"):
        hook = repo.folder / ".git/hooks" / name
        hook.parent.mkdir(exist_ok=True)
        hook.write_text(trap)
        hook.chmod(0o755)
    (repo.folder / ".gitattributes").write_text("*.yaml filter=trap diff=trap\n")
    repo.commit("Attributes")
    program = tmp_path / "trap"
    program.write_text(trap)
    program.chmod(0o755)
    for name in ("filter.trap.smudge", "filter.trap.clean", "core.fsmonitor", "core.sshCommand", "uploadpack.packObjectsHook"):
        repo.git("config", name, str(program))
    (tmp_path / "sprung").unlink(missing_ok=True)
    assert changes(sync(tmp_path, str(repo.folder))) == {"count-it": "new", "caller": "new"}
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize(
    "place",
    [
        "http://git.example/books",
        "ext::sh -c touch% /tmp/sprung",
        "ftp://git.example/books",
        "file:///nowhere/books",
        "https+x://git.example/books",
        "books\x1b[2J",
        "nowhere",
    ],
)
def test_an_address_that_git_is_not_let_near_is_refused(tmp_path: Path, place: str) -> None:
    told = refused(tmp_path, place)
    assert "\x1b" not in told


def test_a_password_in_an_address_is_not_told(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    told = refused(tmp_path, f"https://ana:hunter2@127.0.0.1:{port}/books")
    assert "hunter2" not in told
    assert f"https://127.0.0.1:{port}/books cannot be fetched" in told


def test_a_server_that_redirects_to_a_file_or_another_protocol_is_not_followed(tmp_path: Path, repo: Repo, data: Path) -> None:
    asked = []

    def serve(listener: socket.socket) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                asked.append(connection.recv(4096).split(b"\r\n")[0])
                connection.sendall(f"HTTP/1.1 302 Found\r\nLocation: file://{repo.folder}\r\nContent-Length: 0\r\n\r\n".encode())

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, args=(listener,), daemon=True)
        thread.start()
        port = listener.getsockname()[1]
        # The user's own settings may turn an address into another; what that one may do stays bounded.
        home = tmp_path / "home"
        home.mkdir()
        (home / ".gitconfig").write_text(f'[url "http://127.0.0.1:{port}/"]\n\tinsteadOf = https://books.example/\n')
        ran = tocsin("sync", "https://books.example/x", "--data", str(data), cwd=tmp_path, HOME=str(home))
        listener.shutdown(socket.SHUT_RDWR)
    assert ran.returncode == 2
    assert asked == []  # not even http: only https, ssh and git
    assert published(tmp_path) == {}


def test_without_git_it_is_said_what_to_do(tmp_path: Path, repo: Repo, data: Path) -> None:
    (tmp_path / "bin").mkdir()
    ran = tocsin("sync", str(repo.folder), "--data", str(data), cwd=tmp_path, PATH=str(tmp_path / "bin"))
    assert ran.returncode == 2
    assert "`git` is not installed" in ran.stderr


def test_a_folder_with_no_database_is_not_made_one(tmp_path: Path, repo: Repo) -> None:
    ran = tocsin("sync", str(repo.folder), "--data", str(tmp_path / "nothing"), cwd=tmp_path)
    assert (ran.returncode, "No server runs" in ran.stderr) == (2, True)
    assert not (tmp_path / "nothing").exists()


# -- files at a start --------------------------------------------------------------------------------------------------------


def test_files_of_a_start_pin_callees_first_and_a_changed_callee_gives_a_new_version_of_its_caller(tmp_path: Path) -> None:
    folder = tmp_path / "books"
    folder.mkdir()
    (folder / "caller.yaml").write_text(CALLER)
    (folder / "count-it.yaml").write_text(COUNT)
    token = ""
    for number, text in ((1, COUNT), (1, COUNT), (2, COUNT.replace("+ 1", "+ 2"))):
        (folder / "count-it.yaml").write_text(text)
        with up(tmp_path, playbooks=[str(folder)]) as ready:
            token = ready["token"] or token  # told at the first start only
            client = httpx.Client(base_url=ready["url"], headers={"authorization": f"Bearer {token}"})
            found = client.get("/api/v1/playbooks/caller/versions/published").json()
            assert (found["number"], found["source"], found["author"]) == (number, "file", "tocsin.yaml")
            assert found["calls"] == {"count-it": client.get("/api/v1/playbooks/count-it").json()["digest"]}


def test_a_roll_back_outlives_a_restart_until_the_file_changes(tmp_path: Path) -> None:
    file = tmp_path / "count-it.yaml"
    file.write_text(COUNT)
    with up(tmp_path, playbooks=[str(file)]) as ready:
        token = ready["token"]
    file.write_text(COUNT.replace("+ 1", "+ 2"))

    def number(*path: str) -> int:
        with up(tmp_path, playbooks=[str(file)]) as ready:
            client = httpx.Client(base_url=ready["url"], headers={"authorization": f"Bearer {token}"})
            for one in path:
                assert client.post(f"/api/v1/playbooks/count-it/{one}", json={}).status_code == 200
            return client.get("/api/v1/playbooks/count-it").json()["number"]

    assert number("rollback") == 1
    assert number() == 1
    file.write_text(COUNT.replace("+ 1", "+ 3"))
    assert number() == 3
