"""Tests of a workspace, run as `tidegate test` runs them."""

from engine import session as sessions
from engine.flowtest import Options, Subject, Suite, cases, choose

ENTRY = """given:
  event: {data: {$file: fixtures/entry.json}}
  erp.project: {id: P-7, status: open, rate: 100}
"""
HEAD = """test: one
flow: approved-time-to-billing
now: 2026-05-29T09:00:05Z
"""

WAITING = """
---
entity: consent
owner: finance
key: id
fields: {id: {type: string, required: true}, project: {type: string, required: true}}
---
event: consent.given
owner: finance
data: canonical/consent@1
identity: data.id
---
entity: reminder
owner: finance
key: id
keep: none
fields: {id: {type: string, required: true}, at: {type: datetime, required: true}}
---
event: time.agreed
owner: finance
data: canonical/reminder@1
identity: data.id
"""
WAITING_FLOW = """
---
flow: time-waits
owner: finance
trigger: {event: time.approved, as: entry}
steps:
  consent: {wait: {event: consent.given, where: event.data.project == entry.project, timeout: 3 days}}
  agreed:
    needs: consent
    emit: time.agreed
    with: {id: consent.id, at: now}
---
flow: splits
owner: finance
trigger: {event: time.approved, as: entry, where: entry.splits is not None}
steps:
  each:
    for_each: {in: "entry.splits || `[]`", as: split, key: split.task}
    write: erp.line
    with: {key: split.task, name: split.task}
    irreversible: A line stays.
"""


def subject_of(session, covered=None):
    ready = session.ready
    return Subject(
        plan=ready.plan,
        connectors=ready.connectors,
        types=ready.types,
        inputs=ready.inputs,
        policy=ready.policy,
        covered=covered,
    )


def suite_of(session, options=None):
    return Suite(session.workspace, subject_of(session), options)


def chosen(session):
    return cases(choose(session.workspace, (), None))


def play(folder, text, **options):
    """The results of the tests of a text, in place of those of the workspace."""
    (folder / "flows" / "billing.test.yaml").write_text(text)
    session = sessions.load(folder)
    suite = suite_of(session, Options(**options))
    return [suite.run(one, lambda: 0.0) for one in chosen(session)]


def told(results):
    """What is wrong with each, as lines."""
    return [
        [f"{failure.message}: {failure.expected} / {failure.found}" for failure in result.failures]
        for result in results
    ]
