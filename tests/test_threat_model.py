"""The threat model is held by tests: each of its sentences names some, and all that it names are there."""

import ast
import re
from pathlib import Path

import pytest

from tests.tables import collected

TESTS = Path(__file__).parent
PAGE = TESTS.parent / "docs" / "threat_model.md"
ENTRIES = [" ".join(entry.split()) for entry in re.findall(r"^- (.*?)(?=^- |^#|\Z)", PAGE.read_text(), re.M | re.S)]


def functions_in(file):
    tree = ast.parse((TESTS / file).read_text())
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry[:40])
def test_each_sentence_of_the_threat_model_has_its_tests(entry):
    named = re.search(r"\[([^\]]+)\]$", entry)
    assert named, "no tests"
    attempts = {*collected("exploit_", "EXPLOITS"), *collected("honest_", "HONEST")}
    for name in named[1].split(", "):
        file, _, test = name.rpartition("::")
        assert test in (functions_in(file) if file else attempts), name


def test_the_page_has_all_its_parts():
    assert len(ENTRIES) >= 25
    headings = re.findall(r"^## (.*)", PAGE.read_text(), re.M)
    assert headings == ["Checked in every run", "Needed for `clean`", "Believed", "Not seen"]
