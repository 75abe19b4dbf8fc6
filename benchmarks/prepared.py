"""The steps snapshot, reconcile and prepare without ZenML: finetune's functions called as the steps call them."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import datasets

from finetune.config.experiment import ONLY, ExperimentConfig
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

    @property
    def model(self) -> dict[str, Any]:
        """The config's model section."""
        return self.config.all_models[ONLY][0].model_dump()

    def snapshot(self) -> Snapshot:
        """Reads labels and listing."""
        production = self.config.production
        return take_snapshot(
            labels_of(production.labels, with_hash=True),
            folder=production.files,
            names=production.files_from_production,
            target=self.folder / "production.parquet",
            hash_column=production.labels.hash,
        )

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
            workers=self.config.reconcile.threads(),
            target=self.folder / "manifest.parquet",
        ).manifest

    def choose(self, manifest: Manifest) -> Chosen:
        """Decides which ids become the dataset."""
        return choose(manifest, **self.config.prepare.choice)

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
            "model": self.model,
            "processes": self.config.prepare.processes or os.cpu_count() or 1,
            "batch_size": self.config.prepare.batch_size,
            "scratch": self.folder / scratch,
        }


def steps_of(config: ExperimentConfig, folder: Path) -> Steps:
    """The steps of one experiment, with an empty home in `folder`."""
    return Steps(config, load_functions(config.functions), folder)
