"""The mistakes that reading a workspace finds, in words.

One function a mistake: it takes the facts and says them. What lives here is wording and nothing else.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType

from engine.problems import Label, Problem, Severity, did_you_mean, near_names
from engine.problems.suggest import or_list
from engine.source import Source, Span
from engine.spec.field import FORMS, TYPE_NAME, Note

QUOTE_IT = "put the whole text between double quotes"
SHOWN_TEXT = 60
YES_NO = "TG140"


def _start_of(name: str) -> Span:
    return Span(Source(name, ""), 0, 0)


def _short(text: str) -> str:
    """A text as it fits into a sentence of one line."""
    line = " ".join(text.split())
    return line if len(line) <= SHOWN_TEXT else line[: SHOWN_TEXT - 1] + "…"


# Files


def unreadable_file(name: str, why: str) -> Problem:
    """The system does not hand the file out."""
    return Problem(code="TG101", message=f"{name} cannot be read: {why}", span=_start_of(name))


def file_too_large(name: str, most: int) -> Problem:
    """It is larger than a definition may be."""
    return Problem(
        code="TG102",
        message=f"{name} is larger than {most:,} bytes",
        span=_start_of(name),
        help=("split it into several files; the rows of a large table belong into a CSV file",),
    )


def not_utf8(span: Span, why: str) -> Problem:
    """The bytes are no UTF-8."""
    return Problem(
        code="TG103",
        message=f"{span.source.name} is not UTF-8: {why}",
        span=span,
        help=("save the file as UTF-8",),
    )


def forbidden_character(span: Span, character: str) -> Problem:
    """A character that no YAML file may hold."""
    name = unicodedata.name(character, "a control character").lower()
    return Problem(
        code="TG104",
        message=f"the character U+{ord(character):04X} ({name}) is not allowed in a YAML file",
        span=span,
        help=(f'remove it; inside of double quotes it can be written as "{_escaped(character)}"',),
    )


def turning_character(span: Span, character: str) -> Problem:
    """A character that shows what follows it in another order than a program reads it."""
    name = unicodedata.name(character).lower()
    return Problem(
        code="TG126",
        message=f"the character U+{ord(character):04X} ({name}) turns the text that follows it",
        span=span,
        help=(f'remove it; inside of double quotes it can be written as "{_escaped(character)}"',),
    )


def _escaped(character: str) -> str:
    number = ord(character)
    return f"\\x{number:02x}" if number < 0x100 else f"\\u{number:04x}"


def outside(name: str, what: str) -> Problem:
    """A link leads out of the workspace."""
    return Problem(
        code="TG105",
        message=f"{name} {what} outside of the workspace, where nothing is read",
        span=_start_of(name),
        help=("put a copy of it into the workspace",),
    )


def misplaced(name: str, folder: str, folders: Sequence[str]) -> Problem:
    """What looks like a document, where none is looked for."""
    near = near_names(folder, folders)
    where = [f"{one}/" for one in near[:1] or folders]
    return Problem(
        code="TG107",
        message=f"{name} begins like a document, and is not read where it is",
        span=_start_of(name),
        help=(f"move it to {or_list(where)}",),
        severity=Severity.WARNING,
    )


def too_many_files(name: str, most: int) -> Problem:
    """More files than a workspace may have."""
    return Problem(
        code="TG106",
        message=f"the workspace has more than {most:,} files; {name} and those after it are not read",
        span=_start_of(name),
        help=("keep recordings and samples in folders named `fixtures` or `recordings`",),
    )


# What YAML cannot read


def unreadable(span: Span, said: str) -> Problem:
    """Everything for which we have no better words."""
    return Problem(
        code="TG110",
        message="this is not YAML that can be read",
        span=span,
        label=_short(said),
        help=(f"if it is part of a text, {QUOTE_IT}",),
    )


def tab(span: Span) -> Problem:
    """A tab where only spaces count."""
    return Problem(
        code="TG111",
        message="a tab cannot indent a line",
        span=span,
        label="a tab",
        help=("write spaces; most editors do that by themselves when told that a tab is two spaces",),
    )


def bad_indentation(span: Span, first: Span | None) -> Problem:
    """A line that begins in a column in which nothing is open."""
    return Problem(
        code="TG112",
        message="this line is indented unlike the lines that it belongs to",
        span=span,
        context=(Label(span=first, text="they begin in this column"),) if first else (),
        help=("begin all keys of a record, and all items of a list, in the same column",),
    )


def text_with_colon(span: Span, value: Span) -> Problem:
    """A text that holds what YAML takes for a key."""
    text = value.source.text[value.start : value.end]
    return Problem(
        code="TG113",
        message="this text holds `: `, which YAML reads as a key and its value",
        span=span,
        label="this colon",
        help=(f"quote this expression or text: {_quoted(text)}",),
    )


def _quoted(text: str) -> str:
    """How a text is written with quotes around it."""
    text = _short(text.rstrip())
    if '"' not in text and "\\" not in text:
        return f'"{text}"'
    return "'" + text.replace("'", "''") + "'"


def cut_by_comma(span: Span) -> Problem:
    """A comma inside of brackets has cut an expression in two."""
    text = _short(span.source.text[span.start : span.end])
    return Problem(
        code="TG114",
        message="quote this expression: inside of brackets a comma ends it",
        span=span,
        label="cut in two by its comma",
        help=(f"write {_quoted(text)}, or give the entry lines of its own instead of brackets",),
    )


def cut_by_bracket(span: Span) -> Problem:
    """A bracket or brace has ended an expression."""
    return Problem(
        code="TG114",
        message="quote this expression: a bracket or brace in it means something to YAML",
        span=span,
        help=(f"write {_quoted(span.source.text[span.start : span.end])}",),
    )


def colon_in_brackets(span: Span, value: Span) -> Problem:
    """A text with a colon, or two entries without a comma."""
    text = value.source.text[value.start : value.end]
    return Problem(
        code="TG113",
        message="this text holds `: `, which YAML reads as a key and its value",
        span=span,
        label="this colon",
        help=(
            f"quote this expression or text: {_quoted(text)}",
            "or, if another key begins here, write the comma before it",
        ),
    )


def cut_by_comment(span: Span, mark: Span) -> Problem:
    """A ` #` has made the rest of an expression a comment."""
    return Problem(
        code="TG114",
        message="quote this expression: ` #` begins a comment and ends it",
        span=span,
        label="ends here, unfinished",
        context=(Label(span=mark, text="from here on it is a comment"),),
        help=(QUOTE_IT,),
    )


def key_without_colon(span: Span, text: str) -> Problem:
    """A word between commas, inside of braces."""
    return Problem(
        code="TG115",
        message=f"`{_short(text)}` stands between braces without a value",
        span=span,
        help=(
            "inside of braces everything is `key: value`",
            "if the comma before it belongs to a text or an expression, quote that text",
        ),
    )


def reserved_start(span: Span, character: str) -> Problem:
    """A plain text cannot begin like this."""
    named = "a backtick" if character == "`" else f"`{character}`"
    return Problem(
        code="TG116",
        message=f"a text without quotes cannot begin with {named}",
        span=span,
        help=(QUOTE_IT,),
    )


def bare_template(span: Span) -> Problem:
    """A template that begins with braces, which YAML takes for records."""
    return Problem(
        code="TG117",
        message="a template that begins with `{{` has to be quoted",
        span=span,
        label="YAML reads two nested records",
        help=(f'{QUOTE_IT}: "{{{{ ... }}}}"',),
    )


def unclosed_quote(span: Span) -> Problem:
    """A quote that never ends."""
    return Problem(
        code="TG118",
        message="this quote is never closed",
        span=span,
        label="it begins here",
        help=("close it with the same mark; inside of '...' an apostrophe is written twice",),
    )


def text_after_quote(span: Span, value: Span) -> Problem:
    """A quoted text, and then more."""
    text = value.source.text[value.start : value.end]
    return Problem(
        code="TG119",
        message="the text goes on behind its closing quote",
        span=span,
        help=(f"quote this expression as a whole: {_quoted(text)}",),
    )


def unclosed_bracket(span: Span, character: str, other: Span | None = None) -> Problem:
    """A bracket that never ends, or is closed by one of another kind."""
    closing = {"[": "]", "{": "}"}.get(character, "]")
    return Problem(
        code="TG120",
        message=f"this `{character}` is never closed",
        span=span,
        label="it begins here",
        context=(Label(span=other, text="this closes the other kind"),) if other else (),
        help=(f"close it with `{closing}`",),
    )


def missing_colon(span: Span) -> Problem:
    """A line that is neither a key nor an item."""
    return Problem(
        code="TG121",
        message="this line is neither `key: value` nor an item of a list",
        span=span,
        help=("write a colon and a space behind the key; an item of a list begins with `- `",),
    )


def bad_escape(span: Span, text: str) -> Problem:
    """A backslash that begins nothing known."""
    return Problem(
        code="TG122",
        message=f"`{text}` means nothing inside of double quotes",
        span=span,
        help=("write the backslash twice, or put the text between single quotes",),
    )


def misplaced_item(span: Span) -> Problem:
    """A dash where no list can begin."""
    return Problem(
        code="TG123",
        message="a list cannot begin behind a key on the same line",
        span=span,
        help=("begin the list on the next line, or write it with brackets: [a, b]",),
    )


def nothing_there(span: Span) -> Problem:
    """A comma with nothing before it, and the like."""
    return Problem(
        code="TG124",
        message="a value is missing here",
        span=span,
        help=(f"write the value; if this mark is part of a text, {QUOTE_IT}",),
    )


def mixed(span: Span, first: Span) -> Problem:
    """Items of a list among the keys of a record, or the other way around."""
    return Problem(
        code="TG125",
        message="keys of a record and items of a list stand side by side",
        span=span,
        context=(Label(span=first, text="it begins as the other"),),
        help=("indent this line further, if it belongs to the line above",),
    )


# What YAML allows and Tidegate does not


def duplicate_key(span: Span, key: str, first: Span) -> Problem:
    """The same key twice in one record."""
    return Problem(
        code="TG130",
        message=f"the key `{_short(key)}` is written twice",
        span=span,
        label="here again",
        context=(Label(span=first, text="first written here"),),
        help=("remove one of the two",),
    )


def key_not_text(span: Span) -> Problem:
    """A list or record as a key."""
    return Problem(
        code="TG131",
        message="a key has to be a plain text",
        span=span,
        help=("if this is no key but an expression, quote it",),
    )


def empty_key(span: Span) -> Problem:
    """A colon with nothing before it."""
    return Problem(
        code="TG131", message="a key is missing before this colon", span=span, help=("write the key",)
    )


def tag(span: Span) -> Problem:
    """A `!tag`."""
    return Problem(
        code="TG132",
        message="tags are not read",
        span=span,
        label="a tag",
        help=('remove it; a text that begins with `!` has to be quoted: "!..."',),
    )


def unknown_alias(span: Span, name: str, *, inside: bool) -> Problem:
    """A `*name` without an `&name`."""
    why = "stands inside of what it stands for" if inside else "refers to nothing above"
    return Problem(
        code="TG133",
        message=f"`*{name}` {why}",
        span=span,
        help=(f'write `&{name}` before the value that it repeats; a text is quoted: "*{name}"',),
    )


def too_many_aliases(span: Span, uses: int, nodes: int) -> Problem:
    """Aliases that multiply."""
    return Problem(
        code="TG134",
        message=f"the aliases of this file repeat too much: at most {uses:,} of them and {nodes:,} values",
        span=span,
        help=("write a mapping or a table instead of repeating parts",),
    )


def too_deep(span: Span, most: int) -> Problem:
    """Nested without end."""
    return Problem(
        code="TG135", message=f"values are nested more than {most} levels deep", span=span, help=()
    )


def text_too_long(span: Span, most: int) -> Problem:
    """A text without end."""
    return Problem(code="TG136", message=f"this text is longer than {most:,} characters", span=span)


def too_many_values(span: Span, most: int) -> Problem:
    """A file with more values than is reasonable."""
    return Problem(
        code="TG137",
        message=f"the file holds more than {most:,} values",
        span=span,
        help=("the rows of a large table belong into a CSV file",),
    )


def too_many_documents(span: Span, most: int) -> Problem:
    """A file with more documents than is reasonable."""
    return Problem(
        code="TG137",
        message=f"the file holds more than {most:,} documents",
        span=span,
        help=("split it into several files",),
    )


def directive(span: Span) -> Problem:
    """`%YAML` and `%TAG`."""
    return Problem(code="TG138", message="directives are not read", span=span, help=("remove the line",))


def merge_key(span: Span) -> Problem:
    """`<<:`."""
    return Problem(
        code="TG139",
        message="`<<` does not merge records here",
        span=span,
        help=("write the keys out",),
    )


# What other tools would have guessed


def yes_no(span: Span, text: str) -> Problem:
    """The Norway problem."""
    meant = "true" if text.lower() in {"y", "yes", "on"} else "false"
    return Problem(
        code=YES_NO,
        message=f"`{text}` is {meant} to some tools and a text to others",
        span=span,
        help=(f'write {meant}, or quote the text: "{text}"',),
    )


def sexagesimal(span: Span, text: str) -> Problem:
    """`1:30`."""
    return Problem(
        code="TG141",
        message=f"`{_short(text)}` is a number of base sixty to some tools and a text to others",
        span=span,
        help=(f'quote it: "{_short(text)}"',),
    )


def other_base(span: Span, text: str) -> Problem:
    """`012` and `0x1f`."""
    return Problem(
        code="TG142",
        message=f"`{_short(text)}` is an octal or hexadecimal number to some tools",
        span=span,
        help=(f'quote it, to keep it as it is: "{_short(text)}"; or write the number without its zero',),
    )


def underscores(span: Span, text: str) -> Problem:
    """`1_000`."""
    return Problem(
        code="TG143",
        message=f"`{_short(text)}` is a number to some tools and a text to others",
        span=span,
        help=(f'write {_short(text.replace("_", ""))}, or quote the text: "{_short(text)}"',),
    )


def not_finite(span: Span, text: str) -> Problem:
    """`.nan` and `.inf`."""
    return Problem(
        code="TG144",
        message=f"`{text}` is no number to count with",
        span=span,
        help=(f'leave the value out, or quote the text: "{text}"',),
    )


def other_number(span: Span, text: str) -> Problem:
    """`1e3` and `+5`."""
    return Problem(
        code="TG145",
        message=f"`{_short(text)}` can be read as a number and as a text",
        span=span,
        help=(f'write the number in plain digits, or quote the text: "{_short(text)}"',),
    )


def too_many_digits(span: Span, most: int) -> Problem:
    """A number that is no amount of anything."""
    return Problem(
        code="TG146",
        message=f"this number has more than {most} digits",
        span=span,
        help=("quote it, if it is an identifier",),
    )


def comment_without_space(span: Span) -> Problem:
    """` #1` at the end of a plain text."""
    return Problem(
        code="TG701",
        message="from this `#` on the line is a comment",
        span=span,
        help=(
            "if it is part of the text, quote the text",
            "if it is a comment, write a space behind the `#`",
        ),
        severity=Severity.WARNING,
    )


# The shape of a document


def not_a_document(span: Span, found: str) -> Problem:
    """A file that holds a list or a text."""
    return Problem(
        code="TG201",
        message=f"a document is a record of keys and values, and this is {found}",
        span=span,
        help=("begin with what it is and its name, such as `flow: approved-time-to-billing`",),
    )


def unknown_kind(span: Span, key: str, kinds: Sequence[str]) -> Problem:
    """The first key is no kind."""
    return Problem(
        code="TG202",
        message=f"`{_short(key)}` is no kind of document",
        span=span,
        label="the first key says what a document is",
        help=(*did_you_mean(key, kinds), f"the kinds are {', '.join(kinds)}"),
    )


def kind_not_first(span: Span, kind: str, first: Span) -> Problem:
    """The key that says the kind is further down."""
    return Problem(
        code="TG203",
        message=f"the first key says what a document is, and `{kind}` is not the first",
        span=span,
        context=(Label(span=first, text="the first key"),),
        help=(f"move `{kind}:` to the top",),
    )


def unknown_key(
    span: Span, key: str, what: str, near: Sequence[str], keys: Iterable[str], way_out: str = ""
) -> Problem:
    """A key that the description does not have."""
    help_line = f"did you mean {or_list(near)}?" if near else f"its keys are {', '.join(keys)}"
    helps = (way_out,) if way_out else (help_line,)
    return Problem(code="TG204", message=f"{what} has no key `{_short(key)}`", span=span, help=helps)


def begins_a_document(key: str) -> str:
    """The way out where a key is the first of another kind of document."""
    return f"if another document begins here, write a line `---` above `{key}:`"


def belongs_further_in(key: str, section: str) -> str:
    """The way out where an entry stands beside the section that it may belong to."""
    return f"if `{_short(key)}` belongs to `{section}`, indent it as the others there are"


def missing_key(span: Span, key: str, what: str, about: str) -> Problem:
    """A key that has to be there."""
    return Problem(
        code="TG205",
        message=f"{what} needs the key `{key}`",
        span=span,
        help=(f"`{key}`: {about[:1].lower()}{about[1:]}",),
    )


def wrong_shape(span: Span, what: str, expected: str, found: str, keys: Sequence[str]) -> Problem:
    """A list where a text is expected, and the like."""
    return Problem(
        code="TG206",
        message=f"{what} has to be {expected}, and this is {found}",
        span=span,
        help=(f"its keys are {', '.join(keys)}",) if keys else (),
    )


def written_list(span: Span, what: str) -> Problem:
    """A list that is written out where an entry says where its value is."""
    return Problem(
        code="TG206",
        message=f"{what} has to be a path, and this is a list",
        span=span,
        help=(
            "a list is made of another: `{each: path.of.the.list, as: item, fields: {...}}`",
            'one with a single item: `each: "[path]"`',
        ),
    )


def no_value(span: Span, key: str) -> Problem:
    """A key with nothing behind it."""
    return Problem(
        code="TG207",
        message=f"`{_short(key)}` has no value",
        span=span,
        help=("write the value, or remove the key",),
    )


def wrong_pattern(span: Span, what: str, text: str, note: Note) -> Problem:
    """A text that is not of its form."""
    pattern = note.pattern or ""
    if note.examples and all(example in pattern for example in note.examples):
        form, examples = f"one of {', '.join(note.examples)}", ""  # the form is nothing but these
    else:
        form = FORMS.get(pattern, f"a text that matches {pattern}")
        examples = f", such as {or_list(note.examples)}" if note.examples else ""
    helps = f"it is {form}{examples}"
    if pattern == TYPE_NAME and _WITHOUT_VERSION.fullmatch(text):
        helps = f"it is a type with its version: `{text if '/' in text else f'canonical/{text}'}@1`"
    return Problem(code="TG208", message=f"{what} cannot be `{_short(text)}`", span=span, help=(helps,))


_WITHOUT_VERSION = re.compile(r"([a-z_]+/)?[a-z][a-z0-9_]*")


def wrong_choice(span: Span, what: str, text: str, choices: Sequence[str]) -> Problem:
    """A word that is none of those that there are."""
    other = _OTHER_WORDS.get(text.casefold(), "")
    near = (f"write `{other}`",) if other in choices else did_you_mean(text, choices)
    return Problem(
        code="TG209",
        message=f"{what} cannot be `{_short(text)}`",
        span=span,
        help=(*near, f"it is one of {', '.join(choices)}"),
    )


_OTHER_WORDS: Mapping[str, str] = MappingProxyType(
    {
        "text": "string",
        "varchar": "string",
        "char": "string",
        "int": "integer",
        "number": "decimal",
        "numeric": "decimal",
        "float": "decimal",
        "double": "decimal",
        "bool": "boolean",
        "timestamp": "datetime",
        "instant": "datetime",
        "amount": "money",
        "currency": "money",
        "object": "record",
        "map": "record",
        "array": "list",
    }
)
"""Types as other languages call them."""


def out_of_bounds(span: Span, what: str, bound: str) -> Problem:
    """A number that is too small or too great."""
    return Problem(code="TG210", message=f"{what} has to be {bound}", span=span)


def several_of(span: Span, what: str, keys: Sequence[str], others: Sequence[Span]) -> Problem:
    """Keys that exclude each other."""
    return Problem(
        code="TG211",
        message=f"{what} has {' and '.join(f'`{key}`' for key in keys)}, which exclude each other",
        span=span,
        context=tuple(Label(span=other, text="and this") for other in others),
        help=("keep one of them",),
    )


def none_of(span: Span, what: str, keys: Sequence[str]) -> Problem:
    """None of the keys of which one has to be there."""
    return Problem(code="TG212", message=f"{what} needs one of the keys {or_list(keys)}", span=span)


def not_a_date(span: Span, what: str) -> Problem:
    """A text that is no day."""
    return Problem(
        code="TG213",
        message=f"{what} is not a day of the calendar",
        span=span,
        help=("write year, month and day: 2026-06-30",),
    )


def not_an_instant(span: Span, what: str) -> Problem:
    """A text that is no instant, or has no zone."""
    return Problem(
        code="TG214",
        message=f"{what} is not an instant with a time zone",
        span=span,
        help=("write it as 2026-05-29T23:10:00Z, or with an offset: 2026-05-29T16:10:00-07:00",),
    )


def not_a_duration(span: Span, what: str) -> Problem:
    """A text that is no length of time."""
    return Problem(
        code="TG215",
        message=f"{what} is not a length of time",
        span=span,
        help=("write it as 90s, 15m, 2h, 3d, 2 business days or 4 business hours",),
    )


def too_long_a_time(span: Span, what: str) -> Problem:
    """A length of time that leads out of every calendar."""
    return Problem(
        code="TG215",
        message=f"{what} is longer than a hundred years",
        span=span,
        help=("write a length of time that work can take, such as 90s, 15m, 2h or 3d",),
    )


def empty_text(span: Span, what: str) -> Problem:
    """`""` where a text is needed."""
    return Problem(
        code="TG216", message=f"{what} is empty", span=span, help=("write a text, or remove the key",)
    )


def bare_constant(span: Span, text: str) -> Problem:
    """`isBillable: true` where a bare value is a path."""
    return Problem(
        code="TG217",
        message=f"a bare value is a path to a value, and `{_short(text)}` is none",
        span=span,
        help=(f"write the value itself as {{value: {_short(text)}}}",),
    )


def duplicate_document(span: Span, kind: str, name: str, first: Span) -> Problem:
    """Two documents with one name."""
    return Problem(
        code="TG330",
        message=f"there are two documents `{kind}: {_short(name)}`",
        span=span,
        label="here again",
        context=(Label(span=first, text="first defined here"),),
        help=("rename one of them, or remove it",),
    )
