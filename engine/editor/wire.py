"""Our answers in the words of the language server protocol."""

import re
from collections.abc import Callable, Iterable
from pathlib import Path

from lsprotocol import types as lsp

from engine.editor.item import Action, Edit, Item, Said
from engine.editor.navigation import Entry
from engine.editor.position import Width, range_of
from engine.problems import codes
from engine.problems.problem import Problem, Severity
from engine.source import Span

UriOf = Callable[[str], str]
"""The address of a file, by its name in its workspace."""

_KINDS = {
    "key": lsp.CompletionItemKind.Property,
    "choice": lsp.CompletionItemKind.EnumMember,
    "document": lsp.CompletionItemKind.Snippet,
    "local": lsp.CompletionItemKind.Variable,
    "field": lsp.CompletionItemKind.Field,
    "function": lsp.CompletionItemKind.Function,
    "keyword": lsp.CompletionItemKind.Keyword,
    "type": lsp.CompletionItemKind.Struct,
    "entity": lsp.CompletionItemKind.Struct,
    "operation": lsp.CompletionItemKind.Method,
    "source": lsp.CompletionItemKind.Event,
    "event": lsp.CompletionItemKind.Event,
    "step": lsp.CompletionItemKind.Reference,
}
_SYMBOLS = {
    "flow": lsp.SymbolKind.Module,
    "mapping": lsp.SymbolKind.Function,
    "policy": lsp.SymbolKind.Interface,
    "event": lsp.SymbolKind.Event,
    "entity": lsp.SymbolKind.Class,
    "table": lsp.SymbolKind.Array,
    "calendar": lsp.SymbolKind.Object,
    "connection": lsp.SymbolKind.Package,
    "connector": lsp.SymbolKind.Package,
    "test": lsp.SymbolKind.Method,
    "step": lsp.SymbolKind.Method,
    "operation": lsp.SymbolKind.Method,
    "source": lsp.SymbolKind.Event,
    "input": lsp.SymbolKind.Variable,
    "let": lsp.SymbolKind.Variable,
    "field": lsp.SymbolKind.Field,
}


def as_range(span: Span, width: Width) -> lsp.Range:
    """A span as the protocol counts."""
    start, end = range_of(span, width)
    return lsp.Range(start=lsp.Position(*start), end=lsp.Position(*end))


def as_location(span: Span, uri_of: UriOf, width: Width) -> lsp.Location:
    """A span with the address of its file."""
    return lsp.Location(uri=uri_of(span.source.name), range=as_range(span, width))


def as_diagnostic(problem: Problem, uri_of: UriOf, width: Width) -> lsp.Diagnostic:
    """A problem, with what to do about it, and with a link to the page of its code."""
    message = problem.message if not problem.label else f"{problem.message}: {problem.label}"
    page = Path(codes.__file__).parent / "pages" / f"{problem.code}.md"
    return lsp.Diagnostic(
        range=as_range(problem.span, width),
        message="\n".join((message, *problem.help)),
        severity=(
            lsp.DiagnosticSeverity.Error
            if problem.severity is Severity.ERROR
            else lsp.DiagnosticSeverity.Warning
        ),
        code=problem.code,
        code_description=lsp.CodeDescription(href=page.as_uri()),
        source="tidegate",
        related_information=[
            lsp.DiagnosticRelatedInformation(
                location=as_location(label.span, uri_of, width), message=label.text or "here"
            )
            for label in problem.context
        ]
        or None,
    )


def as_completions(items: Iterable[Item], width: Width, *, snippets: bool) -> lsp.CompletionList:
    """What may be written, in our order."""
    found = [_completion(item, number, width, snippets=snippets) for number, item in enumerate(items)]
    return lsp.CompletionList(is_incomplete=False, items=found)


def _completion(item: Item, number: int, width: Width, *, snippets: bool) -> lsp.CompletionItem:
    text = item.insert or item.label
    as_snippet = item.snippet and snippets
    return lsp.CompletionItem(
        label=item.label,
        kind=_KINDS.get(item.what, lsp.CompletionItemKind.Reference),
        detail=item.detail or None,
        documentation=_markdown(item.about) if item.about else None,
        sort_text=f"{0 if item.first else 1}{number:04}",
        filter_text=item.label,
        insert_text_format=(lsp.InsertTextFormat.Snippet if as_snippet else lsp.InsertTextFormat.PlainText),
        insert_text_mode=lsp.InsertTextMode.AdjustIndentation,
        text_edit=lsp.TextEdit(
            range=as_range(item.span, width),
            new_text=text if as_snippet else plain(text, snippet=item.snippet),
        ),
    )


def plain(text: str, *, snippet: bool = True) -> str:
    """A snippet for an editor that knows none: its names stand for themselves."""
    return re.sub(r"\$\{\d+:([^}]*)\}|\$\d", r"\1", text) if snippet else text


def _markdown(text: str) -> lsp.MarkupContent:
    return lsp.MarkupContent(kind=lsp.MarkupKind.Markdown, value=text)


def as_hover(said: Said, width: Width) -> lsp.Hover:
    """What is said of a place."""
    return lsp.Hover(contents=_markdown(said.text), range=as_range(said.span, width))


def as_edit(edits: Iterable[Edit], uri_of: UriOf, width: Width) -> lsp.WorkspaceEdit:
    """Changes of any number of files."""
    changes: dict[str, list[lsp.TextEdit]] = {}
    for edit in edits:
        one = lsp.TextEdit(range=as_range(edit.span, width), new_text=edit.text)
        changes.setdefault(uri_of(edit.span.source.name), []).append(one)
    return lsp.WorkspaceEdit(changes={uri: tuple(found) for uri, found in changes.items()})


def as_action(action: Action, problems: Iterable[Problem], uri_of: UriOf, width: Width) -> lsp.CodeAction:
    """A change that is offered, with the problems that it mends."""
    return lsp.CodeAction(
        title=action.title,
        kind=lsp.CodeActionKind.QuickFix,
        diagnostics=[as_diagnostic(one, uri_of, width) for one in problems if one.code == action.code],
        is_preferred=action.preferred or None,
        edit=as_edit(action.edits, uri_of, width),
    )


def as_symbol(entry: Entry, width: Width) -> lsp.DocumentSymbol:
    """Something in the outline of a file."""
    return lsp.DocumentSymbol(
        name=entry.name or entry.what,
        kind=_SYMBOLS.get(entry.what, lsp.SymbolKind.Object),
        detail=entry.detail if entry.what not in _SYMBOLS or entry.detail else entry.what,
        range=as_range(entry.span, width),
        selection_range=as_range(entry.name_span, width),
        children=[as_symbol(part, width) for part in entry.parts],
    )


def as_workspace_symbol(entry: Entry, uri_of: UriOf, width: Width) -> lsp.WorkspaceSymbol:
    """Something that a search through the workspace finds."""
    return lsp.WorkspaceSymbol(
        name=entry.name,
        kind=_SYMBOLS.get(entry.what, lsp.SymbolKind.Object),
        container_name=entry.within or entry.what,
        location=as_location(entry.name_span, uri_of, width),
    )


def hint(message: str) -> lsp.Diagnostic:
    """Something to know about a whole file."""
    start = lsp.Position(line=0, character=0)
    return lsp.Diagnostic(
        range=lsp.Range(start=start, end=lsp.Position(line=0, character=1)),
        message=message,
        severity=lsp.DiagnosticSeverity.Information,
        source="tidegate",
    )
