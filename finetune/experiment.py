"""Where an experiment's things lie: the experiment home and its folders."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Home:
    """The experiment home `<root>/<experiment>/`; its folders are made when something is written there."""

    root: str
    experiment: str

    @property
    def path(self) -> Path:
        """The home itself, absolute."""
        return Path(self.root, self.experiment).absolute()

    @property
    def reconciled(self) -> Path:
        """One folder per artifact id, with its files at home."""
        return self.path / "data" / "reconciled_artifacts"

    @property
    def label_counts(self) -> Path:
        """JSON of the labels of all kept ids and their counts."""
        return self.path / "data" / "unique_labels_and_counts.json"

    @property
    def journal(self) -> Path:
        """Lines of ids whose process_func has finished."""
        return self.path / "data" / "processed.tsv"

    @property
    def lock(self) -> Path:
        """Held while reconcile writes into the home."""
        return self.path / "data" / "reconcile.lock"

    @property
    def complete(self) -> Path:
        """Marker that reconcile writes last: every file of its manifest is at home."""
        return self.path / "data" / "reconciled.json"

    @property
    def runs(self) -> Path:
        """One folder per run number."""
        return self.path / "runs"

    def run(self, number: int) -> Path:
        """The folder of one run."""
        return self.runs / str(number)
