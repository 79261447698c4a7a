"""Extract the texts around a run's prompts: chat template, system text, description, and the joints between shots.

A prompt is split as BEFORE shot's prompt JOINT answer JOINT ... own prompt AFTER. The task and the few-shot seed
determine the prompts and answers. The other texts must be the same for all items, so that they cannot hint at answers.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from os.path import commonprefix

from leaderboard.load.samples import Prompt, Sample, turn
from leaderboard.load.schema import Run
from leaderboard.verify.shots import Shot, shots_of
from recipe_mpr_task import prompts
from recipe_mpr_task.item import N_OPTIONS
from recipe_mpr_task.task_specs import TaskSpec, prompt_of

Around = tuple[str, ...]
"""The texts before the first prompt, after each shot's prompt and its answer, and after the item's own prompt."""

OWN_PROMPT = "[the item's own prompt]"

_Joint = tuple[str, str]
"""The texts between a shot's prompt and its answer, and between the answer and what follows."""

_USER, _ASSISTANT = (turn(role, "").removesuffix("\n") for role in ("user", "assistant"))

_LONGEST_JOINT = 4_000
_MOST_PLACES = 64
"""Most characters between two prompts, and places of the answer in them, that are searched; templates have fewer."""


@dataclass(frozen=True)
class Surroundings:
    """The texts around a run's prompts.

    Attributes:
        usual: the texts around most items' prompts; empty if no prompt was logged.
        wrong: ids of the items whose prompt is not the task's own, or whose shots are not those that the seed draws.
        other: ids of the items with another text around the prompt than `usual`.
        opening: the text before the first shot, where shots were not checked.
        n_unchecked: number of shots before each prompt that were not checked.
    """

    usual: Around = ()
    wrong: tuple[str, ...] = ()
    other: tuple[str, ...] = ()
    opening: str = ""
    n_unchecked: int = 0

    @property
    def texts(self) -> tuple[str, ...]:
        """The distinct texts, without prompts, answers and shots."""
        return tuple(text for text in dict.fromkeys((self.opening, *self.usual)) if text)

    def as_text(self) -> str:
        """Return the texts in their order, with placeholders for prompts and answers; "" if there are none."""
        if not self.texts:
            return ""
        before, *joints, after = self.usual
        unchecked = f"[{self.n_unchecked} shots that were not checked]" if self.n_unchecked else ""
        pairs = enumerate(zip(joints[::2], joints[1::2], strict=True), 1)
        shots = "".join(f"[prompt of shot {k}]{left}[its right answer]{right}" for k, (left, right) in pairs)
        return f"{self.opening}{unchecked}{before}{shots}{OWN_PROMPT}{after}"


@dataclass(frozen=True)
class _Parts:
    """A prompt split into its parts.

    Attributes:
        between: for each shot the text from its prompt to the next one, and its right answer.
        hidden: the text before the item's own prompt, where shots were not checked.
    """

    prompt: Prompt
    before: str
    between: tuple[tuple[str, str], ...]
    after: str
    hidden: str = ""


def surroundings(run: Run, spec: TaskSpec) -> Surroundings:
    """Return the texts around the logged prompts of a run with genuine documents, compared over all items."""
    if run.is_record:  # it holds no prompts
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
    """Yield the parts of each distinct logged prompt of an item; None for one that lacks a prompt it must hold."""
    for rotation, prompt in dict.fromkeys((place // N_OPTIONS, prompt) for place, prompt in enumerate(sample.prompts)):
        own = prompt_of(sample.doc, spec, rotation)
        wanted = [*(text for text, _ in shots), own]
        if run.has_chat_template:  # templates may cut white space off a message's ends
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
    """Split a text at the first places of all of `wanted` but the last, and at the last place of the last."""
    pieces = []
    for part in wanted[:-1]:
        before, is_there, text = text.partition(part)
        if not is_there:
            return None
        pieces.append(before)
    before, is_there, after = text.rpartition(wanted[-1])
    return [*pieces, before, after] if is_there else None


def _usual_joints(whole: Sequence[_Parts]) -> list[_Joint]:
    """Return for each shot the joint that fits most prompts: an answer's letter may also be in a template's text."""
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
    """Return the texts around a prompt; None if an answer is wrong, or a text is not allowed."""
    if parts is None:
        return None
    pairs = zip(parts.between, joints, strict=True)
    if any(text != f"{left}{answer}{right}" for (text, answer), (left, right) in pairs):
        return None
    around = (parts.before, *(text for joint in joints for text in joint), parts.after)
    return around if run.has_chat_template or _is_bare(parts, around, run, spec) else None


def _is_bare(parts: _Parts, around: Around, run: Run, spec: TaskSpec) -> bool:
    """Say whether a prompt without a chat template has only lm-eval's own texts around it."""
    before, *_, after = around
    delimiters = (spec.asked_as["target_delimiter"], spec.asked_as["fewshot_delimiter"])
    allowed, opening, end = {delimiters}, spec.description, ""
    if parts.prompt.is_messages:  # roles, and shots in one turn or in several
        allowed.add((f"\n{_ASSISTANT}", f"\n{_USER}"))
        opening = (turn("system", spec.description) if spec.description else "") + _USER
        end = "\n"
    is_opening = spec.description in before if run.has_system_text else before == opening
    is_joined = all(joint in allowed for joint in zip(around[1:-1:2], around[2:-1:2], strict=True))
    return after == end and is_joined and (is_opening or bool(parts.hidden))


def _opening(hidden: Sequence[str], spec: TaskSpec) -> str:
    """Return the shared text before the first unchecked shot; "" if the start of a shot is not in it."""
    head = prompts.template(spec.prompt).split("{", 1)[0].strip()
    if not head:
        return ""
    before, is_there, _ = commonprefix(hidden).partition(head)  # noqa: RUF071 (texts, not paths)
    return before if is_there else ""
