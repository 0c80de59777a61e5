"""The settings that the page about editors shows are settings, and name what there is."""

import json
import re
import tomllib
from pathlib import Path

import pytest

from engine.cli.main import COMMANDS

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/editor.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", PAGE, flags=re.MULTILINE | re.DOTALL)


def test_each_block_can_be_read():
    for language, text in BLOCKS:
        if language == "json":
            json.loads(text)
        elif language == "toml":
            assert tomllib.loads(text)["language-server"]["tidegate"]["args"] == ["lsp"]
    assert {language for language, _ in BLOCKS} == {"json", "toml", "lua"}


def test_the_schemas_of_the_settings_are_there_and_fit_files_of_the_pack():
    settings = [json.loads(text) for language, text in BLOCKS if language == "json"]
    (schemas,) = [one["yaml.schemas"] for one in settings if "yaml.schemas" in one]
    for file, patterns in schemas.items():
        assert (ROOT / file).is_file()
        assert [pattern for pattern in patterns if not any(ROOT.glob(pattern))] == []


@pytest.mark.parametrize("command", sorted(set(re.findall(r"tidegate (lsp|schema)", PAGE))))
def test_the_commands_of_the_page_are_there(command):
    assert command in COMMANDS
