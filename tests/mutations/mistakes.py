"""The mistakes: for each kind, the places in a file where it can be made, and what then stands there.

A mistake is a replacement of some characters, and the lines at one of which its problem has to be reported.
Only what is surely wrong is a mistake: a text that reads as well the other way round is no candidate.
"""

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import NamedTuple

import yaml


class Mistake(NamedTuple):
    """One mistake in one file."""

    kind: str
    file: str
    start: int
    end: int
    instead: str
    lines: frozenset[int]  # from 1

    def made(self, text: str) -> str:
        return text[: self.start] + self.instead + text[self.end :]


class Document(NamedTuple):
    """A document of a file: its kind and name, where it lies, and the names that its expressions may read."""

    kind: str
    name: str
    start: int
    end: int
    names: frozenset[str]


Finder = Callable[[str, Document], Iterator[tuple[int, int, str]]]


def documents(text: str) -> Iterator[Document]:
    """The documents of a file."""
    for node in yaml.compose_all(text, Loader=yaml.CSafeLoader):
        if isinstance(node, yaml.MappingNode):
            first, name = node.value[0]
            yield Document(first.value, name.value, node.start_mark.index, node.end_mark.index, _names(node))


def _names(node: yaml.MappingNode) -> frozenset[str]:
    found = set()
    for key, value in node.value:
        if key.value in {"inputs", "let", "steps"} and isinstance(value, yaml.MappingNode):
            found |= {name.value for name, _ in value.value}
        if key.value == "trigger" and isinstance(value, yaml.MappingNode):
            found |= {inner.value for name, inner in value.value if name.value == "as"}
    return frozenset(found)


def mistyped(word: str) -> str:
    """A word with two letters exchanged, or one more."""
    for place in range(1, len(word) - 1):
        if word[place] != word[place + 1] and word[place].isalpha() and word[place + 1].isalpha():
            return word[:place] + word[place + 1] + word[place] + word[place + 2 :]
    return word + "x"


_PROSE = re.compile(r"^\s*(-\s*)?(about|owner|why|irreversible|test|#.*)\b.*$", re.MULTILINE)


def _matches(pattern: str, text: str, document: Document) -> Iterator[re.Match[str]]:
    """The matches in a document, outside of prose."""
    prose = [(one.start(), one.end()) for one in _PROSE.finditer(text)]
    for match in re.finditer(pattern, text, re.MULTILINE):
        place = match.start(1) if match.re.groups else match.start()
        if document.start <= place < document.end and not any(a <= place < b for a, b in prose):
            yield match


def _renamed(pattern: str, *kinds: str) -> Finder:
    """The first group is mistyped."""

    def find(text: str, document: Document) -> Iterator[tuple[int, int, str]]:
        if not kinds or document.kind in kinds:
            for match in _matches(pattern, text, document):
                yield match.start(1), match.end(1), mistyped(match[1])

    return find


def _replaced(pattern: str, instead: str, *kinds: str) -> Finder:
    """The first group becomes another text."""

    def find(text: str, document: Document) -> Iterator[tuple[int, int, str]]:
        if not kinds or document.kind in kinds:
            for match in _matches(pattern, text, document):
                yield match.start(1), match.end(1), match.expand(instead)

    return find


def _field(text: str, document: Document) -> Iterator[tuple[int, int, str]]:
    """A field that an expression reads."""
    if document.kind not in {"mapping", "policy", "flow"}:
        return
    for match in _matches(r"(?<![\w.@/\"'-])([a-z_]\w*)\.([a-z_]\w*)(?![\w-]*@)", text, document):
        line = text[text.rfind("\n", 0, match.start()) + 1 : match.start()]
        if match[1] in document.names and not re.search(r"\b(write|read|emit|event|undo):\s*$", line):
            yield match.start(2), match.end(2), mistyped(match[2])


def _target(text: str, document: Document) -> Iterator[tuple[int, int, str]]:
    """A field of what a mapping makes."""
    if document.kind == "mapping":
        for match in _matches(r"^  ([a-zA-Z_]{4,})(?:\.\w+)*: ", text, document):
            if match[1] not in document.names:
                yield match.start(1), match.end(1), mistyped(match[1])


