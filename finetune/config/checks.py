"""`checks:` says what is looked for in labels and texts before anything is trained, and how bad it is."""

from typing import Literal

from pydantic import Field

from finetune.config.section import Section

Severity = Literal["warn", "fail", "ignore"]
Value = bool | int | float | str


class ColumnConfig(Section):
    """What the label rows must hold in one column."""

    type: Literal["text", "integer", "number", "boolean", "date"] | None = None
    """The values' type, as the query gives it; without it every type will do."""
    nulls: bool = True
    """Whether a row may have no value here."""
    allowed: list[Value] | None = Field(default=None, min_length=1)
    """The only values that may stand here."""


class LabelsCheckConfig(Section):
    """Schema of the label rows: types, nulls and allowed values."""

    severity: Severity = "warn"
    """What comes of rows that break it: a warning, a failure before training, or nothing."""
    columns: dict[str, ColumnConfig] = Field(default_factory=dict)
    """Column (`label`, or a further one) to what it must hold, `{type: text, nulls: false, allowed: [a, b]}`."""
    share: float = Field(default=0.0, ge=0, lt=1)
    """Largest share of rows that may break it."""


class DriftCheckConfig(Section):
    """Label drift since the last completed run whose labels were others."""

    severity: Severity = "warn"
    """What comes of more drift: a warning, a failure before training, or nothing."""
    distance: float = Field(default=0.1, ge=0, lt=1)
    """Largest total variation distance: the share of ids that would need another label to be distributed as before."""


class TextsCheckConfig(Section):
    """Empty, unreadable and very short texts; without evaluate.baseline_text, ids with an empty file."""

    severity: Severity = "warn"
    """What comes of more such texts: a warning, a failure before training, or nothing."""
    characters: int = Field(default=3, ge=1)
    """A text with fewer characters than this, spaces not counted, is very short."""
    share: float = Field(default=0.01, ge=0, lt=1)
    """Largest share of ids that may have such a text."""


class NearDuplicatesCheckConfig(Section):
    """Test texts that nearly equal a train text; needs evaluate.baseline_text."""

    severity: Severity = "warn"
    """What comes of more near-duplicates: a warning, a failure before training, or nothing."""
    similarity: float = Field(default=0.8, ge=0.5, le=1)
    """Share of word triples that two texts have in common (Jaccard) from which they are near-duplicates; 0.5 to 1."""
    share: float = Field(default=0.01, ge=0, lt=1)
    """Largest share of test ids that may have a near-duplicate in train."""


class LeakageCheckConfig(Section):
    """Ids, or groups of ids, that stand in more than one split."""

    severity: Severity = "warn"
    """What comes of more leakage: a warning, a failure before training, or nothing."""
    columns: list[str] = Field(default_factory=list)
    """Columns of the labels whose values are groups, beside prepare.split.by."""
    share: float = Field(default=0.0, ge=0, lt=1)
    """Largest share of validation and test ids that may have their group, or their own id spelt otherwise, in train."""


class ChecksConfig(Section):
    """What is looked for in the data, each with its severity: warn, fail or ignore."""

    labels: LabelsCheckConfig = LabelsCheckConfig()
    drift: DriftCheckConfig = DriftCheckConfig()
    texts: TextsCheckConfig = TextsCheckConfig()
    near_duplicates: NearDuplicatesCheckConfig = NearDuplicatesCheckConfig()
    leakage: LeakageCheckConfig = LeakageCheckConfig()
    sample: int = Field(default=50_000, ge=1)
    """Texts that are read; where the dataset has more ids, a sample of them that is always the same is checked."""

    @property
    def severities(self) -> set[Severity]:
        """Those of all checks."""
        every = (self.labels, self.drift, self.texts, self.near_duplicates, self.leakage)
        return {check.severity for check in every}
