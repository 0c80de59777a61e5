"""`tidegate lsp`: the door to the language server protocol, and the only user of pygls.

What is decided is decided elsewhere in this package; here questions are put into our words and answers into
those of the protocol. Texts that are open in the editor stand for their files.
"""

import asyncio
import logging
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from lsprotocol import types as lsp
from pygls import uris
from pygls.exceptions import JsonRpcException
from pygls.lsp.server import LanguageServer
from pygls.protocol import LanguageServerProtocol

from engine import __version__
from engine.editor import completion, fixing, hovering, navigation, renaming, wire
from engine.editor.desk import Desk, hint_for
from engine.editor.folder import Folder, normal
from engine.editor.item import Refused
from engine.editor.position import WIDTHS, Width, offset_of, utf16
from engine.editor.tokens import KINDS_OF_TOKENS, tokens
from engine.editor.view import View
from engine.session import ALL_KINDS
from engine.source import Source
from engine.spec.field import Document

CLIENT_GONE = 5.0  # seconds between two looks at whether the editor still runs
_REFUSED = -32803  # the protocol's RequestFailed
_TRIGGERS = (".", ":", " ", "'", '"', "{", "[", "|", "/")
_KINDS: tuple[type[Document], ...] = ALL_KINDS
_KIND_NAMES = frozenset(kind.kind for kind in _KINDS)


class _Protocol(LanguageServerProtocol):
    """The protocol, which answers requests that make no sense as well: an editor waits for that."""

    def structure_message(self, data: dict[str, Any]) -> Any:  # noqa: ANN401 - as pygls has it
        try:
            return super().structure_message(data)
        except JsonRpcException as error:
            if "id" in data and "method" in data:
                self._send_response(data["id"], error=error.to_response_error())
            raise


class _Server(LanguageServer):
    """The server of one editor."""

    def __init__(self) -> None:
        super().__init__("tidegate", __version__, protocol_cls=_Protocol)
        self.desk = Desk(self.tell, self.complain)
        self.width: Width = utf16
        self.snippets = False
        self.dismissed = False  # the editor has asked to shut down, and may now end the server
        self.watch: asyncio.Task[None] | None = None  # whether the editor still runs
        self.told: dict[Path, set[str]] = {}  # the files of each workspace that have diagnostics

    def report_server_error(self, error: Exception, source: Any) -> None:  # noqa: ANN401 - as pygls has it
        """Say it in the log; a message that makes no sense is no reason to bother a person."""
        del source
        logging.getLogger("tidegate").warning("%s: %s", type(error).__name__, error)

    def complain(self, sentence: str) -> None:
        """Say something to the person at the editor."""
        self.window_show_message(lsp.ShowMessageParams(type=lsp.MessageType.Error, message=sentence))

    def tell(self, folder: Folder, view: View) -> None:
        """Send all problems of a workspace, and for files that have none any more that they have none."""
        found: dict[str, list[lsp.Diagnostic]] = {}
        uri_of = self.uri_of(folder)
        for problem in view.problems:
            name = problem.span.source.name
            found.setdefault(name, []).append(wire.as_diagnostic(problem, uri_of, self.width))
        for name in sorted(found.keys() | self.told.get(folder.root, set())):
            self.publish(uri_of(name), found.get(name, []))
        self.told[folder.root] = set(found)

    def publish(self, uri: str, diagnostics: Sequence[lsp.Diagnostic]) -> None:
        """Send the diagnostics of one file."""
        document = self.protocol.workspace.text_documents.get(uri)
        self.text_document_publish_diagnostics(
            lsp.PublishDiagnosticsParams(
                uri=uri, diagnostics=diagnostics, version=document.version if document else None
            )
        )

    def uri_of(self, folder: Folder) -> Callable[[str], str]:
        """The address of a file by its name: as the editor writes it, if it has it open."""
        shown: dict[str, str] = {}
        for uri in self.protocol.workspace.text_documents:
            name = folder.name_of(path_of(uri))
            if name is not None:
                shown[name] = uri

        def find(name: str) -> str:
            return shown.get(name) or uris.from_fs_path(str(folder.place_of(name))) or name

        return find

    async def place(
        self,
        params: Any,  # noqa: ANN401 - any request about a place in a text
        *,
        fresh: bool = False,
    ) -> tuple[Folder, View, Source, int] | None:
        """The workspace, the text and the place that a request is about."""
        found = self.desk.folder_of(path_of(params.text_document.uri))
        if found is None:
            return None
        folder, name = found
        view = await (self.desk.fresh(folder) if fresh else self.desk.known(folder))
        source = folder.source(name)
        if view is None or source is None:
            return None
        position = getattr(params, "position", None)
        offset = offset_of(source, position.line, position.character, self.width) if position else 0
        return folder, view, source, offset


