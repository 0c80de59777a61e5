"""Generated functions: read by Python when first called, the same function ever after, shown in tracebacks."""

import linecache
import traceback

import pytest

from engine.language.generate import Emitter


def made(line: str) -> tuple[object, str]:
    emitter = Emitter(("x",))
    emitter.used.add("x")
    return emitter.build("a test", emitter.assign(line))


def test_a_text_is_read_when_it_is_first_called() -> None:
    call, _ = made("this is no Python")
    with pytest.raises(SyntaxError):
        call({"x": 1})  # type: ignore[operator]


def test_the_first_call_and_the_second_are_the_same_function() -> None:
    call, source = made("[n_x]")
    assert call({"x": 1}) == [1]  # type: ignore[operator]
    code = call.__code__  # type: ignore[attr-defined]
    assert call({"x": 2}) == [2]  # type: ignore[operator]
    assert call.__code__ is code  # type: ignore[attr-defined]
    assert "".join(linecache.getlines(code.co_filename)) == source


def test_a_traceback_shows_the_line() -> None:
    call, _ = made("n_x['there is no such key']")
    for _ in range(2):
        with pytest.raises(TypeError) as told:
            call({"x": 1})  # type: ignore[operator]
        assert "n_x['there is no such key']" in "".join(traceback.format_exception(told.value))
