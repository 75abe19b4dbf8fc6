"""The steps snapshot, reconcile and prepare without ZenML: finetune's functions called as the steps call them."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import datasets

from finetune.config.experiment import ExperimentConfig
from finetune.experiment import Home
from finetune.functions import Functions, load_functions
from finetune.prepare.prepare import Chosen, Preparation, choose, prepare
from finetune.reconcile.labels import labels_of
from finetune.reconcile.manifest import Manifest
from finetune.reconcile.reconcile import reconcile
from finetune.reconcile.snapshot import Snapshot, take_snapshot


@dataclass(frozen=True)
class Steps:
    """One experiment in a folder of its own; each method does the work of one step."""

    config: ExperimentConfig
    functions: Functions
    folder: Path

    @property
    def home(self) -> Home:
        """The experiment home."""
        return Home(str(self.folder / "outputs"), self.config.experiment)

    @property
    def files_at_home(self) -> list[str]:
        """Names of the files that each id has at home."""
        return self.config.reconcile.files_at_home or self.config.production.files_from_production

    def snapshot(self) -> Snapshot:
        """Reads labels and listing."""
        production = self.config.production
        rows = labels_of(production.labels)
        target = self.folder / "production.parquet"
        return take_snapshot(rows, folder=production.files, names=production.files_from_production, target=target)

    def reconcile(self, snapshot: Snapshot) -> Manifest:
        """Brings every id home."""
        return reconcile(
            snapshot,
            home=self.home,
            production=self.config.production.files,
            files_from_production=self.config.production.files_from_production,
            files_at_home=self.files_at_home,
            process_func=self.functions.process_func,
            process_hash="benchmark",
            overwrite=self.config.reconcile.overwrite,
            workers=self.config.reconcile.workers,
            target=self.folder / "manifest.parquet",
        ).manifest

    def choose(self, manifest: Manifest) -> Chosen:
        """Decides which ids become the dataset."""
        settings, split = self.config.prepare, self.config.prepare.split
        return choose(
            manifest,
            ignored_labels=settings.ignored_labels,
            num_labels_threshold=settings.num_labels_threshold,
            max_per_label=settings.max_per_label,
            validation=split.validation,
            test=split.test,
            seed=split.seed,
            by=split.by,
        )

    def prepare(self, chosen: Chosen) -> tuple[datasets.DatasetDict, Preparation]:
        """Encodes the chosen ids."""
        return prepare(chosen, reconciled=self.home.reconciled, **self.encoding(chosen, "prepared"))

    def encoding(self, chosen: Chosen, scratch: str) -> dict[str, Any]:
        """What prepare and encode take alike; `scratch` names a new folder for Arrow files."""
        (self.folder / scratch).mkdir()
        return {
            "files_at_home": self.files_at_home,
            "encode_data": self.functions.encode_data,
            "features": self.functions.get_dataset_features(len(chosen.names)),
            "model": self.config.model.model_dump(),
            "processes": self.config.prepare.processes or os.cpu_count() or 1,
            "batch_size": self.config.prepare.batch_size,
            "scratch": self.folder / scratch,
        }


def steps_of(config: ExperimentConfig, folder: Path) -> Steps:
    """The steps of one experiment, with an empty home in `folder`."""
    return Steps(config, load_functions(config.functions), folder)
