"""The server: each request is answered by a pure function over the text as it is in the editor."""

import asyncio
from functools import partial
from pathlib import Path
from typing import Final

from lsprotocol import types as lsp
from pygls.exceptions import JsonRpcException
from pygls.lsp.server import LanguageServer
from pygls.uris import to_fs_path

import tocsin
from tocsin.cli.checking import known_codes
from tocsin.cli.lsp import convert
from tocsin.cli.lsp.convert import Columns
from tocsin.cli.lsp.documents import Document, diagnose
from tocsin.cli.lsp.folder import Folder
from tocsin.core.diagnostics import Diagnostic
from tocsin.core.errors import TocsinError
from tocsin.playbook.assist.completion import complete
from tocsin.playbook.assist.definition import definition
from tocsin.playbook.assist.fixes import fix_of
from tocsin.playbook.assist.hover import hover
from tocsin.playbook.assist.places import Text
from tocsin.playbook.assist.rename import rename, renamed_at
from tocsin.playbook.assist.scopes import World
from tocsin.playbook.assist.symbols import symbols
from tocsin.playbook.catalogue import Catalogue

PAUSE_S: Final = 0.15  # a person who types is told nothing before a pause
_REQUEST_FAILED: Final = -32803


class Refused(JsonRpcException):
    """A request that cannot be done; editors show the message."""

    CODE = _REQUEST_FAILED


