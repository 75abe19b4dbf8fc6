"""Where an experiment's things lie: the experiment home and its folders."""

from dataclasses import dataclass

from finetune.storage.storage import Storage, storage_of
from finetune.storage.uri import Place, to_place


@dataclass(frozen=True)
class Home:
    """The experiment home `<root>/<experiment>/`, a local folder or a prefix in S3; folders are made when needed."""

    root: str
    experiment: str

    @property
    def path(self) -> Place:
        """The home itself, absolute."""
        return to_place(self.root) / self.experiment

    @property
    def storage(self) -> Storage:
        """How its files are read and written."""
        return storage_of(self.path)

    @property
    def is_complete(self) -> bool:
        """Whether the last reconcile came to its end."""
        return self.storage.exists(str(self.complete))

    @property
    def fetched(self) -> Place:
        """One folder per artifact id, with its record of a feature group as a file."""
        return self.path / "data" / "fetched"

    @property
    def reconciled(self) -> Place:
        """One folder per artifact id, with its files at home."""
        return self.path / "data" / "reconciled_artifacts"

    @property
    def label_counts(self) -> Place:
        """JSON of the labels of all kept ids and their counts."""
        return self.path / "data" / "unique_labels_and_counts.json"

    @property
    def journal(self) -> Place:
        """What is known of the ids whose process_func has finished: a file locally, a prefix in S3."""
        return self.path / "data" / "processed.tsv"

    @property
    def parts(self) -> Place:
        """Encoded parts of groups that are not stored yet, each with its marker."""
        return self.path / "data" / "parts"

    @property
    def lock(self) -> Place:
        """Held while reconcile writes into the home."""
        return self.path / "data" / "reconcile.lock"

    @property
    def complete(self) -> Place:
        """Marker that reconcile writes last: every file of its manifest is at home."""
        return self.path / "data" / "reconciled.json"

    @property
    def models(self) -> Place:
        """One folder per registered version, and the journal of their stages."""
        return self.path / "models"

    def model(self, version: int) -> Place:
        """The folder of one version, which has its run's number: its package and facts."""
        return self.models / str(version)

    @property
    def stages(self) -> Place:
        """The journal of the versions' stages."""
        return self.models / "stages.json"

    @property
    def runs(self) -> Place:
        """One folder per run number."""
        return self.path / "runs"

    def run(self, number: int) -> Place:
        """The folder of one run."""
        return self.runs / str(number)

    def checkpoints(self, number: int) -> Place:
        """Checkpoints of a run that is not completed: its own folder, or the prefix that SageMaker copies them to."""
        return self.run(number) / "checkpoints"

    def study(self, number: int) -> Place:
        """What is known of a run's tuning: its trials, and what they and the controller say to each other."""
        return self.run(number) / "study"
