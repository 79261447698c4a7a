"""Typical logs: forms of files, letters, texts and scores. An unclear entry is an error with its line."""

import json

import pytest

from leaderboard.load.option_scores import probabilities_of, scale_of
from leaderboard.load.predictions import read_choices
from leaderboard.load.seen_items import read_seen
from recipe_mpr_task.data import load_sample
from recipe_mpr_task.errors import RecipeMPRError

ITEM, OTHER = load_sample()[:2]
IDS = [option.recipe_id for option in ITEM.options]
TEXTS = [option.text for option in ITEM.options]
ID = {"item_id": ITEM.item_id}
SCORES = dict(zip(IDS, (0.1, 0.5, 0.2, 0.1, 0.1), strict=True))


def choice_of(tmp_path, line, order=None):
    path = tmp_path / "p.jsonl"
    path.write_text(line if isinstance(line, str) else json.dumps(line))
    (choice,) = read_choices(path, order)
    return choice


NAMED = {
    "recipe id": ({"option_id": IDS[1]}, 1),
    "text in other case and blanks": ({"option": f"  {TEXTS[1].upper()}\n"}, 1),
    "text beside the id": ({"option": TEXTS[1], "option_id": IDS[1]}, 1),
    "lower-case letter": ({"letter": "b", "option_ids": IDS}, 1),
    "letter with a point": ({"letter": "B.", "options": TEXTS}, 1),
    "letter in brackets": ({"letter": " (B) ", "options": TEXTS}, 1),
    "bold letter": ({"letter": "**B**", "options": TEXTS}, 1),
    "texts with their letters": (
        {"letter": "B", "options": [f"{letter}) {text}" for letter, text in zip("ABCDE", TEXTS, strict=True)]},
        1,
    ),
    "scores by id": ({"scores": SCORES}, 1),
    "scores by text": ({"scores": dict(zip(TEXTS, SCORES.values(), strict=True))}, 1),
    "scores in a list": ({"scores": [0, -1, 5, 1, 2], "option_ids": IDS[::-1]}, 2),
    "scores by letter": ({"scores": dict(zip("ABCDE", (3, 1, 2, 0, 0), strict=True)), "options": TEXTS}, 0),
    "scores beside a letter of an unknown order": ({"scores": SCORES, "letter": "E"}, 1),
}


@pytest.mark.parametrize("name", NAMED)
def test_an_option_is_named_by_id_text_letter_or_scores(name, tmp_path):
    fields, place = NAMED[name]
    choice = choice_of(tmp_path, ID | fields)
    assert (choice.chosen, choice.is_unread, choice.is_unparsed) == ((IDS[place],), False, False)


def test_a_query_names_the_item(tmp_path):
    choice = choice_of(tmp_path, {"query": f" {ITEM.query.upper()} ", "option_id": IDS[0]})
    assert (choice.item_id, choice.chosen) == (ITEM.item_id, (IDS[0],))


def test_tied_scores_are_several_choices_even_where_one_is_named(tmp_path):
    scores = SCORES | {IDS[3]: 0.5}
    choice = choice_of(tmp_path, ID | {"scores": scores, "option_id": IDS[3]})
    assert set(choice.chosen) == {IDS[1], IDS[3]}


def test_where_only_the_right_letter_is_told_a_wrong_choice_is_unknown(tmp_path):
    choice = choice_of(tmp_path, ID | {"letter": "A", "gold_letter": "C"})
    assert (choice.chosen, choice.is_unread, choice.place, choice.gold_place) == ((), True, 0, 2)
    choice = choice_of(tmp_path, ID | {"letter": "c", "gold_letter": "C"})
    assert (choice.chosen, choice.is_unread) == ((ITEM.gold,), False)
    choice = choice_of(tmp_path, ID | {"letter": None, "gold_letter": "C", "option_id": None})
    assert choice.is_unparsed


