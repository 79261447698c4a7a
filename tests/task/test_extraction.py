"""Letters from realistic model output: accepted and rejected replies."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recipe_mpr_task.extraction import extract_letter

OPTIONS = (
    "Beef lasagna with low-fat cheese",
    "Vegetarian lasagna with mushrooms",
    "Cheesy lasagna with sausage",
    "Meat loaf",
    "Meat loaf with carrots and corn",
)

CASES = [
    # plain
    ("B", "B"), (" B", "B"), ("B.", "B"), ("B)", "B"), ("(B)", "B"), ("b", "B"), ("(b)", "B"), ("[B]", "B"),
    ("B\n", "B"), ("**B**", "B"), ("`B`", "B"), ('"B"', "B"), ("B:", "B"), ("A", "A"), ("E!", "E"),
    ("$\\boxed{D}$", "D"),
    ("\\boxed{\\text{C}}", "C"), ("B) Vegetarian lasagna with mushrooms", "B"),
    ("B. Vegetarian lasagna with mushrooms", "B"), ("A - Beef lasagna with low-fat cheese", "A"),
    ("C\n\nBecause it has sausage.", "C"), ("C, because of the sausage.", "C"),
    # statements
    ("Answer: C", "C"), ("Answer: (C)", "C"), ("answer: c", "C"), ("The answer is **C**", "C"),
    ("The answer is C.", "C"), ("The correct answer is (D).", "D"), ("The best option is E", "E"),
    ("Final answer: A", "A"), ("The answer is option B.", "B"), ("I would choose option D.", "D"), ("I pick C.", "C"),
    ("Answer: **B) Vegetarian lasagna with mushrooms**", "B"), ("<answer>B</answer>", "B"), ("Answer - E", "E"),
    ("My choice: D", "D"), ("The answer would be A.", "A"), ("So the answer must be C", "C"), ("Answer = B", "B"),
    ("The most suitable option is A: it is a beef lasagna that is light.", "A"), ("The answer is B<|im_end|>", "B"),
    ("The request needs meat, so B is wrong. The answer is A.", "A"),
    ("Option D and option E have no pasta. Therefore, the answer is A.", None),
    ("The answer is not B. The answer is C.", "C"),
    # thinking
    ("<think>Maybe A, maybe B.</think>C", "C"), ("<think>\n\n</think>\n\nB", "B"), ("</think>\n\nAnswer: D", "D"),
    ("<think>A or B? The answer is A.</think>\n\nThe answer is **B**.", "B"), ("<think>The answer is A", None),
    ("<think>x</think>", None), ("<think>a</think> <think>b</think> E", "E"),
    # quoting an option
    ("Vegetarian lasagna with mushrooms", "B"), ("I'd make the cheesy lasagna with sausage!", "C"), ("Meat loaf", "D"),
    ("Meat loaf with carrots and corn.", "E"), ("beef  lasagna with low fat cheese", "A"),
    ("Beef lasagna with low-fat cheese or vegetarian lasagna with mushrooms", None),
    # several, contradictory, none
    ("B or C", None), ("A and B", None), ("The answer is B or C.", None), ("Answer: A, B", None), ("Answer: A/B", None),
    ("The answer is A. No, the answer is B.", None), ("A) B) C) D) E)", None),
    ("A) Beef lasagna B) Vegetarian lasagna", None), ("B) Cheesy lasagna with sausage", None),
    ("The answer is B: Cheesy lasagna with sausage", None), ("Both A and D would work.", None),
    ("", None), ("   ", None),
    ("F", None), ("I cannot tell.", None), ("A good choice is hard to make.", None), ("Any of them.", None),
    ("Apple", None), ("Best regards", None), ("None of the options", None), ("The answer is a lasagna.", None),
    ("I choose a light dish.", None), ("42", None), ("E. coli is a risk in B.", None), ("Dessert", None),
]  # fmt: skip


def test_the_table_is_long_enough():
    assert len(CASES) >= 60
    assert len({text for text, _ in CASES}) == len(CASES)


@pytest.mark.parametrize(("text", "letter"), CASES)
def test_extraction(text, letter):
    assert extract_letter(text, OPTIONS) == letter


@given(st.text())
def test_no_text_breaks_it(text):
    assert extract_letter(text, OPTIONS) in (None, *"ABCDE")


@given(
    st.lists(
        st.sampled_from(
            ["A", "B", "C", ")", "(", " or ", "answer is ", "\n", "</think>", "<think>", "Meat loaf", "*", "not ", ". "]
        )
    )
)
def test_no_mix_of_its_own_words_breaks_it(parts):
    assert extract_letter("".join(parts), OPTIONS) in (None, *"ABCDE")


@given(
    st.sampled_from("ABCDE"),
    st.sampled_from("ABCDE"),
    st.sampled_from(["{} or {}", "{} and {}", "{}/{}", "{}, {}", "Answer: {} or {}"]),
)
def test_two_letters_earn_nothing(a, b, form):
    if a != b:
        assert extract_letter(form.format(a, b), OPTIONS) is None
