"""What the name of a release covers: everything that decides, or that says where something goes."""

import zlib

import pytest

from engine.errors import InputError
from engine.releases import read_plan
from engine.session import kept, load, snapshot, unpack_release
from engine.values.json_text import MAX_BYTES, write_json
from tests.workspaces.systems import hours


def release(folder):
    return load(folder).ready.plan.release


@pytest.mark.parametrize("kind", ["mappings", "policies", "flows", "connectors", "schemas"])
def test_a_word_in_any_folder_of_documents_makes_another_release(tmp_path, kind):
    folder = hours(tmp_path)
    before = release(folder)
    files = sorted((folder / kind).rglob("*.yaml"))
    documents = [one for one in files if ".test." not in one.name and "\nowner: " in one.read_text()]
    assert documents
    for file in documents:
        text = file.read_text()
        file.write_text(text.replace("\nowner: ", "\nowner: not-", 1))
        assert release(folder) != before, file
        file.write_text(text)
    assert release(folder) == before


def test_rows_of_a_table_a_calendar_and_the_settings_of_a_connection_are_covered(tmp_path):
    folder = hours(tmp_path)
    more, rows, connections = (
        folder / name for name in ("schemas/more.yaml", "schemas/rates.csv", "connectors/connections.yaml")
    )
    more.write_text(
        "table: rates\nversion: 1\nowner: finance\nkey: {code: string}\ncolumns: {rate: integer}\n"
        "file: rates.csv\n---\ncalendar: bank\nversion: 1\nowner: finance\ntime_zone: Europe/Berlin\n"
    )
    rows.write_text("code,rate\na,1\n")
    seen = [release(folder)]
    for file, old, new in (
        (rows, "a,1", "a,2"),
        (more, "Europe/Berlin", "Europe/Paris"),
        (connections, "erp.example.com", "erp.example.org"),
        (connections, "ERP_TOKEN", "OTHER_TOKEN"),
    ):
        file.write_text(file.read_text().replace(old, new))
        seen.append(release(folder))
    assert len({*seen}) == len(seen)


def test_what_was_kept_is_the_same_release(tmp_path):
    session = load(hours(tmp_path))
    again = kept(snapshot(session), compared=True)
    assert again.ready.plan.release == session.ready.plan.release
    assert again.ready.meaning() == session.ready.meaning()


def test_what_cannot_be_read_or_leads_out_is_refused(tmp_path):
    odd = ["../x.yaml", "", ".", "a" * 300, "a/" * 2_000 + "b", "a\0b"]
    files: list[object] = [[1], {"a": "x", "a/b": "y"}, *({name: "x"} for name in odd)]
    for content in (b"no zip", *(zlib.compress(write_json(one)) for one in files)):
        with pytest.raises(InputError):
            kept(content)


def test_a_release_of_many_large_tables_is_read_again(tmp_path):
    text = "x" * (MAX_BYTES + 1)
    unpack_release(zlib.compress(write_json({"tables/a.csv": text})), tmp_path)
    assert (tmp_path / "tables" / "a.csv").read_text() == text


def test_a_release_that_is_too_large_is_neither_kept_nor_read(tmp_path, monkeypatch):
    session = load(hours(tmp_path))
    whole = snapshot(session)
    with pytest.raises(InputError, match="cannot be read: it is cut off"):
        kept(whole[:-8])
    monkeypatch.setattr("engine.session.releases.MAX_RELEASE", 1_000)
    with pytest.raises(InputError, match="has more than 1,000 bytes"):
        kept(whole)
    with pytest.raises(InputError, match="a release has at most 1,000"):
        snapshot(session)
    monkeypatch.setattr("engine.releases.plan.MAX_PLAN", 1_000)
    with pytest.raises(InputError, match="a plan has at most 1,000"):
        read_plan(b" " * 1_001)
