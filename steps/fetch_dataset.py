"""Fetches a dataset from a feature group by its name, each id as of its own event time."""

from typing import Annotated, Any

from datasets import DatasetDict
from zenml import step

from finetune.calls import call
from finetune.config.features import GroupConfig
from finetune.config.prepare import PrepareConfig
from finetune.experiment import Home
from finetune.feature_store.exchange import dataset_of
from finetune.functions import load_functions
from finetune.prepare.prepare import choose
from finetune.reconcile.manifest import Manifest
from materializers.dataset import DatasetMaterializer
from operators.stores import feature_store
from steps.work import working


@step(enable_cache=False, output_materializers={"fetched": DatasetMaterializer})
def fetch_dataset(
    preparation: dict[str, Any],
    manifest: Manifest,
    home: Home,
    settings: PrepareConfig,
    group: GroupConfig,
    functions: str,
) -> Annotated[DatasetDict, "fetched"]:
    """Gives the splits that prepare decided, with the group's values. Never cached, as `ingest_dataset`."""
    with working():
        split = settings.split
        chosen = choose(
            manifest,
            ignored_labels=settings.ignored_labels,
            num_labels_threshold=settings.num_labels_threshold,
            max_per_label=settings.max_per_label,
            validation=split.validation,
            test=split.test,
            seed=split.seed,
            by=split.by,
        )
        features = call("get_dataset_features", load_functions(functions).get_dataset_features, len(chosen.names))
        return dataset_of(feature_store(home.root), group, manifest, chosen, preparation["rejected"], features)