def path_of(uri: str) -> Path:
    """The path behind an address; one that is no file has a path that there is not."""
    return Path(uris.to_fs_path(uri) or "/nowhere") if uri.startswith("file:") else Path("/nowhere")


def serve() -> bool:
    """Speak the protocol on standard input and output until the editor is gone; whether it said so before."""
    # Whatever prints by mistake must not end up between two messages.
    output, sys.stdout = sys.stdout, sys.stderr
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="tidegate: %(message)s")
    # It tells of each odd message with a traceback; we say it in a line (`report_server_error`).
    logging.getLogger("pygls").setLevel(logging.CRITICAL)
    server = _made()
    server.start_io(sys.stdin.buffer, output.buffer)
    return server.dismissed


def _made() -> _Server:
    """A server with everything that it can do."""
    server = _Server()
    for add in (_beginning, _folders, _texts, _files, _writing, _finding, _searching, _renaming, _fixing):
        add(server)
    return server


def _beginning(server: _Server) -> None:
    @server.feature(lsp.INITIALIZE)
    def initialize(params: lsp.InitializeParams) -> None:
        capabilities = params.capabilities
        encoding = server.protocol.workspace.position_encoding
        server.width = WIDTHS.get(str(getattr(encoding, "value", encoding)), utf16)
        text = capabilities.text_document
        item = text.completion.completion_item if text and text.completion else None
        server.snippets = bool(item and item.snippet_support)

    @server.feature(lsp.INITIALIZED)
    async def initialized(params: lsp.InitializedParams) -> None:
        del params
        for folder in server.protocol.workspace.folders.values():
            server.desk.open_below(path_of(folder.uri))
        if not server.protocol.workspace.folders and server.protocol.workspace.root_uri:
            server.desk.open_below(path_of(server.protocol.workspace.root_uri))
        await _watch_files(server)
        if server.process_id:
            server.watch = asyncio.get_running_loop().create_task(_watch_client(server.process_id))

    @server.feature(lsp.SHUTDOWN)
    def shut_down(*_: object) -> None:
        server.dismissed = True


def _folders(server: _Server) -> None:
    @server.feature(lsp.WORKSPACE_DID_CHANGE_WORKSPACE_FOLDERS)
    def folders_changed(params: lsp.DidChangeWorkspaceFoldersParams) -> None:
        for folder in params.event.removed:
            closed = server.desk.close(path_of(folder.uri))
            if closed is not None:
                for name in server.told.pop(closed.root, set()):
                    server.publish(server.uri_of(closed)(name), [])
        for folder in params.event.added:
            server.desk.open_below(path_of(folder.uri))


async def _watch_files(server: _Server) -> None:
    """Ask the editor to tell of files that others change."""
    capabilities = server.client_capabilities.workspace
    watched = capabilities.did_change_watched_files if capabilities else None
    if not (watched and watched.dynamic_registration):
        return
    patterns = ("**/*.{yaml,yml,json,jsonl,csv}", "**/pyproject.toml")
    options = lsp.DidChangeWatchedFilesRegistrationOptions(
        watchers=[lsp.FileSystemWatcher(glob_pattern=pattern) for pattern in patterns]
    )
    await server.client_register_capability_async(
        lsp.RegistrationParams(
            registrations=[
                lsp.Registration(
                    id="tidegate-files",
                    method=lsp.WORKSPACE_DID_CHANGE_WATCHED_FILES,
                    register_options=options,
                )
            ]
        )
    )


