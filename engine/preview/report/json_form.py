"""A report as plain data: the contract of `tidegate diff --format json`."""

from engine.preview.behaviour import Behaviour
from engine.preview.behaviour.tally import Group
from engine.preview.meaning import Change
from engine.preview.report import words
from engine.preview.report.report import Report, Side
from engine.values.value import Value


def as_json(report: Report) -> dict[str, Value]:
    """The report by the keys of schemas/output/diff.schema.json."""
    found: dict[str, Value] = {
        "old": _side(report.old),
        "new": _side(report.new),
        "summary": {
            "changes": len(report.changes),
            "touching": dict(report.touching()),
            "severities": dict(report.severities()),
        },
        "meaning": [_change(change) for change in report.changes],
    }
    if report.behaviour is not None:
        found["behaviour"] = _behaviour(report.behaviour)
    return found


def _behaviour(found: Behaviour) -> Value:
    return {
        "summary": words.summary(found),
        "events": found.events,
        "runs": found.runs,
        "decided_once": found.decided_once,
        "differing": found.differing,
        "refused": list(found.refused),
        "not_compared": [
            {
                "flow": one.flow,
                "event": one.event,
                "entity": one.record.entity,
                "id": one.record.id,
                "old_lacks": list(one.old),
                "new_lacks": list(one.new),
            }
            for one in found.unplayed
        ],
        "differences": [_group(group) for group in found.groups],
        "money": [
            {
                "flow": line.flow,
                "step": line.step,
                "field": line.field,
                "currency": line.currency,
                "sorted_by": dict(line.sorted_by),
                "old": line.old,
                "new": line.new,
                "net": line.net,
            }
            for line in found.money
        ],
        "moved": [
            {"entity": entity, "by": name, "old": old, "new": new, "records": sorted(ids)}
            for (entity, name, old, new), ids in sorted(found.moved.items())
        ],
    }


def _group(group: Group) -> Value:
    return {
        "flow": group.flow,
        "kind": group.kind,
        "step": group.step,
        "policy": group.policy,
        "field": group.field,
        "what": group.what,
        "count": len(group.found),
        "records": [
            {
                "event": one.event,
                "entity": one.record.entity,
                "id": one.record.id,
                "step": one.step,
                "old": one.old,
                "new": one.new,
            }
            for one in group.found
        ],
    }


def _side(side: Side) -> Value:
    return {"name": side.name, "release": side.release}


def _change(change: Change) -> Value:
    return {
        "kind": change.kind,
        "name": change.name,
        "place": list(change.place),
        "what": change.what,
        "aspect": change.aspect,
        "touches": change.touches,
        "severity": change.severity,
        "sentence": change.sentence,
        "old": change.old,
        "new": change.new,
        "file": change.file,
        "line": change.line,
        "via": list(change.via),
    }
