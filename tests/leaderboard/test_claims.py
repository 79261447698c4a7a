"""Claims are compared with recomputed accuracies, and are in no table of measured systems."""

import json
import re

import pytest

from leaderboard.collect import read_rows
from leaderboard.rank.boards import build_boards
from leaderboard.rank.claims import scored_claims
from leaderboard.rank.published import published_claims
from leaderboard.site.results import to_results
from leaderboard.verify.forensics import RESULTS
from tests.support.prediction_files import drawn, imported, predictions

IMPORTED = sorted((RESULTS / "imported").glob("*.record.json"))
BOARDS = build_boards(read_rows([RESULTS])[0])
CLAIMS = {claim.system: claim for claim in scored_claims(BOARDS)}


def tables_of(text):
    """Return the rows of a Markdown document's tables as {heading: cell}, by the title above."""
    tables = {}
    for title, part in re.findall(r"^## ([^\n]+)\n(.*?)(?=^## |\Z)", text, re.M | re.S):
        for table in re.findall(r"(?:^\|.*\n)+", part, re.M):
            head, _, *lines = [[cell.strip() for cell in line.split("|")[1:-1]] for line in table.splitlines()]
            tables.setdefault(title, []).extend(dict(zip(head, line, strict=True)) for line in lines)
    return tables


def test_every_reported_and_every_imported_system_is_a_claim_once():
    imported = {json.loads(path.read_text())["run"]["config"]["model_args"]["name"] for path in IMPORTED}
    linked = {claim.recount for claim in published_claims()}
    own = imported - linked
    assert len(CLAIMS) == len(scored_claims(BOARDS))
    assert CLAIMS.keys() == {claim.system for claim in published_claims()} | own


def test_the_constant_letter_is_counted_in_the_order_that_the_system_saw():
    in_file_order = CLAIMS["GPT-3 (text-davinci-003) few-shot"].constant
    assert (in_file_order.letter, in_file_order.score.acc, in_file_order.score.n) == ("A", 1, 500)
    at_a = CLAIMS["DeepSeek-R1-Distill-Qwen-7B"].constant
    assert (at_a.letter, at_a.score.acc, at_a.score.n) == ("A", 1, 75)
    drawn = CLAIMS["Qwen2.5-3B-Instruct"].constant
    assert (drawn.letter, round(drawn.score.acc * drawn.score.n), drawn.score.n) == ("E", 17, 75)
    assert CLAIMS["BERT-large"].constant is None


@pytest.mark.parametrize(
    ("system", "says"),
    [
        ("GPT-3 (ada) embeddings", "The published answers give the claimed accuracy."),
        ("GPT-3 (text-davinci-003) few-shot", 'Always answering "A" is at least as accurate'),
        ("BERT-large Ultra", "Overlap: scored on all 500 items"),
        ("Qwen2.5-3B-Instruct LoRA v1", 'Always answering "E" is at least as accurate'),
        ("LLM-TRes", "Overlap: 10 of the 500 scored items"),
        ("BART-large-MNLI, zero-shot", "not the score of head=nli"),
    ],
)
def test_what_follows_is_said(system, says):
    assert says in CLAIMS[system].follows


def test_right_on_unseen_items_stands_beside_a_claim_on_seen_ones():
    unseen = CLAIMS["LLM-TRes"].unseen
    assert (round(unseen.acc * unseen.n), unseen.n) == (403, 490)


def test_a_claim_that_its_own_answers_contradict_says_so(tmp_path):
    lines = predictions(drawn, right=lambda number: number < 30, tells=("options",))
    imported(tmp_path, lines, claimed=0.9)
    (claim,) = [claim for claim in scored_claims(build_boards(read_rows([tmp_path])[0])) if claim.row]
    assert "The published answers give 50.0%, not 90.0%." in claim.follows


def test_results_keep_claims_out_of_the_tables_of_measured_systems():
    tables = tables_of(to_results(BOARDS))
    claims = tables.pop("Published claims")
    assert len(claims) == len(CLAIMS)
    shown = {row["System"] for table in tables.values() for row in table}
    evidence = {row["Evidence"] for table in tables.values() for row in table}
    assert evidence == {"run here", "recounted"}
    assert not shown & {claim.system for claim in published_claims()}
    assert all(not row["Recounted"] for row in claims if not CLAIMS[row["System"]].row)
