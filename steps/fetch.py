"""Fetches the records of a feature group by its name, each as of the time that its label row tells."""

from zenml import log_metadata, step

from finetune.config.production import ProductionConfig
from finetune.experiment import Home
from finetune.feature_store.fetched import fetch as fetch_records
from finetune.progress import say
from finetune.reconcile.labels import labels_of
from operators.secrets import secret_readers
from operators.stores import feature_store
from steps.work import working


@step(enable_cache=False)
def fetch(production: ProductionConfig, home: Home) -> None:
    """Lays each id's record down as a file at home, from where snapshot and reconcile take it.

    Never cached, and without outputs: who fills the group and who reads it are linked by its name alone.
    """
    with working():
        name = production.group or ""
        labels = labels_of(production.labels, secret_readers())
        found, absent = fetch_records(feature_store(home.root), name, labels, str(home.fetched))
        log_metadata({"group": name, "found": found, "absent": absent})
        say(f"feature group {name}: {found:,} records fetched; {absent:,} ids have none at their time")
