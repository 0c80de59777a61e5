"""Results for a person, for a program, and for a CI server (JUnit's XML)."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from xml.etree import ElementTree as ET

from engine.flowtest.result import Failure, Result
from engine.values.json_text import write_json

Paint = Callable[[str, str], str]  # style (good, bad, bold, dim) and text to text

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def render_text(results: Sequence[Result], paint: Paint) -> str:
    """One line a test, the failures in full, and how many there are."""
    lines = [_line(result, paint) for result in results]
    for result in results:
        if not result.passed:
            lines.extend(("", *_in_full(result, paint)))
    return "\n".join([*lines, *([""] if lines else []), summary(results)])


def summary(results: Sequence[Result]) -> str:
    """How many there are, and how many failed: `4 tests: 3 passed, 1 failed.`."""
    failed = sum(not result.passed for result in results)
    many = f"{len(results)} test{'' if len(results) == 1 else 's'}"
    if not results:
        return "no tests."
    return (
        f"{many}: all passed." if not failed else f"{many}: {len(results) - failed} passed, {failed} failed."
    )


def _line(result: Result, paint: Paint) -> str:
    mark = paint("good", "ok  ") if result.passed else paint("bad", "FAIL")
    return f"{mark}  {result.document.flow}: {result.document.test}"


def _in_full(result: Result, paint: Paint) -> Iterator[str]:
    document = result.document
    yield f"{paint('bad', 'FAIL')}  {paint('bold', f'{document.flow}: {document.test}')}"
    for failure in result.failures:
        yield from _failure(failure, paint)


def _failure(failure: Failure, paint: Paint) -> Iterator[str]:
    yield f"  {failure.message}  {paint('dim', failure.place)}"
    for word, text in (("expected", failure.expected), ("found", failure.found)):
        if text is not None:
            first, *others = text.split("\n")
            yield f"    {word:8} {first}"
            yield from (f"    {'':8} {other}" for other in others)


def render_json(results: Sequence[Result]) -> str:
    """`{"ok", "passed", "failed", "tests": [...]}`."""
    failed = sum(not result.passed for result in results)
    found = {
        "ok": not failed,
        "passed": len(results) - failed,
        "failed": failed,
        "tests": [_test(result) for result in results],
    }
    return write_json(found, indent=True).decode()


def _test(result: Result) -> dict[str, object]:
    document = result.document
    return {
        "test": str(document.test),
        "flow": str(document.flow),
        "file": document.span.source.name,
        "line": document.test.span.line,
        "ok": result.passed,
        "failures": [
            {
                "message": failure.message,
                "file": failure.span.source.name,
                "line": failure.span.line,
                "column": failure.span.column,
                "expected": failure.expected,
                "found": failure.found,
            }
            for failure in result.failures
        ],
    }


def render_junit(results: Sequence[Result]) -> str:
    """The XML that CI servers show."""
    failed = sum(not result.passed for result in results)
    root = ET.Element("testsuites")
    suite = ET.SubElement(
        root, "testsuite", name="tidegate", tests=str(len(results)), failures=str(failed), errors="0"
    )
    for result in results:
        document = result.document
        one = ET.SubElement(
            suite,
            "testcase",
            classname=_xml(str(document.flow)),
            name=_xml(str(document.test)),
            file=_xml(document.span.source.name),
            line=str(document.test.span.line),
            time=f"{result.seconds:.3f}",
        )
        if not result.passed:
            first = result.failures[0]
            text = ET.SubElement(one, "failure", message=_xml(f"{first.place}: {first.message}"))
            text.text = _xml("\n".join(_plain(result.failures)))
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode")


def _plain(failures: Iterable[Failure]) -> Iterator[str]:
    for failure in failures:
        yield from _failure(failure, lambda _, text: text)


def _xml(text: str) -> str:
    return _NOT_XML.sub("\N{REPLACEMENT CHARACTER}", text)
