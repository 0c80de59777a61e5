"""A report as plain data: the contract of `tidegate diff --format json`."""

from engine.preview.meaning import Change
from engine.preview.report.report import Report, Side
from engine.values.value import Value


def as_json(report: Report) -> dict[str, Value]:
    """The report by the keys of schemas/output/diff.schema.json."""
    return {
        "old": _side(report.old),
        "new": _side(report.new),
        "summary": {
            "changes": len(report.changes),
            "touching": dict(report.touching()),
            "severities": dict(report.severities()),
        },
        "meaning": [_change(change) for change in report.changes],
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
