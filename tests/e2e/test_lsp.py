"""The language server as an editor talks to it: a process, JSON-RPC over its stdin and stdout."""

import json
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SECONDS = 30.0
TEXT = """\
schema: tocsin/playbook@1
id: triage
title: Triage
triggers:
  - alert: ${{ alert.category == 'x' }}
steps:
  - id: known
    action: observable.look_up
    with: {type: ip, value: 192.0.2.7}
  - if: ${{ steps.known.sightings > 3 }}
    then:
      - action: case.note
        with: {text: "😀 ${{ steps.known.verdict }}"}
  - call: notify
    with: {user: amira}
"""
NOTIFY = """\
schema: tocsin/playbook@1
id: notify
title: Notify
inputs:
  user: {type: string}
steps:
  - action: case.note
    with: {text: "${{ inputs.user }}"}
"""


class Editor:
    """A small client: sends requests and notifications, and keeps what the server says."""

    def __init__(self, process: "subprocess.Popen[bytes]", folder: Path) -> None:
        self.process, self.folder = process, folder
        self.answers: queue.Queue[dict[str, object]] = queue.Queue()
        self.said: list[dict[str, object]] = []
        self.last = 0
        threading.Thread(target=self._listen, daemon=True).start()

    def uri(self, name: str) -> str:
        return (self.folder / name).as_uri()

    def notify(self, method: str, **params: object) -> None:
        self._send({"method": method, "params": params})

    def ask(self, method: str, **params: object) -> object:
        answer = self.answer(method, **params)
        assert "error" not in answer, answer
        return answer["result"]

    def answer(self, method: str, **params: object) -> dict[str, object]:
        self.last += 1
        self._send({"id": self.last, "method": method, "params": params})
        deadline = time.monotonic() + SECONDS
        while True:
            message = self.answers.get(timeout=max(0.1, deadline - time.monotonic()))
            if message.get("id") == self.last and "method" not in message:
                return message
            self.said.append(message)

    def open(self, name: str, text: str) -> None:
        self.notify("textDocument/didOpen", textDocument={"uri": self.uri(name), "languageId": "yaml", "version": 1, "text": text})

    def change(self, name: str, text: str, version: int) -> None:
        changes = [{"text": text}]
        self.notify("textDocument/didChange", textDocument={"uri": self.uri(name), "version": version}, contentChanges=changes)

    def diagnostics(self, name: str, version: int | None = 1) -> list[dict[str, object]]:
        """Wait for what is said of one version of a document."""
        deadline = time.monotonic() + SECONDS
        while True:
            for message in self.said:
                params = _published(message)
                if params.get("uri") == self.uri(name) and params.get("version") == version:
                    self.said.remove(message)
                    found = params["diagnostics"]
                    assert isinstance(found, list)
                    return found
            self.said.append(self.answers.get(timeout=max(0.1, deadline - time.monotonic())))

    def at(self, name: str, text: str, needle: str) -> dict[str, object]:
        """Name the place of `^` in a part of a text, in UTF-16 units."""
        offset = text.index(needle.replace("^", "")) + needle.index("^")
        line = text.count("\n", 0, offset)
        before = text[text.rfind("\n", 0, offset) + 1 : offset]
        character = len(before.encode("utf-16-le")) // 2
        return {"textDocument": {"uri": self.uri(name)}, "position": {"line": line, "character": character}}

    def _send(self, message: dict[str, object]) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        assert self.process.stdin is not None
        self.process.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        self.process.stdin.flush()

    def _listen(self) -> None:
        stream = self.process.stdout
        assert stream is not None
        while True:
            size = 0
            while (line := stream.readline().strip()) or not size:
                if not line and stream.closed:
                    return
                if line.lower().startswith(b"content-length:"):
                    size = int(line.split(b":")[1])
                if not line and not size:
                    return
            self.answers.put(json.loads(stream.read(size)))


