"""Diagnostics over the protocol: of the whole workspace, as somebody types, and of unsaved texts before files."""

import asyncio
import shutil

import pytest

from engine.problems import codes
from tests.editor.client import CAPABILITIES, Client, copy_pack

pytestmark = pytest.mark.slow  # a server of the editor, spoken to over its protocol


def test_a_keystroke_is_checked_and_mended_again(desk):
    path = desk.folder / "mappings/billing.yaml"

    async def work():
        client = desk.client
        await client.open(path)
        await client.replace(path, "entry.minutes / 60", "entry.minuts / 60")
        await client.until_codes(path, "TG303")
        (found,) = client.of(path)
        assert client.text_at(path, found["range"]) == "minuts"
        assert found["severity"] == 1
        assert found["source"] == "tidegate"
        assert "did you mean `minutes`?" in found["message"]
        assert found["codeDescription"]["href"].endswith("/problems/pages/TG303.md")
        await client.replace(path, "minuts", "minutes")
        await client.until_codes(path)
        await client.shut(path)

    desk.run(work())


def test_a_change_of_one_document_is_told_of_in_others(desk):
    entity, mapping = desk.folder / "schemas/canonical/delivery.yaml", desk.folder / "mappings/billing.yaml"

    async def work():
        client = desk.client
        await client.open(entity)
        await client.replace(entity, "  worked_on:", "  done_on:")
        await client.until(lambda: "TG303" in client.codes(mapping))
        await client.shut(entity)  # not saved: the file on disk holds again
        await client.until_codes(mapping)

    desk.run(work())


def test_both_halves_of_a_contradiction_are_shown(desk):
    path = desk.folder / "policies/billing.yaml"

    async def work():
        client = desk.client
        text = await client.open(path)
        await client.write(
            path, text + "---\npolicy: long-day\ninputs: {x: string}\nwhen: x == ''\nthen: {reject: a}\n"
        )
        await client.until(lambda: "TG330" in client.codes(path))
        found = next(one for one in client.of(path) if one["code"] == "TG330")
        (other,) = found["relatedInformation"]
        assert other["location"]["uri"] == path.as_uri()
        assert client.text_at(path, other["location"]["range"]) == "long-day"
        await client.shut(path)
        await client.until_codes(path)

    desk.run(work())


def test_places_are_counted_as_the_editor_counts(desk):
    path = desk.folder / "mappings/billing.yaml"
    line = '  memo: {template: "😀😀 für {{ entry.notiz }}"}\n'

    async def work():
        client = desk.client
        text = await client.open(path)
        await client.write(
            path,
            text.replace(
                '  memo: {template: "{{ project.id }}', line + '  x: {template: "{{ project.id }}', 1
            ),
        )
        await client.until(lambda: "TG303" in client.codes(path))
        found = next(one for one in client.of(path) if one["code"] == "TG303")
        assert client.text_at(path, found["range"]) == "notiz"
        assert found["range"]["start"]["character"] == len('  memo: {template: "') + 4 + len(" für {{ entry.")
        await client.shut(path)

    desk.run(work())


def test_other_units_are_agreed_upon(pack):
    path = pack / "mappings/billing.yaml"
    capabilities = {**CAPABILITIES, "general": {"positionEncodings": ["utf-32"]}}

    async def work():
        client = await Client.start(pack, capabilities=capabilities)
        text = await client.open(path)
        await client.write(path, text.replace("KT-{{ entry.id }}", "😀 {{ entry.nr }}", 1))
        await client.until(lambda: "TG303" in client.codes(path))
        found = next(one for one in client.of(path) if one["code"] == "TG303")
        assert found["range"]["start"]["character"] == len('  externalId: {template: "😀 {{ entry.')
        assert await client.stop() == 0

    asyncio.run(work())


def test_what_was_typed_last_is_what_is_told(desk):
    path = desk.folder / "mappings/billing.yaml"

    async def work():
        client = desk.client
        await client.open(path)
        await client.replace(path, "entry.minutes / 60", "entry. / 60")
        before, word = client.published, "entry."
        for letter in "minutes":
            await client.replace(path, f"{word} / 60", f"{word}{letter} / 60")
            word += letter
            await asyncio.sleep(0.02)
        await client.replace(path, "hours: hours\n", "hours: hour\n")
        await client.until(lambda: client.codes(path) == ["TG302"])
        assert client.published - before <= 4  # not one look for each letter
        await client.shut(path)
        await client.until_codes(path)

    desk.run(work())


