"""Mappings to one generated function each."""

import re
from collections.abc import Mapping

from engine.compile import problems
from engine.compile.asked import inputs_that_may_be_null
from engine.compile.body import Body
from engine.compile.collect_models import resolve_type
from engine.compile.compilation import Compilation, Signature
from engine.compile.expressions import Expressions
from engine.compile.lineage import Traced, Tracer
from engine.plan.lineage import Origin
from engine.plan.plan import MappingPlan
from engine.source import Text
from engine.spec.field import IDENTIFIER
from engine.values.type import Decoder, Type, decoder
from engine.workspace.kinds.entry import EntryDocument
from engine.workspace.kinds.mapping import MappingDocument


def build_mappings(compilation: Compilation) -> None:
    """Every mapping, with its fields checked against its output."""
    for document in compilation.documents(MappingDocument).values():
        inputs = {str(name): resolve_type(compilation, kind) for name, kind in document.inputs.items()}
        output = resolve_type(compilation, document.output)
        expressions = Expressions(compilation)
        nullable = inputs_that_may_be_null(expressions, document, inputs)
        signature = Signature(inputs=inputs, output=output, nullable=nullable)
        compilation.mapping_types[str(document.name)] = signature
        if not check_names(compilation, document.inputs, document.let):
            compilation.spoiled.add((document.kind, str(document.name)))
            continue
        body = Body(compilation, expressions, inputs, document.let, nullable=nullable)
        made = body.record(document.fields, output, None, document.output)
        compiled = body.build(f"mapping {document.name}", str(document.name), made.atom)
        if document.let:
            Body(compilation, expressions, inputs, document.let, nullable=nullable).need_all()
        checks = compilation.checks_only
        compilation.mappings[str(document.name)] = MappingPlan(
            name=str(document.name),
            version=document.version,
            inputs=tuple(inputs),
            make=compiled.call,
            source=compiled.source,
            lineage={} if checks else lineage_of(expressions, document).flat(),
            decode={} if checks else _decoders(inputs),
        )


def _decoders(inputs: Mapping[str, Type]) -> dict[str, Decoder]:
    return {name: found for name, kind in inputs.items() if (found := decoder(kind))}


def lineage_of(expressions: Expressions, document: MappingDocument) -> Traced:
    """Where the fields of what a mapping makes come from, by the names of its inputs."""
    names = {str(name): Traced(frozenset([Origin(str(name))])) for name in document.inputs}
    return Tracer(expressions, names, document.let).record(document.fields)


def check_names(
    compilation: Compilation, inputs: Mapping[Text, Text], lets: Mapping[Text, EntryDocument]
) -> bool:
    """Whether inputs and `let` values have names that expressions can use, each its own."""
    wrong = [name for name in (*inputs, *lets) if not re.fullmatch(IDENTIFIER, name)]
    for name in wrong:
        compilation.report(problems.no_name(name))
    for name in (name for name in lets if name in inputs):
        compilation.report(problems.hides(name.span, name, "an input"))
    return not wrong
