"""The feature store of a root: the embedded one in a folder, SageMaker's where the root lies in S3."""

from finetune.errors import FeatureStoreError
from finetune.feature_store.embedded import EmbeddedStore
from finetune.feature_store.store import FeatureStore
from finetune.storage.uri import S3Uri, to_place

FOLDER = "feature_store"


def feature_store(root: str) -> FeatureStore:
    """The store that all experiments of a root share."""
    place = to_place(root) / FOLDER
    if isinstance(place, S3Uri):
        from operators.feature_store import SageMakerStore

        return SageMakerStore(str(place), _role)
    return EmbeddedStore(place)


def _role() -> str:
    """The execution role of the active stack.

    Raises:
        FeatureStoreError: It has none.
    """
    from zenml.client import Client

    from operators.step_operator import SagemakerJobs

    operator = Client().active_stack.step_operator
    if not isinstance(operator, SagemakerJobs):
        raise FeatureStoreError(
            "features.group: with root in S3 a group is created on a stack with SageMaker, which names a role; choose "
            "one with --stack, or a local root"
        )
    return str(operator.config.role)
