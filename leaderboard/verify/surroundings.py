"""Extract the texts around a run's prompts: chat template, system text, description, and texts between shots.

A logged prompt has these parts. A shot's prompt, its answer and two joints repeat for each shot:

    BEFORE, shot's prompt, JOINT, shot's answer, JOINT, ..., item's own prompt, AFTER

The task and the few-shot seed determine the prompts and answers. The parts in capitals must be the same for all
items, because different parts could hint at each item's right answer.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from os.path import commonprefix

from leaderboard.load.run import Run
from leaderboard.load.samples import Prompt, Sample, turn
from leaderboard.verify.shots import Shot, shots_of
from recipe_mpr_task import prompts
from recipe_mpr_task.item import N_OPTIONS
from recipe_mpr_task.task_specs import TaskSpec, prompt_of

Around = tuple[str, ...]
"""The parts in capitals in the module's docstring: BEFORE, then two JOINTs for each shot, then AFTER."""

OWN_PROMPT = "[the item's own prompt]"

_Joint = tuple[str, str]
"""The two joints of a shot: the text before its answer, and the text between its answer and the next prompt."""

_USER, _ASSISTANT = (turn(role, "").removesuffix("\n") for role in ("user", "assistant"))

_LONGEST_JOINT = 4_000
_MOST_PLACES = 64
"""Limits of the search for a shot's answer between two prompts: length of the text, number of places tried."""


@dataclass(frozen=True)
class Surroundings:
    """The texts around a run's prompts.

    Attributes:
        usual: the most frequent texts around a prompt; empty if no prompt was logged.
        wrong: ids of items with a wrong prompt. A prompt is wrong in two cases: its text or a shot differs from the
            task and seed, or a text around the prompt is neither from lm-eval nor from a chat template.
        other: ids of items that are not in `wrong`, but have other texts than `usual` around a prompt.
        opening: the text before the first shot, if shots were not checked; else "".
        n_unchecked: number of unchecked shots in each prompt.
    """

    usual: Around = ()
    wrong: tuple[str, ...] = ()
    other: tuple[str, ...] = ()
    opening: str = ""
    n_unchecked: int = 0

    @property
    def texts(self) -> tuple[str, ...]:
        """The distinct texts around the prompts. They contain no prompts, answers or shots."""
        return tuple(text for text in dict.fromkeys((self.opening, *self.usual)) if text)

    def as_text(self) -> str:
        """Return the texts in order, with placeholders for prompts and answers; "" if there are no texts."""
        if not self.texts:
            return ""
        before, *joints, after = self.usual
        unchecked = f"[{self.n_unchecked} shots that were not checked]" if self.n_unchecked else ""
        pairs = enumerate(zip(joints[::2], joints[1::2], strict=True), 1)
        shots = "".join(f"[prompt of shot {k}]{left}[its right answer]{right}" for k, (left, right) in pairs)
        return f"{self.opening}{unchecked}{before}{shots}{OWN_PROMPT}{after}"


@dataclass(frozen=True)
class _Parts:
    """A logged prompt, split at the prompts of the shots and at the item's own prompt.

    Attributes:
        before: the text before the first of these prompts; "" if shots were not checked.
        between: for each shot, (the text between its prompt and the next prompt, the shot's right answer).
        after: the text after the item's own prompt.
        hidden: the text before the item's own prompt, if shots were not checked; else "".
    """

    prompt: Prompt
    before: str
    between: tuple[tuple[str, str], ...]
    after: str
    hidden: str = ""


def surroundings(run: Run, spec: TaskSpec) -> Surroundings:
    """Extract and compare the texts around the logged prompts of all items. The documents must be from the dataset."""
    if run.is_record:  # a record holds no prompts
        return Surroundings()
    draw = shots_of(run, spec)
    apart: dict[str, list[_Parts | None]] = defaultdict(list)
    for sample in run.items:
        shots = draw(sample.doc) if draw else ()
        is_short = draw is not None and len(shots) < run.n_shot
        apart[sample.item_id] += [None if is_short else parts for parts in _taken_apart(sample, run, spec, shots)]
    whole = [parts for of_item in apart.values() for parts in of_item if parts]
    joints = _usual_joints(whole)
    around = {item_id: {_around(p, joints, run, spec) for p in of_item} for item_id, of_item in apart.items()}
    counts = Counter(texts for of_item in around.values() for texts in of_item if texts is not None)
    usual = counts.most_common(1)[0][0] if counts else ()
    n_unchecked = 0 if draw else run.n_shot
    return Surroundings(
        usual=usual,
        wrong=tuple(item_id for item_id, of_item in around.items() if None in of_item),
        other=tuple(item_id for item_id, of_item in around.items() if None not in of_item and of_item - {usual}),
        opening=_opening([parts.hidden for parts in whole], spec) if n_unchecked else "",
        n_unchecked=n_unchecked,
    )


