"""The compiler: named stages in order, each a function of the growing table."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import partial

from engine.compile.alone import PolicyAlone, policy_alone
from engine.compile.build_boosts import build_boosts
from engine.compile.build_calendars import build_calendars
from engine.compile.build_connections import build_connections
from engine.compile.build_events import build_events
from engine.compile.build_expectations import build_expectations
from engine.compile.build_flows import build_flows
from engine.compile.build_mappings import build_mappings
from engine.compile.build_policies import build_policies
from engine.compile.build_sources import build_sources
from engine.compile.build_versions import build_versions
from engine.compile.check_effects import check_effects
from engine.compile.check_environments import check_environments
from engine.compile.check_events import check_events
from engine.compile.check_ownership import check_ownership
from engine.compile.check_policies import check_policies
from engine.compile.check_rules import check_rules
from engine.compile.check_tests import check_tests
from engine.compile.check_versions import check_versions
from engine.compile.collect_models import collect_connectors, collect_entities
from engine.compile.collect_tables import collect_tables
from engine.compile.compilation import Compilation, Seen
from engine.compile.meaning import meaning_of
from engine.compile.memo import Memo
from engine.compile.probe import Probe
from engine.connect.connection_plan import ConnectionPlan
from engine.connect.connector_plan import ConnectorPlan
from engine.language.functions.spec import FunctionTable
from engine.plan.meaning import Meaning
from engine.plan.plan import EntityPlan, FlowPlan, Plan
from engine.plan.step import CheckStep, WaitStep
from engine.problems.collector import Collector
from engine.spec.plain import plain
from engine.values.canonical import fingerprint
from engine.values.type import Type, decoder
from engine.workspace.coverable import Covered
from engine.workspace.kinds.flow_test import FlowTestDocument
from engine.workspace.workspace import Workspace

LANGUAGE = 1
"""Counts up when the same documents would decide differently; part of every fingerprint."""

STAGES: tuple[Callable[[Compilation], None], ...] = (
    collect_entities,  # types first: every later stage checks names against them
    collect_connectors,
    collect_tables,  # before calendars, which may find their time zone in one
    build_calendars,  # before expressions, which may ask for a cycle
    build_connections,
    build_boosts,
    build_events,
    build_mappings,
    build_versions,  # after mappings, which lead from one version of an event to the next
    build_policies,
    build_sources,  # after mappings, which turn native records into events
    build_flows,  # last of those that make something: flows use all of the above
    build_expectations,  # after flows, whose end may be expected
    check_ownership,  # after flows: what each of their steps fills
    check_effects,  # after flows: the order of their steps
    check_events,  # of all flows together
    check_environments,
    check_policies,  # after flows: policies contradict each other in their checks
    check_versions,  # after mappings: they lead from one version to the next
    check_rules,  # after all that is made: rules know what came of the documents
    check_tests,  # after flows: a test names a flow and its operations
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Compiled:
    """What a workspace compiles to."""

    plan: Plan
    connectors: Mapping[str, ConnectorPlan]
    connections: Mapping[str, ConnectionPlan]
    functions: FunctionTable  # those of the language, and of the calendars of this workspace
    files: tuple[str, ...]  # the files that documents name, from the root of the workspace
    types: Mapping[str, Type]  # by "canonical/time_entry@2"
    inputs: Mapping[tuple[str, str], Mapping[str, Type]]  # of mappings and policies, by kind and name
    policy: Callable[[str], PolicyAlone]  # a policy by itself, compiled when asked for
    meaning: Callable[[], Meaning]  # what it says, to be compared with another; worked out when asked for


def compile_workspace(
    workspace: Workspace, collector: Collector, covered: Covered | None = None, *, is_kept: bool = False
) -> Compiled | None:
    """The plan of a workspace, and its connectors made ready; None when the collector holds errors.

    With ``covered`` the code that is made takes down there what it comes by. A release that ``is_kept`` was
    found right when it was new. Its tests are not kept, so what rules demand of them is not asked again.
    """
    compilation = compile_all(workspace, collector, covered=covered, is_kept=is_kept)
    if collector.has_errors:
        return None
    plan = _plan(compilation)
    return Compiled(
        plan=plan,
        connectors=compilation.connectors,
        connections=compilation.connections,
        functions=compilation.functions,
        files=tuple(compilation.file_hashes),
        types=compilation.types,
        inputs=_inputs(compilation),
        policy=partial(policy_alone, compilation),
        meaning=partial(meaning_of, compilation, plan.release),
    )


def _inputs(compilation: Compilation) -> dict[tuple[str, str], Mapping[str, Type]]:
    mappings = {("mapping", name): found.inputs for name, found in compilation.mapping_types.items()}
    policies = {("policy", name): found.inputs for name, found in compilation.policy_types.items()}
    return mappings | policies


def compile_all(  # noqa: PLR0913 - what a look may be told
    workspace: Workspace,
    collector: Collector,
    seen: Seen | None = None,
    memo: Memo | None = None,
    *,
    covered: Covered | None = None,
    checks_only: bool = False,
    is_kept: bool = False,
    today: date | None = None,
) -> Compilation:
    """All tables of the compiler, as far as the documents let them be made; problems go to the collector.

    ``seen`` is told of each expression that is checked, which is what an editor wants to know; ``memo`` has
    what earlier looks at the same documents found out. With ``checks_only`` the problems are the same, and
    what is made cannot be run. After ``today`` some things are wrong of which before there is a warning.
    """
    probe = None if covered is None else Probe(covered)
    compilation = Compilation(
        workspace=workspace,
        collector=collector,
        seen=seen,
        memo=memo or Memo(),
        probe=probe,
        checks_only=checks_only,
        today=today,
    )
    for stage in STAGES:
        if not (is_kept and stage is check_rules):
            stage(compilation)
    return compilation


def _plan(compilation: Compilation) -> Plan:
    release = _release(compilation)
    flows = compilation.flows
    starts: dict[str, tuple[FlowPlan, ...]] = {}
    for flow in flows.values():
        starts[flow.event] = (*starts.get(flow.event, ()), flow)
    steps = [step for flow in flows.values() for step in flow.steps]
    policies = [policy for step in steps if isinstance(step, CheckStep) for policy in step.policies]
    return Plan(
        release=release,
        flows=flows,
        events=compilation.events,
        entities=_entities(compilation),
        sources=tuple(compilation.sources),
        schedules=tuple(compilation.schedules),
        starts=starts,
        rechecked_by=frozenset(
            policy.hold.until.event for policy in policies if policy.hold is not None and policy.hold.until
        ),
        waited_for=frozenset(step.event for step in steps if isinstance(step, WaitStep)),
        mappings=compilation.mappings,
        boosts=tuple(compilation.boosts),
        owners=compilation.owners,
        expectations=tuple(compilation.expectations),
    )


def _entities(compilation: Compilation) -> dict[str, EntityPlan]:
    latest = sorted(compilation.entities.values(), key=lambda model: model.version)
    return {
        model.name: EntityPlan(name=model.name, key=model.key, decode=decoder(model.type)) for model in latest
    }


def _release(compilation: Compilation) -> str:
    """The name of the release: the same meaning gives the same name, however it is laid out in files."""
    documents = {
        f"{document.kind} {document.name}@{document.version}": plain(document)
        for document in compilation.workspace.documents
        if not isinstance(document, FlowTestDocument)
    }
    return fingerprint({"language": LANGUAGE, "documents": documents, "files": dict(compilation.file_hashes)})