KINDS: Mapping[str, Finder] = {
    "rename a field that is read": _field,
    "misspell a policy": _renamed(r"check: \[?([a-z][\w-]+)", "flow"),
    "misspell a mapping": _renamed(r"\bmap: ([a-z][\w-]+)", "flow", "event"),
    "misspell an operation": _renamed(r"\b(?:write|read): \w+\.(\w+)", "flow"),
    "misspell a connection": _renamed(r"\b(?:write): (\w+)\.", "flow"),
    "misspell an event": _renamed(r"\b(?:event|emit): \w+\.(\w+)", "flow", "policy"),
    "misspell a type": _renamed(
        r"[:{,] ?(?:canonical|netsuite|kantata|salesforce|revenue)/(\w+)@", "mapping"
    ),
    "take a version that is not there": _replaced(r"canonical/\w+@(\d+)", "99", "mapping", "policy", "event"),
    "misspell a table": _renamed(r"\btable: (\w+), key", "mapping", "policy"),
    "misspell a column": _renamed(r"\btake: (\w+)", "mapping", "policy"),
    "misspell a function": _renamed(
        r"(?<![\w.'])((?:round|cycle|cutoff|next_cycle|format_date|exceeds|str|pad_left))\("
    ),
    "misspell a calendar": _renamed(r"(?:cycle|cutoff)\('(\w+)'"),
    "misspell a key": _renamed(
        r"^ *(version|inputs|output|fields|trigger|steps|needs|write|then|when|reason|links|identity|data|key|columns|expect|given)(?=:)"
    ),
    "misspell a step": _renamed(r"\bneeds: \[?([a-z_]{3,})", "flow"),
    "misspell the target's field": _target,
    "give a field another type": _replaced(
        r"\{type: (decimal|integer|date|datetime|boolean|money)\b", "string", "entity"
    ),
    "give a number as its type": _replaced(r"\{type: (string)\b", "decimal", "entity"),
    "write a no that YAML reads as false": _replaced(r"\bvalue: ([A-Za-z][\w-]+)\}", "no", "mapping"),
    "forget the end of a formula": _replaced(r"expr: \"[^\"]*(\))[^\")]*\"", "", "mapping", "policy"),
    "assign instead of compare": _replaced(r"(?:when|where|expr): .* (==) ", "="),
    "misspell an operator": _replaced(
        r"(?:when|where|expr): .* (and|or|not) ", r"\1d", "policy", "mapping", "flow"
    ),
    "misspell None": _replaced(r"is (?:not )?(None)\b", "Nul"),
    "compare with a text that it never is": _renamed(r"[!=]= '([a-z_]{4,})'", "policy", "mapping", "flow"),
    "forget the end of a template": _replaced(r"\{\{ [^}]*(\}\})", "}", "mapping", "policy"),
    "forget a quotation mark": _replaced(r": \"[^\"\n]*(\")\}?$", "", "mapping", "policy"),
    "forget a brace": _replaced(r"^  \w[\w.]*: \{[^{}\n]*(\})$", "", "mapping"),
    "take an entry out of a value map": _replaced(r"values: \{(\w+: [^,{}]+, )", "", "mapping"),
    "misspell a key of a value map": _renamed(r"values: \{(?:\w+: [^,{}]+, )*(\w{3,}):", "mapping"),
    "misspell a value of a value map": _renamed(r"values: \{(?:\w+: [^,{}]+, )*\w+: (\w{3,})[,}]", "mapping"),
    "write a key twice": _replaced(r"^(version: \d+\n)", r"\1\1"),
    "indent with a tab": _replaced(r"^(  )\w+:", "\t", "flow", "mapping"),
    "hold without a way out": _replaced(r"hold: (\{.*\})$", "{}", "policy"),
    "hold for nobody": _renamed(r"release: \{(role):", "policy"),
    "drop the owner of a hold": _replaced(r"^(owner: [\w-]+\n)(?=(?:.+\n)*?  hold:)", "", "policy"),
    "drop a needs": _replaced(r"^(    needs: .*\n)", "", "flow"),
    "drop the trigger's event": _replaced(r"^trigger: \{(event: [\w.]+, )", "", "flow"),
    "give a day that there is not": _replaced(r"now: (2026-\d\d-\d\d)T", "2026-02-30", "test"),
    "leave the zone out": _replaced(r"now: \S+(Z)$", "", "test"),
    "expect a step that there is not": _renamed(r"^  (eligible|ready|known|credit):", "test"),
    "expect a write that there is not": _renamed(r"^    (?:erp|psa|revrec|crm)\.(\w+):", "test"),
}


TYPED = frozenset({"give a field another type", "give a number as its type"})


def mistakes(file: str, text: str, made: Collection[str]) -> Iterator[Mistake]:
    """Every mistake that can be made in a file; `made` are the entities that mappings make.

    Of an entity that nobody makes or reads, one type is as good as another.
    """
    for document in documents(text):
        for kind, find in KINDS.items():
            if kind in TYPED and document.name not in made:
                continue
            for start, end, instead in find(text, document):
                yield Mistake(kind, file, start, end, instead, _lines(text, kind, start, document))


# Noticed at the next line: the second of two keys, and what follows a text that does not end.
_NEXT = frozenset({"forget a quotation mark", "forget a brace", "indent with a tab", "write a key twice"})
# What was left out is missed somewhere in the document: by the step that relies on it, by its first line.
_WHOLE = frozenset({"drop a needs", "drop the owner of a hold", "misspell a key", "drop the trigger's event"})


def _lines(text: str, kind: str, start: int, document: Document) -> frozenset[int]:
    """Where it has to be said: at the line itself; of what was left out, anywhere in what it was left out of."""
    line = text.count("\n", 0, start) + 1
    if kind in _NEXT:
        return frozenset({line, line + 1})
    if kind in _WHOLE:
        first = text.count("\n", 0, document.start) + 1
        return frozenset(
            {line, first, *range(first, first + text.count("\n", document.start, document.end) + 1)}
        )
    return frozenset({line})
