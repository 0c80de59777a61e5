"""The tutorial, from an empty folder to the last command: what the page shows is what happens."""

import pytest

from tests.docs.reading import DOCS, Reader

TUTORIAL = DOCS / "tutorial.md"


@pytest.mark.slow
def test_the_tutorial_works_as_it_says(tmp_path, free_port):
    reader = Reader(tmp_path, {"8801": str(free_port)})
    try:
        reader.follow(TUTORIAL)
    finally:
        reader.close()
    assert not reader.differences, "\n".join(reader.differences)
