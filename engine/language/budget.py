"""Bounds on expressions: what they may measure when read, and what they may use when run.

Every bound is counted, never timed, so the same expression on the same data always ends the same way.
"""

from engine.language.compiled import EvaluationError

MAX_CHARACTERS = 10_000  # of the text of one expression or template
MAX_NODES = 500
MAX_DEPTH = 40
MAX_COMPREHENSION_DEPTH = 8  # a `for` inside a `for` ...
MAX_GENERATORS = 5  # `for a in x for b in a.y ...`

MAX_ITERATIONS = 100_000  # of all comprehensions and loops in one evaluation
MAX_TEXT = 1_000_000  # characters of a text that a formula produces
MAX_TEMPLATE_OUTPUT = 100_000  # characters of a text that a template produces
MAX_LIST = 100_000
MAX_DIGITS = 4_000  # of a whole number; beyond 4,300 Python itself refuses to write it
MAX_BITS = 13_280  # a whole number of so many bits has fewer than MAX_DIGITS digits
MAX_POWER = 10_000  # the largest exponent of `**`
MAX_EXPONENT = 1_000  # of a number with a fraction, as in JSON text
PRECISION = 28  # significant digits of a result that is not exact


def charge(budget: list[int], count: int) -> None:
    """Take `count` iterations from what one evaluation has left (`budget` holds one number)."""
    budget[0] -= count
    if budget[0] < 0:
        raise EvaluationError(f"went through more than {MAX_ITERATIONS:,} items")


def bounded_text(text: str) -> str:
    """The text itself, unless it is longer than an expression may produce."""
    if len(text) > MAX_TEXT:
        bounded_characters(len(text))
    return text


def bounded_characters(count: int) -> int:
    """The length of a text to be made, unless it is more than an expression may produce."""
    if count > MAX_TEXT:
        raise EvaluationError(f"produced a text of more than {MAX_TEXT:,} characters")
    return count


def bounded_length(count: int) -> int:
    """The length of a list to be made, unless it is more than an expression may produce."""
    if count > MAX_LIST:
        raise EvaluationError(f"produced a list of more than {MAX_LIST:,} items")
    return count


def bounded_integer(number: int) -> int:
    """The whole number itself, unless it has more digits than an expression may produce."""
    if number.bit_length() > MAX_BITS:
        raise EvaluationError(f"produced a whole number of more than {MAX_DIGITS:,} digits")
    return number
