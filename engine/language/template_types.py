"""What is known about each expression of a template, and what cannot be right in it."""

from engine.language.formula_types import UNKNOWN, Inference, Known, Typing
from engine.language.functions.spec import FunctionTable
from engine.language.scope import TypeScope
from engine.language.template_tree import LOOP_FACTS, Body, Choose, Repeat, Show, TemplateTree


def infer_template(tree: TemplateTree, scope: TypeScope, functions: FunctionTable) -> Typing:
    """Find out what can be known about every expression; mistakes are reported, never raised."""
    walk = Inference(tree.parts, scope, functions)
    _infer_body(walk, tree.body)
    return walk.done(UNKNOWN)


def _infer_body(walk: Inference, body: Body) -> None:
    for piece in body:
        match piece:
            case Show(value=value):
                walk.of(value)
            case Choose(branches=branches, otherwise=otherwise):
                for test, inner in branches:
                    walk.of(test)
                    _infer_body(walk, inner)
                _infer_body(walk, otherwise)
            case Repeat():
                _infer_loop(walk, piece)
            case _:
                pass


def _infer_loop(walk: Inference, loop: Repeat) -> None:
    outer = dict(walk.locals)
    walk.bind(loop.target, loop.names, loop.items)
    if loop.only is not None:
        walk.of(loop.only)
    for fact in loop.facts:
        walk.locals[f"{loop.number}.{fact}"] = Known(type=LOOP_FACTS[fact])
    _infer_body(walk, loop.body)
    walk.locals = outer
    _infer_body(walk, loop.otherwise)
