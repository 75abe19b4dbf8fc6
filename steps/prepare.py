"""Prepares the dataset: selects, splits and encodes."""

import os
from typing import Annotated, Any

from datasets import DatasetDict
from zenml import log_metadata, step

from finetune.calls import call
from finetune.config.model import ModelConfig
from finetune.config.prepare import PrepareConfig
from finetune.experiment import Home
from finetune.functions import load_functions
from finetune.prepare.prepare import choose
from finetune.prepare.prepare import prepare as prepare_dataset
from finetune.prepare.watched import Guarded
from finetune.reconcile.at_home import refuse_changed
from finetune.reconcile.manifest import Manifest
from finetune.reconcile.occupant import refuse_other
from materializers.dataset import DatasetMaterializer
from steps.work import working


@step(output_materializers={"dataset_{dataset_name}": DatasetMaterializer})
def prepare(
    manifest: Manifest,
    home: Home,
    files_at_home: list[str],
    settings: PrepareConfig,
    model: ModelConfig,
    differing: dict[str, list[str]],
    functions: str,
    code: str,
) -> tuple[Annotated[DatasetDict, "dataset_{dataset_name}"], Annotated[dict[str, Any], "preparation"]]:
    """Turns files at home into splits of encoded examples; `code` is the hash of what encodes them.

    Of models that share the dataset `model` is what they agree on; `differing` tells the models by each other key.
    """
    with working() as scratch:
        loaded = load_functions(functions)
        chosen = choose(manifest, **settings.choice)
        refuse_changed(manifest, home, chosen.guids, files_at_home)
        dataset, preparation = prepare_dataset(
            chosen,
            reconciled=home.reconciled,
            files_at_home=files_at_home,
            encode_data=loaded.encode_data,
            features=call("get_dataset_features", loaded.get_dataset_features, len(chosen.names)),
            model=Guarded(model.model_dump(), differing),
            processes=settings.processes or os.cpu_count() or 1,
            batch_size=settings.batch_size,
            scratch=scratch,
        )
        refuse_other(home, manifest)  # at the end: it holds for all that was read
        log_metadata({"counts": preparation.counts, "rejected": len(preparation.rejected)})
        return dataset, preparation.to_dict()