def _published(message: dict[str, object]) -> dict[str, object]:
    params = message.get("params")
    return params if message.get("method") == "textDocument/publishDiagnostics" and isinstance(params, dict) else {}


@contextmanager
def editor(folder: Path, **capabilities: object) -> Iterator[Editor]:
    process = subprocess.Popen(
        [sys.executable, "-m", "tocsin.cli", "lsp"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    try:
        one = Editor(process, folder)
        one.ask("initialize", processId=None, rootUri=folder.as_uri(), capabilities=capabilities)
        one.notify("initialized")
        yield one
        one.ask("shutdown")
        one.notify("exit")
        assert process.wait(timeout=SECONDS) == 0
    finally:
        process.kill()
        process.communicate()


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Editor]:
    folder = tmp_path_factory.mktemp("playbooks")
    (folder / "notify.yaml").write_text(NOTIFY)
    with editor(folder) as one:
        one.open("triage.yaml", TEXT)
        assert one.diagnostics("triage.yaml") == []
        yield one


def test_a_mistake_is_told_with_a_link_when_a_document_is_opened(opened: Editor) -> None:
    opened.open("wrong.yaml", TEXT.replace("id: triage", "id: wrong").replace("sightings", "sightingz"))
    found = opened.diagnostics("wrong.yaml")
    assert [(one["code"], one["severity"], one["source"]) for one in found] == [("PB221", 1, "tocsin")]
    assert found[0]["range"] == {"start": {"line": 9, "character": 24}, "end": {"line": 9, "character": 33}}
    link = found[0]["codeDescription"]
    assert isinstance(link, dict)
    assert str(link["href"]).endswith("/PB221.md")
    opened.notify("textDocument/didClose", textDocument={"uri": opened.uri("wrong.yaml")})
    assert opened.diagnostics("wrong.yaml", None) == []


def test_only_the_last_of_several_quick_changes_is_checked(opened: Editor) -> None:
    opened.open("typed.yaml", TEXT.replace("id: triage", "id: typed"))
    assert opened.diagnostics("typed.yaml") == []
    for version in range(2, 12):
        opened.change("typed.yaml", TEXT.replace("id: triage", "id: typed") + f"  - wait: {version}x\n", version)
    found = opened.diagnostics("typed.yaml", 11)
    assert ["11x" in str(one["message"]) for one in found] == [True]
    told = [_published(one) for one in opened.said]
    assert [one["version"] for one in told if one.get("uri") == opened.uri("typed.yaml")] == []


def test_a_file_that_is_no_playbook_is_left_alone(opened: Editor) -> None:
    opened.open("compose.yaml", "services:\n  web: {image: x}\n")
    assert opened.diagnostics("compose.yaml") == []
    place = {"textDocument": {"uri": opened.uri("compose.yaml")}, "position": {"line": 1, "character": 2}}
    assert opened.ask("textDocument/completion", **place) is None


def test_a_rehearsal_is_checked_against_its_playbook(opened: Editor) -> None:
    text = "schema: tocsin/rehearsal@1\ncases:\n  - name: One\n    inputs: {user: amira}\n    answers: {nobody: {returns: {}}}\n"
    opened.open("notify.rehearsal.yaml", text + "    expect: {outcome: succeeded}\n")
    assert "RH122" in {one["code"] for one in opened.diagnostics("notify.rehearsal.yaml")}


def test_completion_replaces_what_is_written_in_units_of_the_editor(opened: Editor) -> None:
    needle = '"😀 ${{ steps.known.ver^dict }}"'
    answer = opened.ask("textDocument/completion", **opened.at("triage.yaml", TEXT, needle))
    assert isinstance(answer, dict)
    item = next(one for one in answer["items"] if one["label"] == "verdict")
    assert item["textEdit"]["range"]["start"]["character"] == TEXT.split("\n")[12].index("verdict") + 1  # the face is two units
    assert item["textEdit"]["newText"] == "verdict"


def test_hover_tells_of_an_action_and_of_a_field(opened: Editor) -> None:
    action = opened.ask("textDocument/hover", **opened.at("triage.yaml", TEXT, "observable.lo^ok_up"))
    assert isinstance(action, dict)
    assert "Effect `read`" in action["contents"]["value"]
    field = opened.ask("textDocument/hover", **opened.at("triage.yaml", TEXT, "known.sight^ings"))
    assert isinstance(field, dict)
    assert "an integer" in field["contents"]["value"]


def test_definition_leads_to_the_step_and_to_the_file_of_a_call(opened: Editor) -> None:
    step = opened.ask("textDocument/definition", **opened.at("triage.yaml", TEXT, "steps.kno^wn.verdict"))
    assert isinstance(step, dict)
    assert step["range"]["start"] == {"line": 6, "character": 8}
    file = opened.ask("textDocument/definition", **opened.at("triage.yaml", TEXT, "call: noti^fy"))
    assert isinstance(file, dict)
    assert file["uri"] == opened.uri("notify.yaml")


def test_rename_changes_every_reading_and_refuses_what_cannot_be(opened: Editor) -> None:
    place = opened.at("triage.yaml", TEXT, "id: kno^wn")
    assert opened.ask("textDocument/prepareRename", **place) == {"start": {"line": 6, "character": 8}, "end": {"line": 6, "character": 13}}
    answer = opened.ask("textDocument/rename", newName="what", **place)
    assert isinstance(answer, dict)
    edits = answer["changes"][opened.uri("triage.yaml")]
    assert sorted(one["range"]["start"]["line"] for one in edits) == [6, 9, 12]
    refused = opened.answer("textDocument/rename", newName="Not Snake", **place)["error"]
    assert isinstance(refused, dict)
    assert "cannot be the id of a step" in refused["message"]


def test_symbols_are_the_steps(opened: Editor) -> None:
    answer = opened.ask("textDocument/documentSymbol", textDocument={"uri": opened.uri("triage.yaml")})
    assert isinstance(answer, list)
    assert [one["name"] for one in answer] == ["known", "if", "notify"]
    assert [one["name"] for one in answer[1]["children"]] == ["case.note"]


def test_formatting_gives_the_canonical_form_or_says_why_not(opened: Editor) -> None:
    opened.open("loose.yaml", NOTIFY.replace("id: notify", "id:    loose"))
    answer = opened.ask(
        "textDocument/formatting", textDocument={"uri": opened.uri("loose.yaml")}, options={"tabSize": 2, "insertSpaces": True}
    )
    assert isinstance(answer, list)
    assert "id: loose\n" in answer[0]["newText"]
    opened.open("torn.yaml", "schema: tocsin/playbook@1\nid: [torn\n")
    options = {"tabSize": 2, "insertSpaces": True}
    refused = opened.answer("textDocument/formatting", textDocument={"uri": opened.uri("torn.yaml")}, options=options)
    assert "error" in refused


def test_a_near_name_is_offered_as_a_fix(opened: Editor) -> None:
    opened.open("fix.yaml", TEXT.replace("id: triage", "id: fix").replace("sightings", "sightingz"))
    found = opened.diagnostics("fix.yaml")
    actions = opened.ask(
        "textDocument/codeAction",
        textDocument={"uri": opened.uri("fix.yaml")},
        range=found[0]["range"],
        context={"diagnostics": found},
    )
    assert isinstance(actions, list)
    assert actions[0]["title"] == "Replace 'sightingz' by 'sightings'"
    assert actions[0]["edit"]["changes"][opened.uri("fix.yaml")][0]["newText"] == "sightings"


def test_a_playbook_that_is_saved_can_be_called(opened: Editor) -> None:
    opened.open("caller.yaml", "schema: tocsin/playbook@1\nid: caller\ntitle: Caller\nsteps:\n  - call: new-one\n")
    assert [one["code"] for one in opened.diagnostics("caller.yaml")] == ["PB232"]
    (opened.folder / "new-one.yaml").write_text(NOTIFY.replace("id: notify", "id: new-one").replace("inputs.user", "'x'"))
    opened.notify("workspace/didChangeWatchedFiles", changes=[{"uri": opened.uri("new-one.yaml"), "type": 1}])
    assert "PB232" not in {one["code"] for one in opened.diagnostics("caller.yaml")}


def test_broken_text_gets_answers_and_no_error(opened: Editor) -> None:
    text = 'schema: tocsin/playbook@1\nid: broken\ntitle: x\nsteps:\n  - id: a\n    action: observable.look_up\n  - if: "${{ steps.a.\n'
    opened.open("broken.yaml", text)
    assert opened.diagnostics("broken.yaml")
    answer = opened.ask("textDocument/completion", **opened.at("broken.yaml", text, "steps.a.^"))
    assert isinstance(answer, dict)
    assert "verdict" in [one["label"] for one in answer["items"]]
    for line in range(9):
        for method in ("completion", "hover", "definition"):
            place = {"textDocument": {"uri": opened.uri("broken.yaml")}, "position": {"line": line, "character": 7}}
            assert "error" not in opened.answer(f"textDocument/{method}", **place)


def test_columns_are_counted_as_the_editor_says(tmp_path: Path) -> None:
    with editor(tmp_path, general={"positionEncodings": ["utf-8"]}) as one:
        one.open("triage.yaml", TEXT.replace("known.verdict", "known.verdicd").replace("  - call: notify\n    with: {user: amira}\n", ""))
        start = one.diagnostics("triage.yaml")[0]["range"]
        assert isinstance(start, dict)
        assert start["start"]["character"] == TEXT.split("\n")[12].index("verdict") + 3  # the face is four bytes


def test_the_editor_is_asked_to_tell_of_changed_files_if_it_can(tmp_path: Path) -> None:
    with editor(tmp_path, workspace={"didChangeWatchedFiles": {"dynamicRegistration": True}}) as one:
        one.open("triage.yaml", TEXT)
        one.diagnostics("triage.yaml")
        assert "client/registerCapability" in [message.get("method") for message in one.said]


def test_the_server_starts_without_what_only_a_platform_needs() -> None:
    code = "import sys, tocsin.cli.lsp.server as s\nprint([one for one in %r if one in sys.modules])"
    heavy = ("sqlalchemy", "fastapi", "httpx", "pydantic", "granian", "dbos", "cryptography", "tocsin.store", "tocsin.services")
    ran = subprocess.run([sys.executable, "-c", code % (heavy,)], capture_output=True, text=True, timeout=60, check=True)
    assert ran.stdout == "[]\n"


def test_an_edit_of_200_lines_is_diagnosed_as_a_whole() -> None:
    from tocsin.cli.lsp.documents import Document, diagnose
    from tocsin.cli.lsp.folder import Folder
    from tocsin.connectors.catalogue import PackCatalogue
    from tocsin.connectors.loader import BUILTIN, load_packs

    steps = "".join(
        f"  - id: s{place}\n    action: observable.look_up\n    with: {{type: ip, value: 192.0.2.7}}\n"
        f"  - if: ${{{{ steps.s{place}.sightings > {place} }}}}\n    then:\n      - action: case.note\n"
        f'        with: {{text: "seen ${{{{ steps.s{place}.verdict }}}}"}}\n'
        for place in range(28)
    )
    document = Document(Path("long.yaml"), f"schema: tocsin/playbook@1\nid: long\ntitle: Long\nsteps:\n{steps}")
    assert document.text.count("\n") == 200
    catalogue = PackCatalogue(load_packs([BUILTIN]))
    folder = Folder([], catalogue)
    diagnose(document, catalogue, folder)
    edited = Document(document.path, document.text.replace("steps.s27.verdict", "steps.s27.verdikt"))
    (wrong,) = diagnose(edited, catalogue, folder)
    assert "verdikt" in str(wrong)
