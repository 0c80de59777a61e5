"""A second look: the same result as a first one, and nothing read that did not change."""

from pathlib import Path

import pytest

from engine.compile.incremental import Incremental
from engine.session import ALL_KINDS
from engine.workspace import load_workspace

ENTITY = """\
entity: customer
about: Who pays.
version: 1
key: id
fields:
  id: { type: string, required: true }
  name: { type: string }
"""
NAME = "schemas/customer.yaml"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A workspace of one document."""
    (tmp_path / "schemas").mkdir()
    (tmp_path / NAME).write_text(ENTITY, encoding="utf-8")
    return tmp_path


def codes(look: object) -> list[str]:
    return [problem.code for problem in look.report().problems]  # type: ignore[attr-defined]


def test_a_document_that_did_not_change_is_the_same_object(folder: Path) -> None:
    (folder / "schemas/other.yaml").write_text(ENTITY.replace("customer", "vendor"), encoding="utf-8")
    looks = Incremental(folder, ALL_KINDS)
    first = {document.name: document for document in looks.update().workspace.documents}
    second = {
        document.name: document
        for document in looks.update({NAME: ENTITY.replace("name:", "called:")}).workspace.documents
    }
    assert second["vendor"] is first["vendor"]
    assert second["customer"] is not first["customer"]


def test_a_text_stands_for_its_file_until_it_is_given_back(folder: Path) -> None:
    looks = Incremental(folder, ALL_KINDS)
    assert codes(looks.update()) == []
    assert codes(looks.update({NAME: ENTITY.replace("fields", "felds")})) != []
    assert codes(looks.update()) != []
    assert codes(looks.update({NAME: None})) == []


def test_a_text_without_a_file_is_a_document_too(folder: Path) -> None:
    looks = Incremental(folder, ALL_KINDS)
    found = looks.update({"schemas/new.yaml": ENTITY})
    assert codes(found) == ["TG330"]
    assert codes(looks.update({"schemas/new.yaml": None})) == []


@pytest.mark.parametrize(
    "name", ["README.yaml", "schemas/.hidden.yaml", "schemas/x.txt", "docs/x.yaml", "schemas/tidegate/x.yaml"]
)
def test_a_text_elsewhere_is_none(folder: Path, name: str) -> None:
    assert codes(Incremental(folder, ALL_KINDS).update({name: ENTITY})) == []


def test_what_changed_on_disk_is_seen(folder: Path) -> None:
    looks = Incremental(folder, ALL_KINDS)
    looks.update()
    (folder / NAME).write_text("nothing: here\n", encoding="utf-8")
    assert codes(looks.update()) == [
        problem.code for problem in load_workspace(folder, ALL_KINDS)[1].report().problems
    ]
    (folder / NAME).unlink()
    assert codes(looks.update()) == []
