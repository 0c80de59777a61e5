"""Small processes with scripted systems."""

import pytest

from tests.runtime.scripted import Small


@pytest.fixture
def small(tmp_path):
    """Makes a process of the steps of one flow called f, and of further documents."""

    def make(steps, *documents, event="item.made"):
        flow = f"flow: f\ntrigger: {{event: {event}, as: item}}\nsteps:\n"
        indented = "".join(f"  {line}\n" for line in steps.strip("\n").splitlines())
        return Small(tmp_path, flow + indented, *documents)

    return make