async def _watch_client(process: int) -> None:
    """End when the editor has ended without a word, even if somebody else holds our input open."""
    while True:
        await asyncio.sleep(CLIENT_GONE)
        try:
            os.kill(process, 0)
        except ProcessLookupError:
            os._exit(1)
        except OSError:
            continue


def _texts(server: _Server) -> None:
    def show(uri: str, text: str | None) -> None:
        found = server.desk.folder_of(path_of(uri))
        if found is not None:
            server.desk.show(found[0], found[1], text)

    def hint(uri: str, text: str) -> None:
        found = server.desk.folder_of(path_of(uri))
        message = hint_for(Source("", normal(text)), _KIND_NAMES, found[1] if found else None)
        if message:
            server.publish(uri, [wire.hint(message)])

    @server.feature(lsp.TEXT_DOCUMENT_DID_OPEN)
    def opened(params: lsp.DidOpenTextDocumentParams) -> None:
        show(params.text_document.uri, params.text_document.text)
        hint(params.text_document.uri, params.text_document.text)

    @server.feature(lsp.TEXT_DOCUMENT_DID_CHANGE)
    def changed(params: lsp.DidChangeTextDocumentParams) -> None:
        uri = params.text_document.uri
        show(uri, server.protocol.workspace.get_text_document(uri).source)

    @server.feature(lsp.TEXT_DOCUMENT_DID_CLOSE)
    def closed(params: lsp.DidCloseTextDocumentParams) -> None:
        show(params.text_document.uri, None)


def _files(server: _Server) -> None:
    @server.feature(lsp.WORKSPACE_DID_CHANGE_WATCHED_FILES)
    def files_changed(params: lsp.DidChangeWatchedFilesParams) -> None:
        paths = [path_of(change.uri) for change in params.changes]
        for folder in list(server.desk.folders.values()):
            if any(folder.name_of(path) is not None for path in paths):
                server.desk.changed(folder)


def _writing(server: _Server) -> None:
    @server.feature(lsp.TEXT_DOCUMENT_COMPLETION, lsp.CompletionOptions(trigger_characters=list(_TRIGGERS)))
    async def complete(params: lsp.CompletionParams) -> lsp.CompletionList | None:
        found = await server.place(params)
        if found is None:
            return None
        _, view, source, offset = found
        items = completion.complete(view, source, offset)
        return wire.as_completions(items, server.width, snippets=server.snippets)

    @server.feature(lsp.TEXT_DOCUMENT_HOVER)
    async def hover(params: lsp.HoverParams) -> lsp.Hover | None:
        found = await server.place(params)
        said = hovering.hover(found[1], found[2], found[3]) if found is not None else None
        return wire.as_hover(said, server.width) if said is not None else None

    legend = lsp.SemanticTokensLegend(token_types=list(KINDS_OF_TOKENS), token_modifiers=[])

    @server.feature(lsp.TEXT_DOCUMENT_SEMANTIC_TOKENS_FULL, legend)
    async def colours(params: lsp.SemanticTokensParams) -> lsp.SemanticTokens | None:
        found = await server.place(params)
        if found is None:
            return None
        return lsp.SemanticTokens(data=tokens(found[1], found[2], server.width))