class Editing:
    """One connection to an editor: its open documents, and what was found in them."""

    def __init__(self, server: LanguageServer, catalogue: Catalogue, *, pages: str) -> None:
        self.server, self.catalogue, self.pages = server, catalogue, pages
        self.codes = known_codes()
        self.folder = Folder([], catalogue)
        self.found: dict[str, tuple[Diagnostic, ...]] = {}
        self.waiting: dict[str, asyncio.Task[None]] = {}

    # Documents ------------------------------------------------------------------------------------------------------------

    def started(self, params: lsp.InitializedParams) -> None:
        """Note which folders are open, and hear of changes in them."""
        workspace = self.server.workspace
        uris = list(workspace.folders) or ([workspace.root_uri] if workspace.root_uri else [])
        self.folder = Folder([path for uri in uris if (path := _path(uri)).is_dir()], self.catalogue)
        self._watch()

    def _watch(self) -> None:
        """Ask the editor to tell of files that others change, if it can."""
        workspace = self.server.client_capabilities.workspace
        watching = None if workspace is None else workspace.did_change_watched_files
        if watching is None or not watching.dynamic_registration:
            return
        options = lsp.DidChangeWatchedFilesRegistrationOptions([lsp.FileSystemWatcher("**/*.{yaml,yml}")])
        wish = lsp.Registration("tocsin-files", lsp.WORKSPACE_DID_CHANGE_WATCHED_FILES, options)
        self.server.client_register_capability(lsp.RegistrationParams([wish]))

    def opened(self, params: lsp.DidOpenTextDocumentParams) -> None:
        """Check a document at once."""
        self.publish(params.text_document.uri)

    def changed(self, params: lsp.DidChangeTextDocumentParams) -> None:
        """Check a document after a pause, once for all that was typed before it."""
        uri = params.text_document.uri
        before = self.waiting.get(uri)
        if before is not None:
            before.cancel()
        self.waiting[uri] = asyncio.get_running_loop().create_task(self._later(uri))

    def saved(self, params: lsp.DidSaveTextDocumentParams) -> None:
        """Check the other documents again: they may call what was saved."""
        self._look_again()

    def watched(self, params: lsp.DidChangeWatchedFilesParams) -> None:
        """Check the documents again when files beside them have changed."""
        self._look_again()

    def closed(self, params: lsp.DidCloseTextDocumentParams) -> None:
        """Take back what was said of a document."""
        uri = params.text_document.uri
        task = self.waiting.pop(uri, None)
        if task is not None:
            task.cancel()
        self.found.pop(uri, None)
        self.folder.closed(_path(uri))
        self.server.text_document_publish_diagnostics(lsp.PublishDiagnosticsParams(uri, []))

    def publish(self, uri: str) -> None:
        """Check a document and tell the editor, for the version that was checked."""
        document, columns = self._read(uri)
        found = diagnose(document, self.catalogue, self.folder)
        self.found[uri] = found
        shown = [convert.diagnostic(one, columns, pages=self.pages) for one in found]
        version = self.server.workspace.get_text_document(uri).version
        self.server.text_document_publish_diagnostics(lsp.PublishDiagnosticsParams(uri, shown, version))

    async def _later(self, uri: str) -> None:
        await asyncio.sleep(PAUSE_S)
        self.waiting.pop(uri, None)
        self.publish(uri)

    def _look_again(self) -> None:
        self.folder.refresh()
        for uri in list(self.found):
            self.publish(uri)

    def _read(self, uri: str) -> tuple[Document, Columns]:
        workspace = self.server.workspace
        source = workspace.get_text_document(uri).source
        return Document(_path(uri), source), Columns(Text(source), workspace.position_encoding)

    def _world(self) -> World:
        return World(self.catalogue, self.folder.directory())

    # Requests -------------------------------------------------------------------------------------------------------------

    def completion(self, params: lsp.CompletionParams) -> lsp.CompletionList | None:
        """Say what may stand at a place."""
        document, columns = self._read(params.text_document.uri)
        if not document.is_ours or document.is_rehearsal:
            return None
        return convert.completion(complete(document.text, columns.spot(params.position), self._world()), columns)

    def hover(self, params: lsp.HoverParams) -> lsp.Hover | None:
        """Say what stands at a place."""
        document, columns = self._read(params.text_document.uri)
        if not document.is_ours:
            return None
        found = self.found.get(params.text_document.uri, ())
        said = hover(document.text, columns.spot(params.position), self._world(), diagnostics=found, codes=self.codes)
        return None if said is None else lsp.Hover(convert.markdown(said.about), columns.range(said.span))

    def definition(self, params: lsp.DefinitionParams) -> lsp.Location | None:
        """Say where what stands at a place is made."""
        uri = params.text_document.uri
        document, columns = self._read(uri)
        found = definition(document.text, columns.spot(params.position), self._world())
        if not isinstance(found, str):
            return None if found is None else lsp.Location(uri, columns.range(found))
        directory = self.folder.directory()
        file = None if directory is None else directory.file(found)
        start = lsp.Position(0, 0)
        return None if file is None else lsp.Location(Path(file).as_uri(), lsp.Range(start, start))

    def prepare_rename(self, params: lsp.PrepareRenameParams) -> lsp.Range | None:
        """Say whether a step's id stands at a place."""
        document, columns = self._read(params.text_document.uri)
        span = renamed_at(document.text, columns.spot(params.position), self._world())
        return None if span is None else columns.range(span)

    def rename(self, params: lsp.RenameParams) -> lsp.WorkspaceEdit:
        """Rename a step everywhere it is read."""
        document, columns = self._read(params.text_document.uri)
        try:
            edits = rename(document.text, columns.spot(params.position), params.new_name, self._world())
        except TocsinError as error:
            raise Refused(str(error)) from None
        self._mind_rehearsal(document)
        return lsp.WorkspaceEdit(changes={params.text_document.uri: [columns.edit(one) for one in edits]})

    def _mind_rehearsal(self, document: Document) -> None:
        beside = document.path.with_name(f"{document.path.stem}.rehearsal{document.path.suffix}")
        if beside.is_file():
            message = f"{beside.name} may name the step too; `tocsin check` says where."
            self.server.window_show_message(lsp.ShowMessageParams(lsp.MessageType.Info, message))

    def formatting(self, params: lsp.DocumentFormattingParams) -> list[lsp.TextEdit]:
        """Write a playbook in its canonical form."""
        document, columns = self._read(params.text_document.uri)
        if document.is_rehearsal or not document.is_ours:
            raise Refused("Only playbooks can be formatted.")
        try:
            from tocsin.playbook.format import format_playbook
        except ImportError:
            raise Refused("Formatting is not available in this version.") from None
        try:
            written = format_playbook(document.text)
        except TocsinError as error:
            raise Refused(str(error)) from None
        return [] if written == document.text else [lsp.TextEdit(columns.range_of(0, len(document.text)), written)]

    def symbols(self, params: lsp.DocumentSymbolParams) -> list[lsp.DocumentSymbol]:
        """Return the outline."""
        document, columns = self._read(params.text_document.uri)
        return [convert.symbol(one, columns) for one in symbols(document.text)] if document.is_ours and not document.is_rehearsal else []

    def actions(self, params: lsp.CodeActionParams) -> list[lsp.CodeAction]:
        """Return what the diagnostics at a range propose."""
        uri = params.text_document.uri
        document, columns = self._read(uri)
        asked = (params.range.start.line + 1, params.range.end.line + 1)
        actions = []
        for found in self.found.get(uri, ()):
            fix = fix_of(found, document.text) if found.span.line <= asked[1] and found.span.end_line >= asked[0] else None
            if fix is not None:
                change = lsp.WorkspaceEdit(changes={uri: [columns.edit(fix.edit)]})
                about = [convert.diagnostic(found, columns, pages=self.pages)]
                actions.append(lsp.CodeAction(fix.title, lsp.CodeActionKind.QuickFix, about, is_preferred=True, edit=change))
        return actions