UNCLEAR = {
    "a number as letter": ({"letter": 1, "options": TEXTS}, "letter '1'; expected A, B, C, D, E or null"),
    "a truth value as letter": ({"letter": True, "options": TEXTS}, "letter 'True'; expected A"),
    "two letters": ({"letter": "A or B", "options": TEXTS}, "letter 'A or B'; expected A"),
    "a Cyrillic letter": ({"letter": "\u0410", "options": TEXTS}, "expected A, B, C, D, E or null"),
    "NaN as letter": ({"letter": float("nan"), "options": TEXTS}, "letter 'nan'; expected A"),
    "a text that is none": (
        {"option": "nothing of the kind"},
        "option 'nothing of the kind' is not one of its options",
    ),
    "a letter as text": ({"option": "B"}, "option 'B' is not one of its options"),
    "a text in the place of an id": ({"option_id": TEXTS[0]}, "is not one of its options"),
    "a list as id": ({"option_id": [IDS[0]]}, "is not one of its options"),
    "id and text that differ": ({"option_id": IDS[0], "option": TEXTS[1]}, "option_id says .*, option says"),
    "scores that contradict": (
        {"option_id": IDS[0], "scores": SCORES},
        f"option_id says {IDS[0]}, but {IDS[1]} has the best score",
    ),
    "scores beside no answer": (
        {"option_id": None, "scores": SCORES},
        "option_id says null, but .* the best score",
    ),
    "scores against a wrong letter": (
        {"letter": "A", "gold_letter": "B", "scores": dict.fromkeys(IDS, 0) | {ITEM.gold: 1}},
        "letter says a wrong option, but .* has the best score",
    ),
    "four scores": (
        {"scores": dict(list(SCORES.items())[:4])},
        "expected the scores of its five options.*: 4 are given",
    ),
    "a strange score": ({"scores": {**SCORES, "total": 1}}, "'total' is not an option"),
    "scores without order": ({"scores": [1, 2, 3, 4, 5]}, "scores in a list or by letter need the option order"),
    "six scores": ({"scores": [1, 2, 3, 4, 5, 6], "options": TEXTS}, "6 scores; expected five, one for each"),
    "a score that is NaN": ({"scores": SCORES | {IDS[0]: float("nan")}}, "the score nan is not a finite number"),
    "an infinite score": ({"scores": SCORES | {IDS[0]: float("inf")}}, "the score inf is not a finite number"),
    "a huge score": ({"scores": SCORES | {IDS[0]: 10**400}}, "is not a finite number"),
    "a score as text": ({"scores": SCORES | {IDS[0]: "0.1"}}, "the score 0.1 is text"),
    "a score that is a truth value": ({"scores": SCORES | {IDS[0]: True}}, "the score True is not a finite number"),
    "no score": ({"scores": SCORES | {IDS[0]: None}}, "the score None is not a finite number"),
    "scores as a text": ({"scores": "1,2,3"}, "expected an object by option, or a list of five"),
}


@pytest.mark.parametrize("name", UNCLEAR)
def test_an_unclear_line_is_an_error_and_no_guess(name, tmp_path):
    fields, message = UNCLEAR[name]
    with pytest.raises(RecipeMPRError, match=f"line 1: .*{message}"):
        choice_of(tmp_path, ID | fields)


GOOD = [ID | {"option_id": IDS[0]}, {"item_id": OTHER.item_id, "option_id": None}]
FORMS = {
    "lines": "\n".join(map(json.dumps, GOOD)),
    "lines of Windows, after a byte order mark": "\ufeff" + "\r\n".join(map(json.dumps, GOOD)) + "\r\n\r\n",
    "an array": json.dumps(GOOD, indent=1),
    "an object by id": json.dumps({line["item_id"]: {"option_id": line["option_id"]} for line in GOOD}),
    "an object by query": json.dumps(
        {item.query: {"option_id": line["option_id"]} for item, line in zip((ITEM, OTHER), GOOD, strict=True)}
    ),
    "an object by other keys": json.dumps(dict(enumerate(GOOD))),
}


@pytest.mark.parametrize("form", FORMS)
def test_lines_arrays_and_objects_are_read_alike(form, tmp_path):
    (tmp_path / "p").write_text(FORMS[form], encoding="utf-8", newline="")
    choices = read_choices(tmp_path / "p", None)
    assert [(choice.item_id, choice.chosen) for choice in choices] == [(ITEM.item_id, (IDS[0],)), (OTHER.item_id, ())]


