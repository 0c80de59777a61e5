"""How types, functions, names and keys are said in an editor, as Markdown."""

from collections.abc import Iterator

from engine.language.functions.spec import FunctionSpec, Parameter
from engine.spec.field import Described, Duration, FormulaText, Note, PathText, Raw, TemplateText
from engine.spec.json_schema import record_name
from engine.spec.shape import FieldShape, ListShape, NamedShape, PlainShape, RecordShape, Shape, TextShape
from engine.values.type import Enum, Field, Listing, Record, Scalar, Type, describe

SHOWN_FIELDS = 12


def type_line(kind: Type, *, nullable: bool) -> str:
    """A type on one line: `a number with at most 2 decimals, or null`."""
    return described(kind) + (", or null" if nullable else "")


def described(kind: Type) -> str:
    """A type, with its decimals and its longest text."""
    match kind:
        case Scalar(name="decimal", decimals=int(decimals)):
            return f"{describe(kind)} with at most {decimals} decimals"
        case Scalar(name="string", longest=int(longest)):
            return f"{describe(kind)} of at most {longest} characters"
        case Listing(item=item):
            return f"a list of {described(item)}"
        case _:
            return describe(kind)


def type_lines(kind: Type) -> Iterator[str]:
    """What more there is to know of a type: the values of an enum, the fields of a record."""
    inner = kind.item if isinstance(kind, Listing) else kind
    if isinstance(inner, Enum) and len(inner.values) > 1:
        yield "one of " + ", ".join(f"`{value}`" for value in inner.values)
    elif isinstance(inner, Record) and inner.fields:
        names = list(inner.fields)
        more = f" and {len(names) - SHOWN_FIELDS} more" if len(names) > SHOWN_FIELDS else ""
        yield "fields: " + ", ".join(f"`{name}`" for name in names[:SHOWN_FIELDS]) + more


def field_detail(field: Field) -> str:
    """The type of a field, for a list of fields."""
    return type_line(field.type, nullable=field.may_be_absent)


def signature(spec: FunctionSpec) -> str:
    """A function with the types of its parameters: `round(number: a number, [decimals]) -> a number`."""
    inner = ", ".join(_parameter(one) for one in spec.parameters)
    return f"{spec.name}({inner}) -> {describe(spec.result)}"


def _parameter(one: Parameter) -> str:
    text = f"{one.name}: {describe(one.type)}" if describe(one.type) != "anything" else one.name
    text = f"{text}, ..." if one.repeated else text
    return f"[{text}]" if one.optional else text


def function_text(spec: FunctionSpec) -> str:
    """A function: how it is called, what it does, and examples."""
    lines = [f"```python\n{signature(spec)}\n```", spec.summary]
    if spec.examples:
        lines.append("\n".join(f"`{call}` is `{value}`" + "  " for call, value in spec.examples[:3]))
    return "\n\n".join(lines)


def function_snippet(spec: FunctionSpec) -> str:
    """A call with places for the arguments that must be given."""
    needed = [one for one in spec.parameters if not one.optional]
    places = (
        f"'${{{number}:{one.choices[0] if one.choices else one.name}}}'"
        if one.literal
        else f"${{{number}:{one.name}}}"
        for number, one in enumerate(needed, 1)
    )
    return f"{spec.name}({', '.join(places)})$0"


def key_text(field: FieldShape) -> str:
    """A key: what it means, what may stand there, and what holds when it is left out."""
    lines = [f"**{field.key}**: {value_text(field.shape, field.note)}", field.note.about]
    if field.note.examples:
        lines.append("For example " + ", ".join(f"`{one}`" for one in field.note.examples) + ".")
    lines.append("Required." if field.required else _default(field))
    return "\n\n".join(line for line in lines if line)


def _default(field: FieldShape) -> str:
    default = field.default
    if isinstance(default, bool):
        return f"`{str(default).lower()}` when left out."
    return f"`{default}` when left out." if isinstance(default, str | int) and default != "" else ""


def record_text(cls: type[Described]) -> str:
    """What a record is, by its description."""
    return " ".join((cls.__doc__ or "").split("\n\n")[0].split())


def value_text(shape: Shape, note: Note) -> str:
    """What may stand at a place."""
    match shape:
        case ListShape(item=item):
            return (
                f"{value_text(item, note)}, or a list of them"
                if note.many
                else f"a list of {value_text(item, note)}"
            )
        case NamedShape(item=item):
            return f"by name: {value_text(item, note)}"
        case RecordShape(cls=cls):
            return f"a record ({record_name(cls)})"
        case TextShape(cls=cls):
            if note.choices:
                return " or ".join(f"`{choice}`" for choice in note.choices)
            return _TEXTS.get(cls, "text")
        case PlainShape(cls=cls):
            return _PLAIN.get(cls, cls.__name__)


_TEXTS: dict[type, str] = {
    PathText: "a path (JMESPath)",
    FormulaText: "a formula",
    TemplateText: "a template",
}
_PLAIN: dict[type, str] = {
    Duration: "a length of time, such as `15m` or `2 business days`",
    Raw: "any value",
    bool: "`true` or `false`",
    int: "a whole number",
}
