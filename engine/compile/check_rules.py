"""Rules of a workspace, put to its documents: what breaks one is a warning, an error once it is enforced.

A rule holds for the folder that it stands in and what lies below. No rule takes anything back that another
demands, so a folder further in can only demand more.
"""

from dataclasses import dataclass
from posixpath import dirname

from engine.compile import rule_problems as problems
from engine.compile.body import Body
from engine.compile.compilation import Compilation
from engine.compile.expressions import Expressions
from engine.compile.rule_facts import TYPES, Facts, Subject
from engine.language.compiled import Compiled, EvaluationError
from engine.language.generate import Emitter
from engine.source import Text
from engine.workspace.files import FOLDERS
from engine.workspace.kinds.rule import RuleDocument


def check_rules(compilation: Compilation) -> None:
    """Put every rule to everything that it is about."""
    rules = compilation.documents(RuleDocument)
    if not rules:
        return
    facts = Facts(compilation)
    subjects = {kind: list(facts.of(kind)) for kind in TYPES}
    for rule in rules.values():
        compiled = _compile(compilation, rule)
        if compiled is not None:
            _check(compilation, rule, compiled, subjects[str(rule.applies_to)])


@dataclass(frozen=True, slots=True)
class _Compiled:
    where: Compiled | None
    demands: Compiled
    says: Compiled


def _compile(compilation: Compilation, rule: RuleDocument) -> _Compiled | None:
    """The expressions of a rule; None when one of them has a mistake, which is reported."""
    kind = str(rule.applies_to)
    before = len(compilation.collector.problems)

    def body() -> Body:
        # With an emitter that writes: a rule is run while a workspace is checked.
        return Body(compilation, Expressions(compilation), {kind: TYPES[kind]}, emitter=Emitter((kind,)))

    title = f"rule {rule.name}"
    found = _Compiled(
        where=None if rule.where is None else body().compiled_condition(f"{title} where", rule.where),
        demands=body().compiled_condition(f"{title} demands", rule.demands),
        says=body().compiled(f"{title} says", rule.says),
    )
    return found if len(compilation.collector.problems) == before else None


def scope_of(rule: RuleDocument) -> str:
    """The folder that a rule is about, as a prefix of names of files; that of the workspace is empty.

    A rule right in one of the folders of documents is about the whole workspace: `policies/rules.yaml` as
    well as `schemas/rules.yaml`. One in a folder below, `flows/emea/rules.yaml`, is about that folder.
    """
    folder = dirname(rule.name.span.source.name)
    return "" if folder in {"", *FOLDERS} else f"{folder}/"


def _check(
    compilation: Compilation, rule: RuleDocument, compiled: _Compiled, subjects: list[Subject]
) -> None:
    kind, scope = str(rule.applies_to), scope_of(rule)
    within = [subject for subject in subjects if subject.file.startswith(scope)]
    try:
        fitting = [
            one for one in within if compiled.where is None or _true(rule.where, compiled.where, kind, one)
        ]
        breaking = [one for one in fitting if not _true(rule.demands, compiled.demands, kind, one)]
    except _NoVerdict as error:
        compilation.report(error.args[0])
        return
    if not fitting:
        compilation.report(problems.about_nothing(rule.name, rule.where or rule.applies_to, kind))
    _check_exemptions(compilation, rule, fitting, breaking)
    exempt = {str(name) for name in rule.exempt}
    wrong = [one for one in breaking if one.name not in exempt]
    counts = len(wrong), len(fitting), f"{kind}s"
    enforced = str(rule.mode) == "enforce"
    for one in wrong:
        said = _says(compiled.says, kind, one)
        compilation.report(problems.broken(one.place, said, rule.name, counts, enforced=enforced))


def _check_exemptions(
    compilation: Compilation, rule: RuleDocument, fitting: list[Subject], breaking: list[Subject]
) -> None:
    names = [one.name for one in fitting]
    broken = {one.name for one in breaking}
    for name in rule.exempt:
        if str(name) not in broken:
            found = problems.needless_exemption(name, names, exists=str(name) in names)
            compilation.report(found)


class _NoVerdict(Exception):
    """A formula that cannot be worked out; carries the problem."""


def _true(text: Text | None, compiled: Compiled, kind: str, subject: Subject) -> bool:
    try:
        return compiled.call({kind: dict(subject.facts)}) is True
    except EvaluationError as error:
        assert text is not None
        raise _NoVerdict(problems.no_verdict(text, f"{kind} `{subject.name}`", error.message)) from error


def _says(compiled: Compiled, kind: str, subject: Subject) -> str:
    """The rule's sentence; its name when the sentence itself cannot be worked out."""
    try:
        return " ".join(str(compiled.call({kind: dict(subject.facts)})).split())
    except EvaluationError:
        return f"{kind} `{subject.name}` breaks this rule"