def _taken_apart(sample: Sample, run: Run, spec: TaskSpec, shots: Sequence[Shot]) -> Iterator[_Parts | None]:
    """Yield the parts of each distinct logged prompt of an item; yield None for a wrong prompt.

    A prompt is wrong if it lacks the item's or a shot's prompt, or if unchecked shots contain the item's query.
    """
    for rotation, prompt in dict.fromkeys((place // N_OPTIONS, prompt) for place, prompt in enumerate(sample.prompts)):
        own = prompt_of(sample.doc, spec, rotation)
        wanted = [*(text for text, _ in shots), own]
        if run.has_chat_template:  # chat templates can strip white space from a message
            wanted = [text.strip() for text in wanted]
        pieces = _split(prompt.text, wanted)
        if pieces is None:
            yield None
        elif run.n_shot and not shots:
            is_told = sample.doc.query in pieces[0]
            yield None if is_told else _Parts(prompt, "", (), pieces[-1], hidden=pieces[0])
        else:
            before, *between, after = pieces
            answers = (answer.strip() if run.has_chat_template else answer for _, answer in shots)
            yield _Parts(prompt, before, tuple(zip(between, answers, strict=True)), after)


def _split(text: str, wanted: Sequence[str]) -> list[str] | None:
    """Split a text at each text in `wanted`, in order; return None if a wanted text is missing.

    The last wanted text is searched from the end, and the others from the start.
    """
    pieces = []
    for part in wanted[:-1]:
        before, is_there, text = text.partition(part)
        if not is_there:
            return None
        pieces.append(before)
    before, is_there, after = text.rpartition(wanted[-1])
    return [*pieces, before, after] if is_there else None


def _usual_joints(whole: Sequence[_Parts]) -> list[_Joint]:
    """Return for each shot the pair of joints that fits the most prompts.

    Several pairs can fit one prompt, because an answer's letter can also occur in the template's text.
    """
    by_shot = zip(*(parts.between for parts in whole), strict=True)
    counts = (Counter(joint for pair in pairs for joint in _joints(*pair)) for pairs in by_shot)
    return [count.most_common(1)[0][0] if count else ("", "") for count in counts]


def _joints(text: str, answer: str) -> Iterator[_Joint]:
    place = text.find(answer) if len(text) <= _LONGEST_JOINT else -1
    for _ in range(_MOST_PLACES):
        if place < 0:
            return
        yield text[:place], text[place + len(answer) :]
        place = text.find(answer, place + 1)


def _around(parts: _Parts | None, joints: Sequence[_Joint], run: Run, spec: TaskSpec) -> Around | None:
    """Return the texts around a prompt; None if a shot or prompt is wrong, or if `_is_bare` forbids a text."""
    if parts is None:
        return None
    pairs = zip(parts.between, joints, strict=True)
    if any(text != f"{left}{answer}{right}" for (text, answer), (left, right) in pairs):
        return None
    around = (parts.before, *(text for joint in joints for text in joint), parts.after)
    return around if run.has_chat_template or _is_bare(parts, around, run, spec) else None


def _is_bare(parts: _Parts, around: Around, run: Run, spec: TaskSpec) -> bool:
    """Return whether all texts around a prompt without chat template are texts that lm-eval adds."""
    before, *_, after = around
    delimiters = (spec.asked_as["target_delimiter"], spec.asked_as["fewshot_delimiter"])
    allowed, opening, end = {delimiters}, spec.description, ""
    if parts.prompt.is_messages:  # all shots can be in one turn, or each shot in a separate turn
        allowed.add((f"\n{_ASSISTANT}", f"\n{_USER}"))
        opening = (turn("system", spec.description) if spec.description else "") + _USER
        end = "\n"
    is_opening = spec.description in before if run.has_system_text else before == opening
    is_joined = all(joint in allowed for joint in zip(around[1:-1:2], around[2:-1:2], strict=True))
    return after == end and is_joined and (is_opening or bool(parts.hidden))


def _opening(hidden: Sequence[str], spec: TaskSpec) -> str:
    """Return the common start of the texts in `hidden`, up to the first shot; "" if no shot is found."""
    head = prompts.template(spec.prompt).split("{", 1)[0].strip()
    if not head:
        return ""
    before, is_there, _ = commonprefix(hidden).partition(head)  # noqa: RUF071 (texts, not paths)
    return before if is_there else ""