def _finding(server: _Server) -> None:
    @server.feature(lsp.TEXT_DOCUMENT_DEFINITION)
    async def definition(params: lsp.DefinitionParams) -> list[lsp.Location] | None:
        found = await server.place(params)
        if found is None:
            return None
        folder, view, source, offset = found
        uri_of = server.uri_of(folder)
        spans = navigation.definitions(view, source, offset)
        return [wire.as_location(span, uri_of, server.width) for span in spans]

    @server.feature(lsp.TEXT_DOCUMENT_REFERENCES)
    async def references(params: lsp.ReferenceParams) -> list[lsp.Location] | None:
        found = await server.place(params, fresh=True)
        if found is None:
            return None
        folder, view, source, offset = found
        uri_of, declaration = server.uri_of(folder), params.context.include_declaration
        spans = navigation.references(view, source, offset, declaration=declaration)
        return [wire.as_location(span, uri_of, server.width) for span in spans]


def _searching(server: _Server) -> None:
    @server.feature(lsp.TEXT_DOCUMENT_DOCUMENT_SYMBOL)
    async def symbols(params: lsp.DocumentSymbolParams) -> list[lsp.DocumentSymbol] | None:
        found = await server.place(params)
        if found is None:
            return None
        entries = navigation.document_entries(found[1], found[2])
        return [wire.as_symbol(entry, server.width) for entry in entries]

    @server.feature(lsp.WORKSPACE_SYMBOL)
    async def search(params: lsp.WorkspaceSymbolParams) -> list[lsp.WorkspaceSymbol]:
        found: list[lsp.WorkspaceSymbol] = []
        for folder in list(server.desk.folders.values()):
            view = await server.desk.known(folder)
            uri_of = server.uri_of(folder)
            entries = navigation.workspace_entries(view, params.query) if view is not None else ()
            found += [wire.as_workspace_symbol(entry, uri_of, server.width) for entry in entries]
        return found


def _renaming(server: _Server) -> None:
    @server.feature(lsp.TEXT_DOCUMENT_PREPARE_RENAME)
    async def prepare(params: lsp.PrepareRenameParams) -> lsp.PrepareRenamePlaceholder | None:
        found = await server.place(params)
        if found is None:
            return None
        _, view, source, offset = found
        one = _or_refused(lambda: renaming.renamable(view, source, offset))
        text = one.span.source.text[one.span.start : one.span.end]
        return lsp.PrepareRenamePlaceholder(range=wire.as_range(one.span, server.width), placeholder=text)

    @server.feature(lsp.TEXT_DOCUMENT_RENAME, lsp.RenameOptions(prepare_provider=True))
    async def rename(params: lsp.RenameParams) -> lsp.WorkspaceEdit | None:
        found = await server.place(params, fresh=True)
        if found is None:
            return None
        folder, view, source, offset = found
        edits = _or_refused(lambda: renaming.rename(view, source, offset, params.new_name))
        _or_refused(lambda: folder.check(edits))
        return wire.as_edit(edits, server.uri_of(folder), server.width)


def _fixing(server: _Server) -> None:
    @server.feature(
        lsp.TEXT_DOCUMENT_CODE_ACTION, lsp.CodeActionOptions(code_action_kinds=[lsp.CodeActionKind.QuickFix])
    )
    async def actions(params: lsp.CodeActionParams) -> list[lsp.CodeAction] | None:
        found = await server.place(params, fresh=True)
        if found is None:
            return None
        folder, view, source, _ = found
        uri_of, wanted = server.uri_of(folder), params.range
        first = offset_of(source, wanted.start.line, wanted.start.character, server.width)
        last = offset_of(source, wanted.end.line, wanted.end.character, server.width)
        problems = [
            one
            for one in view.problems
            if one.span.source.name == source.name and one.span.start <= last and one.span.end >= first
        ]
        return [
            wire.as_action(action, problems, uri_of, server.width)
            for action in fixing.fixes(view, source, problems)
        ]


def _or_refused(ask: Callable[[], Any]) -> Any:  # noqa: ANN401 - whatever is asked for
    """What a question gives; a refusal becomes the protocol's, which an editor shows."""
    try:
        return ask()
    except Refused as refused:
        raise JsonRpcException(str(refused), _REFUSED) from refused
