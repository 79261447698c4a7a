"""Define a run: one task of one results file or record, with its items."""

from dataclasses import dataclass
from functools import cached_property

from leaderboard.load.import_facts import ImportFacts
from leaderboard.load.item_sets import ItemSet, task_with
from leaderboard.load.samples import Sample
from leaderboard.load.schema import IMPORT_MODEL, Config, ModelArgs, Results
from recipe_mpr_task.names import shown_text
from recipe_mpr_task.result_records import LoadedModel, TrainingRecord

_LONGEST_SET_NAME = 60


@dataclass(frozen=True)
class Run:
    """One task of one results file or record.

    Attributes:
        source: the file's name as shown to the user, its shortest unique path suffix.
        samples: the logged items; None if no items were logged.
        is_record: whether the run was read from a compact record. The documents of a record have no texts.
    """

    source: str
    task: str
    results: Results
    samples: tuple[Sample, ...] | None = None
    is_record: bool = False

    @property
    def items(self) -> tuple[Sample, ...]:
        """The logged items; empty if no items were logged."""
        return self.samples or ()

    @property
    def config(self) -> Config:
        """The `config` object of the results file."""
        return self.results.config

    @property
    def args(self) -> ModelArgs:
        """The model's arguments."""
        return self.results.config.args

    @property
    def training(self) -> TrainingRecord:
        """The record of the model's training; an empty record if the file has none."""
        return self.results.training or TrainingRecord()

    @property
    def loaded(self) -> LoadedModel:
        """The record of the loaded model's files; an empty record if the file has none."""
        return self.results.loaded or LoadedModel()

    @property
    def is_import(self) -> bool:
        """Whether the run is a record of imported predictions."""
        return self.is_record and self.config.backend == IMPORT_MODEL

    @property
    def facts(self) -> ImportFacts:
        """The facts that the importer states about the system; empty for a run that was not imported."""
        return (self.results.imported if self.is_import else None) or ImportFacts()

    @cached_property
    def item_set(self) -> ItemSet | None:
        """The set that an importer named; None for the items of a task, even if the importer named them."""
        ids = {sample.item_id for sample in self.items}
        if not self.facts.set_name or task_with(ids):
            return None
        return ItemSet.of(shown_text(self.facts.set_name)[:_LONGEST_SET_NAME] or "a set without a name", ids)

    @property
    def board(self) -> str:
        """Key of the board that the run belongs to: its task, or the board of a set that an importer named."""
        return self.item_set.board if self.item_set else self.task

    @property
    def version(self) -> int | None:
        """The task's version; None if no version was recorded."""
        return self.results.task.metadata.version

    @property
    def n_shot(self) -> int:
        """Number of few-shot examples."""
        return max(self.results.n_shot, 0)

    @property
    def has_chat_template(self) -> bool:
        """Whether the model's chat template was applied to the prompts."""
        return bool(self.results.chat_template_sha)

    @property
    def has_system_text(self) -> bool:
        """Whether the user set a system text with `--system_instruction`."""
        return bool(self.results.system_instruction_sha)

    @property
    def n_truncated(self) -> int:
        """Number of texts cut to the model's maximum length: in this task if recorded, else in all tasks, else 0."""
        count = self.config.recipe_mpr_truncated_in.get(self.task, self.config.recipe_mpr_truncated)
        return max(count or 0, 0)

    @property
    def flags(self) -> tuple[str, ...]:
        """The first ten flags that a record stores; empty for a run from a results file."""
        return tuple(str(flag)[:200] for flag in self.results.flags[:10]) if self.is_record else ()
