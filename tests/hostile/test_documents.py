"""Every hostile workspace is refused, or is none: within 2 s of CPU and 300 MB, and without a traceback."""

import re

import pytest

from tests.hostile.documents import DOCUMENTS
from tests.hostile.limits import tidegate


@pytest.mark.slow
@pytest.mark.parametrize("name", DOCUMENTS)
def test_is_refused_in_bounds(name, tmp_path):
    make, code = DOCUMENTS[name]
    (tmp_path / "flows").mkdir()
    make(tmp_path)
    ended = tidegate("validate", tmp_path)
    ended.assert_clean()
    codes = re.findall(r"^(TG\d+) ", ended.out, re.MULTILINE)
    assert any(one.startswith(code) for one in codes) if code else not codes or ended.code in (0, 1)
