"""Materializers over a local artifact store, without a ZenML client."""

import os
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

os.environ.setdefault("ZENML_CONFIG_PATH", tempfile.mkdtemp(prefix="zenml-tests-"))
os.environ.setdefault("ZENML_ANALYTICS_OPT_IN", "false")

import pytest
from zenml.artifact_stores.local_artifact_store import LocalArtifactStore, LocalArtifactStoreConfig
from zenml.enums import StackComponentType
from zenml.materializers.base_materializer import BaseMaterializer

Make = Callable[..., Any]


class FarConfig(LocalArtifactStoreConfig):
    """A store on this machine that says it is not."""

    @property
    def is_local(self) -> bool:
        return False


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Gives a materializer for an artifact of its own, in a local store or one that says it is remote."""

    def make(kind: type[BaseMaterializer], uri: str = "", far: bool = False) -> BaseMaterializer:
        (tmp_path / "store").mkdir(exist_ok=True)
        config = (FarConfig if far else LocalArtifactStoreConfig)(path=str(tmp_path / "store"))
        now = datetime.now(UTC)
        store = LocalArtifactStore(
            name="test",
            id=uuid4(),
            config=config,
            flavor="local",
            type=StackComponentType.ARTIFACT_STORE,
            user=None,
            created=now,
            updated=now,
        )
        folder = uri or str(tmp_path / "store" / uuid4().hex)
        Path(folder).mkdir(exist_ok=True)
        return kind(uri=folder, artifact_store=store)

    return make