def build(catalogue: Catalogue, *, pages: str) -> LanguageServer:
    """Return the server, ready to be started."""
    server = LanguageServer("tocsin", tocsin.__version__)
    editing = Editing(server, catalogue, pages=pages)
    completing = lsp.CompletionOptions(trigger_characters=[".", "|", "'", '"', "{", " "])
    renaming = lsp.RenameOptions(prepare_provider=True)
    fixing = lsp.CodeActionOptions(code_action_kinds=[lsp.CodeActionKind.QuickFix])
    # pygls writes on what it is given, which a bound method does not allow: hence the partials.
    server.feature(lsp.INITIALIZED)(partial(editing.started))
    server.feature(lsp.TEXT_DOCUMENT_DID_OPEN)(partial(editing.opened))
    server.feature(lsp.TEXT_DOCUMENT_DID_CHANGE)(partial(editing.changed))
    server.feature(lsp.TEXT_DOCUMENT_DID_SAVE)(partial(editing.saved))
    server.feature(lsp.TEXT_DOCUMENT_DID_CLOSE)(partial(editing.closed))
    server.feature(lsp.WORKSPACE_DID_CHANGE_WATCHED_FILES)(partial(editing.watched))
    server.feature(lsp.TEXT_DOCUMENT_COMPLETION, completing)(partial(editing.completion))
    server.feature(lsp.TEXT_DOCUMENT_HOVER)(partial(editing.hover))
    server.feature(lsp.TEXT_DOCUMENT_DEFINITION)(partial(editing.definition))
    server.feature(lsp.TEXT_DOCUMENT_PREPARE_RENAME)(partial(editing.prepare_rename))
    server.feature(lsp.TEXT_DOCUMENT_RENAME, renaming)(partial(editing.rename))
    server.feature(lsp.TEXT_DOCUMENT_FORMATTING)(partial(editing.formatting))
    server.feature(lsp.TEXT_DOCUMENT_DOCUMENT_SYMBOL)(partial(editing.symbols))
    server.feature(lsp.TEXT_DOCUMENT_CODE_ACTION, fixing)(partial(editing.actions))
    return server


def serve(catalogue: Catalogue, *, pages: str) -> None:
    """Serve one editor on stdin and stdout until it says goodbye."""
    build(catalogue, pages=pages).start_io()


def _path(uri: str) -> Path:
    return Path(to_fs_path(uri) or "/untitled.yaml")
