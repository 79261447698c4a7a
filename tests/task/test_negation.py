"""An option that matches the negated phrase scores lower, in evaluation and in the trainer's validation."""

import json
import shutil

import pytest
import torch

from recipe_mpr_task.errors import CheckpointError
from recipe_mpr_task.models.bi_encoder import BiEncoder
from recipe_mpr_task.models.checkpoint import open_checkpoint
from recipe_mpr_task.models.loading import LoadSettings
from recipe_mpr_task.models.negation import QUERY_FILE, negated_part

QUERIES = {
    "Lasagna without any cheese, for six": "any cheese",
    "I want a snack that isn't sweet but filling": "sweet",
    "I'm tired of rice and I have beans": "rice",
    "A lowland stew with notches": "",
    "Pasta": "",
}


@pytest.mark.parametrize(("query", "part"), QUERIES.items())
def test_the_negated_part_ends_with_its_clause(query, part):
    assert negated_part(query) == part


def head(folder):
    return BiEncoder(open_checkpoint(str(folder)), LoadSettings(device=torch.device("cpu")))


def test_half_of_the_likeness_is_taken_off_and_only_where_something_is_ruled_out(tiny_bert, tmp_path):
    asking = tmp_path / "model"
    shutil.copytree(tiny_bert, asking)
    (asking / QUERY_FILE).write_text(json.dumps({"negation": 0.5}))
    questions = [("soup without rice", ("rice soup", "bean soup")), ("rice soup", ("rice soup", "bean soup"))]
    plain, ruled_out = head(tiny_bert).score([*questions, ("rice", questions[0][1])]), head(asking).score(questions)
    assert ruled_out[1] == plain[1]
    assert ruled_out[0] == pytest.approx([a - 0.5 * b for a, b in zip(plain[0], plain[2], strict=True)], abs=1e-6)


@pytest.mark.parametrize("content", ['{"negation": 2}', '{"negation": true}', "[]", '{"negation": "x"}'])
def test_a_weight_that_is_none_is_an_error(tiny_bert, tmp_path, content):
    shutil.copytree(tiny_bert, tmp_path / "model")
    (tmp_path / "model" / QUERY_FILE).write_text(content)
    with pytest.raises(CheckpointError, match="a number from 0 to 1"):
        head(tmp_path / "model")
