"""Results for a person, for a program, and for a CI server (JUnit's XML)."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any
from xml.etree import ElementTree as ET

from engine.flowtest.result import Failure, Result
from engine.values.json_text import write_json

Paint = Callable[[str, str], str]  # style (good, bad, bold, dim) and text to text

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def render_text(results: Sequence[Result], paint: Paint, note: str = "") -> str:
    """One line a test, the failures in full, and how many there are; first what is special about this run."""
    lines = [_line(result, paint) for result in results]
    for result in results:
        if not result.passed:
            lines.extend(("", *_in_full(result, paint)))
    told = [paint("dim", note), ""] if note else []
    return "\n".join([*told, *lines, *([""] if lines else []), summary(results)])


def summary(results: Sequence[Result]) -> str:
    """How many there are, and how many failed: `4 tests: 3 passed, 1 failed.`."""
    failed = sum(not result.passed for result in results)
    many = f"{len(results):,} test{'' if len(results) == 1 else 's'}"
    if not results:
        return "no tests."
    return (
        f"{many}: all passed."
        if not failed
        else f"{many}: {len(results) - failed:,} passed, {failed:,} failed."
    )


def _line(result: Result, paint: Paint) -> str:
    mark = paint("good", "ok  ") if result.passed else paint("bad", "FAIL")
    return f"{mark}  {result.title}"


def _in_full(result: Result, paint: Paint) -> Iterator[str]:
    yield f"{paint('bad', 'FAIL')}  {paint('bold', result.title)}"
    for failure in result.failures:
        yield from _failure(failure, paint)


def _failure(failure: Failure, paint: Paint) -> Iterator[str]:
    yield f"  {failure.message}  {paint('dim', failure.place)}"
    for word, text, style in (("expected", failure.expected, "good"), ("found", failure.found, "bad")):
        if text is not None:
            first, *others = text.split("\n")
            yield f"    {word:8} {paint(style, first)}"
            yield from (f"    {'':8} {paint(style, other)}" for other in others)
    yield from (f"    {paint('dim', 'help:')} {line}" for line in failure.help)


def render_json(results: Sequence[Result], more: Mapping[str, object] | None = None) -> str:
    """`{"ok", "passed", "failed", "tests": [...]}`; its schema is docs/reference/test-report.schema.json."""
    failed = sum(not result.passed for result in results)
    found = {
        "ok": not failed,
        "passed": len(results) - failed,
        "failed": failed,
        "tests": [_test(result) for result in results],
        **(more or {}),
    }
    return write_json(found, indent=True).decode()


def _test(result: Result) -> dict[str, object]:
    document = result.document
    kind = "flow" if document.flow else "mapping" if document.mapping is not None else "policy"
    return {
        "test": str(document.test),
        "case": result.case,
        kind: str(document.subject),
        "file": document.span.source.name,
        "line": document.test.span.line,
        "ok": result.passed,
        "milliseconds": round(result.seconds * 1000),
        "failures": [_as_json(failure) for failure in result.failures],
    }


def _as_json(failure: Failure) -> dict[str, object]:
    return {
        "message": failure.message,
        "file": failure.span.source.name,
        "line": failure.span.line,
        "column": failure.span.column,
        "expected": failure.expected,
        "found": failure.found,
        "help": list(failure.help),
    }


def render_junit(results: Sequence[Result]) -> str:
    """The XML that CI servers show: a suite for each file."""
    root = ET.Element("testsuites", name="tidegate", **_sums(results))
    by_file: dict[str, list[Result]] = {}
    for result in results:
        by_file.setdefault(result.document.span.source.name, []).append(result)
    for name, some in by_file.items():
        suite = ET.SubElement(root, "testsuite", name=_xml(name), skipped="0", **_sums(some))
        for result in some:
            _testcase(suite, result)
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode")


def _sums(results: Sequence[Result]) -> dict[str, Any]:
    failed = sum(not result.passed for result in results)
    seconds = sum(result.seconds for result in results)
    return {
        "tests": str(len(results)),
        "failures": str(failed),
        "errors": "0",
        "time": f"{seconds:.3f}",
    }


def _testcase(suite: ET.Element, result: Result) -> None:
    document = result.document
    one = ET.SubElement(
        suite,
        "testcase",
        classname=_xml(str(document.subject)),
        name=_xml(result.name),
        file=_xml(document.span.source.name),
        line=str(document.test.span.line),
        time=f"{result.seconds:.3f}",
    )
    if not result.passed:
        first = result.failures[0]
        message = _xml(f"{first.place}: {first.message}")
        text = ET.SubElement(one, "failure", message=message, type="expectation")
        text.text = _xml("\n".join(_plain(result.failures)))


def _plain(failures: Iterable[Failure]) -> Iterator[str]:
    for failure in failures:
        yield from _failure(failure, lambda _, text: text)


def _xml(text: str) -> str:
    return _NOT_XML.sub("\N{REPLACEMENT CHARACTER}", text)
