"""Texts that commands and checks share: suggestions, faulty fields."""

import pytest
from pydantic import BaseModel, Field, ValidationError, field_validator

from recipe_mpr_task.field_faults import field_faults
from recipe_mpr_task.suggest import did_you_mean, nearest


class Inner(BaseModel):
    r: int


class Outer(BaseModel, extra="forbid"):
    inner: Inner
    counts: dict[str, int] = {}
    name: str = Field(max_length=5)

    @field_validator("name")
    @classmethod
    def _no_blank(cls, value):
        if value == "bad":
            raise ValueError("is bad")
        return value


def test_a_typo_gets_the_nearest_name():
    assert nearest("epoch", ["epochs", "seed"]) == "epochs"
    assert did_you_mean("epoch", ["epochs", "seed"]) == "; did you mean epochs?"
    assert nearest("xyz", ["epochs"]) is None
    assert not did_you_mean("xyz", ["epochs"])


def test_every_faulty_field_is_one_line():
    with pytest.raises(ValidationError) as error:
        Outer.model_validate({"inner": {"r": "x" * 99}, "counts": {1: 1}, "name": "bad", "more": 1})
    faults = field_faults(error.value)
    assert [(fault.where, fault.kind) for fault in faults] == [
        ("inner.r", "int_parsing"), ("counts.1", "string_type"), ("name", "value_error"), ("more", "extra_forbidden"),
    ]  # fmt: skip
    assert str(faults[2]) == "name: is bad"
    assert (len(faults[0].got), faults[2].got, faults[3].value) == (60, "'bad'", 1)
