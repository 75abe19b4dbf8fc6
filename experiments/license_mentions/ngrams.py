"""A bag of hashed word n-grams: a small model without checkpoint or tokenizer."""

import re
import zlib

import torch

WORD = re.compile(r"\w+")


def ngram_ids(text: str, longest: int, buckets: int) -> list[int]:
    """Hashes each run of 1 to `longest` words into 1..buckets; a text without words is the single id 0."""
    words = WORD.findall(text.lower())
    runs = [words[start : start + size] for size in range(1, longest + 1) for start in range(len(words) - size + 1)]
    return [zlib.crc32(" ".join(run).encode()) % buckets + 1 for run in runs] or [0]


class BagOfNgrams(torch.nn.Module):
    """Classifies the mean of the n-grams' vectors (fastText: Joulin et al. 2017, "Bag of Tricks")."""

    def __init__(self, buckets: int, width: int, num_labels: int) -> None:
        super().__init__()
        self.vectors = torch.nn.EmbeddingBag(buckets + 1, width, mode="mean", padding_idx=0)
        self.dropout = torch.nn.Dropout(0.2)
        self.head = torch.nn.Linear(width, num_labels)

    def forward(
        self, input_ids: torch.Tensor, attention_mask: torch.Tensor, labels: torch.Tensor | None = None
    ) -> dict[str, torch.Tensor | None]:
        """Takes (batch, n-grams) ids and mask, gives logits of shape (batch, labels) and the mean cross entropy."""
        logits = self.head(self.dropout(self.vectors(input_ids.masked_fill(attention_mask == 0, 0))))
        loss = None if labels is None else torch.nn.functional.cross_entropy(logits, labels)
        return {"loss": loss, "logits": logits}