@pytest.mark.slow
def test_files_that_others_change_are_looked_at(pack):
    path, other = pack / "flows/milestone-to-invoice.yaml", pack / "policies/new.yaml"
    policy = (
        "policy: new\nowner: finance\ninputs: {x: nonsense}\nwhen: x == 1\nthen: {reject: a}\nreason: Why.\n"
    )
    watching = {**CAPABILITIES, "workspace": {"didChangeWatchedFiles": {"dynamicRegistration": True}}}

    async def work():
        client = await Client.start(pack, capabilities=watching)
        await client.until(
            lambda: any(one.get("method") == "client/registerCapability" for one in client.messages)
        )

        async def changed(file, kind):
            await client.tell(
                "workspace/didChangeWatchedFiles", {"changes": [{"uri": file.as_uri(), "type": kind}]}
            )

        other.write_text(policy, encoding="utf-8")
        await changed(other, 1)
        await client.until(lambda: "TG310" in client.codes(other))
        other.unlink()
        await changed(other, 3)
        await client.until_codes(other)
        path.rename(pack / "flows/renamed.yaml")
        await changed(path, 3)
        tests = pack / "flows/milestone-to-invoice.test.yaml"
        (pack / "flows/renamed.yaml").unlink()
        await changed(pack / "flows/renamed.yaml", 3)
        await client.until(lambda: "TG325" in client.codes(tests))
        assert await client.stop() == 0

    asyncio.run(work())


@pytest.mark.slow
def test_several_workspaces_are_open_at_once_and_closed_alone(tmp_path):
    one, two = (
        copy_pack(tmp_path / "one" if (tmp_path / "one").mkdir() is None else tmp_path),
        tmp_path / "two",
    )
    shutil.copytree(one, two)
    for folder in (one, two):
        path = folder / "policies/billing.yaml"
        text = path.read_text(encoding="utf-8")
        path.write_text(text.replace("entry.minutes >", "entry.minuten >"), encoding="utf-8")

    async def work():
        client = await Client.start(one, two)
        for folder in (one, two):
            await client.until(
                lambda folder=folder: "TG303" in client.codes(folder / "policies/billing.yaml")
            )
        removed = {"uri": two.as_uri(), "name": "two"}
        await client.tell(
            "workspace/didChangeWorkspaceFolders", {"event": {"added": [], "removed": [removed]}}
        )
        await client.until_codes(two / "policies/billing.yaml")
        assert "TG303" in client.codes(one / "policies/billing.yaml")
        assert await client.stop() == 0

    asyncio.run(work())


def test_a_file_that_nobody_reads_says_so(tmp_path):
    inside, outside = (
        copy_pack(tmp_path / "w" if (tmp_path / "w").mkdir() is None else tmp_path),
        tmp_path / "x",
    )
    outside.mkdir()
    flow = "flow: lonely\ntrigger: {event: x}\nsteps: {}\n"

    async def work():
        client = await Client.start(inside)
        lonely, misplaced, foreign = outside / "flow.yaml", inside / "flow.yaml", outside / "compose.yaml"
        for path, text in ((lonely, flow), (misplaced, flow), (foreign, "services: {}\n")):
            await client.open(path, text)
        await client.until(lambda: client.of(lonely) and client.of(misplaced))
        assert "no Tidegate workspace" in client.of(lonely)[0]["message"]
        assert "flows/" in client.of(misplaced)[0]["message"]
        assert client.of(lonely)[0]["severity"] == 3
        await client.ask("textDocument/documentSymbol", {"textDocument": {"uri": foreign.as_uri()}})
        assert foreign.as_uri() not in client.diagnostics
        assert await client.stop() == 0

    asyncio.run(work())


def test_a_flow_that_is_not_saved_yet_is_a_document(desk):
    path = desk.folder / "flows/unsaved.yaml"
    flow = "flow: unsaved\ntrigger: {event: nothing.of.the.kind}\nsteps:\n  a: {emit: time_entry.billed}\n"

    async def work():
        await desk.client.open(path, flow)
        await desk.client.until(lambda: "TG313" in desk.client.codes(path))
        await desk.client.shut(path)
        await desk.client.until_codes(path)

    desk.run(work())


def test_every_code_has_the_page_that_diagnostics_link_to():
    assert all(codes.page(code) for code in codes.CODES)
