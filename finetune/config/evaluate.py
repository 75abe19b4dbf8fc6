"""`evaluate:` says how the trained model is judged."""

from pydantic import Field

from finetune.config.section import FileName, Section


class EvaluateConfig(Section):
    """Settings of the evaluation on the test split."""

    batch_size: int = Field(default=32, ge=1)
    """Examples that are predicted at a time."""
    baseline_text: FileName | None = None
    """File at home whose text the TF-IDF baseline reads; without it only the majority baseline is made."""
    mistakes: int = Field(default=20, ge=0)
    """Number of most confident mistakes to list."""