NOT_READ = {
    "a summary among the lines": (json.dumps(GOOD[0]) + '\n{"accuracy": 0.8}', "line 2: no item_id or query; .*remove"),
    "an entry without item": ('[{"accuracy": 1}]', "entry 1: no item_id or query"),
    "an array of no objects": ("[1, 2]", "entry 1 and 1 more: not a JSON object"),
    "half an array": ('[{"item_id": "x"},', "starts like a JSON array, but is not one"),
    "entries under a key": (json.dumps({"n": 2, "predictions": GOOD}), "a list of entries in 'predictions'"),
    "an id against its key": ('{"sample-00": {"item_id": "sample-01", "option_id": null}}', "has the item_id"),
    "a key twice": ('{"item_id": "sample-00", "letter": "A", "letter": "B"}', "the key 'letter' appears twice"),
    "an item twice in an object": ('{"sample-00": {"option_id": null}, "sample-00": {"option_id": null}}', "twice"),
    "a table": ("item_id,option_id\nsample-00,x", "line 1 and 1 more: not a JSON object; expected JSONL"),
}


@pytest.mark.parametrize("name", NOT_READ)
def test_other_files_are_one_clear_error(name, tmp_path):
    text, message = NOT_READ[name]
    (tmp_path / "p").write_text(text)
    with pytest.raises(RecipeMPRError, match=message):
        read_choices(tmp_path / "p", None)


def test_a_file_in_another_encoding_is_named(tmp_path):
    (tmp_path / "p").write_bytes(json.dumps(GOOD[0]).encode("utf-16"))
    with pytest.raises(RecipeMPRError, match="is not UTF-8 text"):
        read_choices(tmp_path / "p", None)


def test_seen_items_are_read_from_lines_and_lists_by_id_or_query(tmp_path):
    names = [ITEM.item_id, OTHER.query.upper()]
    for text in ("\n".join(names) + "\n\n", json.dumps(names)):
        (tmp_path / "seen").write_text(text)
        assert read_seen(tmp_path / "seen") == {ITEM.item_id, OTHER.item_id}
    for text, message in (("sample-00\nsample-99", "entry 2: 'sample-99'"), ('{"train": []}', "expected a JSON list")):
        (tmp_path / "seen").write_text(text)
        with pytest.raises(RecipeMPRError, match=message):
            read_seen(tmp_path / "seen")


def test_scores_are_probabilities_only_on_a_known_scale():
    uneven = (0.7, 0.1, 0.1, 0.05, 0.05)
    assert scale_of([uneven, (0.2,) * 5]) == "probabilities"
    assert scale_of([(-1.0, -2.0, -3.0, 0.0, -9.0)]) == "log"
    for entailment in ([uneven, (0.9, 0.9, 0.0, 0.0, 0.0)], [(-1.0,) * 5, (1.0,) * 5], []):
        assert scale_of(entailment) is None
    assert probabilities_of(uneven, None) is None
    assert probabilities_of((0.0,) * 5, "log") == pytest.approx((0.2,) * 5)
    assert probabilities_of(uneven, "probabilities") == pytest.approx(uneven)


@pytest.mark.parametrize("key", ["item_id", "query"])
def test_an_object_maps_items_to_bare_choices(key, tmp_path):
    items = load_sample()
    chosen = {getattr(item, key): item.options[k % 5].recipe_id for k, item in enumerate(items)}
    (tmp_path / "p.json").write_text(json.dumps(chosen))
    choices = read_choices(tmp_path / "p.json", None)
    assert {choice.item_id: choice.chosen for choice in choices} == {
        item.item_id: (item.options[k % 5].recipe_id,) for k, item in enumerate(items)
    }


def test_a_field_that_no_entry_has_is_named_with_the_nearest(tmp_path):
    (tmp_path / "p").write_text(json.dumps({"item_id": ITEM.item_id, "prediction": IDS[0]}))
    with pytest.raises(RecipeMPRError, match=r"--field option_id=predicton: .*; did you mean prediction\?"):
        read_choices(tmp_path / "p", None, {"option_id": "predicton"})
