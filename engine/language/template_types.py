"""What is known about each expression of a template, and what cannot be right in it."""

from engine.language.formula_types import Inference, Typing
from engine.language.functions.spec import FunctionTable
from engine.language.known import UNKNOWN, Known, both
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
                walk.text_part(value)
            case Choose():
                _infer_choice(walk, piece)
            case Repeat():
                _infer_loop(walk, piece)
            case _:
                pass


def _infer_choice(walk: Inference, choice: Choose) -> None:
    """Each branch where its own test is true and those before it are false."""
    outer = walk.facts
    for test, inner in choice.branches:
        walk.of(test)
        yes, no = walk.shown(test)
        passed = walk.facts
        walk.facts = both(passed, yes)
        _infer_body(walk, inner)
        walk.facts = both(passed, no)
    _infer_body(walk, choice.otherwise)
    walk.facts = outer


def _infer_loop(walk: Inference, loop: Repeat) -> None:
    outer, facts = dict(walk.locals), walk.facts
    walk.bind(loop.target, loop.names, loop.items)
    if loop.only is not None:
        walk.of(loop.only)
        walk.facts = both(walk.facts, walk.shown(loop.only)[0])
    for fact in loop.facts:
        walk.locals[f"{loop.number}.{fact}"] = Known(type=LOOP_FACTS[fact])
    _infer_body(walk, loop.body)
    walk.locals, walk.facts = outer, facts
    _infer_body(walk, loop.otherwise)
