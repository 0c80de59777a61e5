"""One target under atheris, in a process of its own: ``python -m tests.fuzz.one TARGET [options of libFuzzer]``."""

import sys

import atheris

with atheris.instrument_imports(include=["engine.language", "engine.workspace", "engine.compile"]):
    from tests.fuzz.targets import TARGETS


def main() -> None:
    """Fuzz until the executions that were asked for are done, or something breaks."""
    target, *options = sys.argv[1:]
    atheris.Setup([sys.argv[0], *options], TARGETS[target]())
    atheris.Fuzz()


if __name__ == "__main__":
    main()
