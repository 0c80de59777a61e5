"""Mappings to one generated function each."""

from collections.abc import Mapping

from engine.compile import problems
from engine.compile.body import Body
from engine.compile.collect_models import resolve_type
from engine.compile.compilation import Compilation, Signature
from engine.compile.expressions import Expressions
from engine.plan.plan import MappingPlan
from engine.source import Text
from engine.values.type import Record, Type, decoder
from engine.workspace.kinds.entry import EntryDocument
from engine.workspace.kinds.mapping import MappingDocument


def build_mappings(compilation: Compilation) -> None:
    """Every mapping, with its fields checked against its output."""
    for document in compilation.documents(MappingDocument).values():
        inputs = {str(name): resolve_type(compilation, kind) for name, kind in document.inputs.items()}
        output = resolve_type(compilation, document.output)
        check_lets(compilation, document.let, inputs)
        body = Body(compilation, Expressions(compilation), inputs, document.let)
        made = body.record(document.fields, output, None)
        _check_required(compilation, document, output)
        compiled = body.build(f"mapping {document.name}", str(document.name), made.atom)
        compilation.mapping_types[str(document.name)] = Signature(inputs=inputs, output=output)
        compilation.mappings[str(document.name)] = MappingPlan(
            name=str(document.name),
            version=document.version,
            inputs=tuple(inputs),
            make=compiled.call,
            source=compiled.source,
            decode={name: found for name, kind in inputs.items() if (found := decoder(kind))},
        )


def check_lets(
    compilation: Compilation, lets: Mapping[Text, EntryDocument], inputs: Mapping[str, Type]
) -> None:
    """A `let` hides no input."""
    for name in lets:
        if name in inputs:
            compilation.report(problems.hides(name, "an input"))


def _check_required(compilation: Compilation, document: MappingDocument, output: Type) -> None:
    """Every field that the target demands is made."""
    if not isinstance(output, Record):
        return
    made = {str(name).split(".", 1)[0] for name in document.fields}
    missing = [name for name, field in output.fields.items() if field.required and name not in made]
    if missing:
        compilation.report(problems.missing_fields(document.output, missing))
