"""Where models differ: per label, and the ids on which their answers lie farthest apart."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from finetune.comparison.answers import Answers
from finetune.comparison.scores import scores_of
from finetune.evaluation.confusion import confusion_matrix

SHOWN = 20


@dataclass(frozen=True)
class LabelDifference:
    """F1 of each model on one label."""

    label: str
    support: int
    f1: Mapping[str, float]
    spread: float
    """Best less worst."""


@dataclass(frozen=True)
class Apart:
    """An id on which models answer otherwise."""

    guid: str
    label: str
    predicted: Mapping[str, str]
    probability: Mapping[str, float]
    """That each model gives its answer."""
    distance: float
    """Largest total variation distance between the probabilities of two models, in [0, 1]."""


def per_label(answers: Answers) -> list[LabelDifference]:
    """F1 of each model on each label, the labels on which they differ most first."""
    models, labels = list(answers.probabilities), answers.labels
    matrices = [confusion_matrix(answers.probabilities[model], answers.references, len(labels)) for model in models]
    scores, support = scores_of(np.stack(matrices), labels), np.bincount(answers.references, minlength=len(labels))
    rows = []
    for index, label in enumerate(labels):
        precision, recall = scores[f"precision_{label}"], scores[f"recall_{label}"]
        both = precision + recall
        f1 = np.divide(2 * precision * recall, both, out=np.zeros(len(models)), where=both > 0)
        spread = float(f1.max() - f1.min())
        rows.append(LabelDifference(label, int(support[index]), dict(zip(models, f1.tolist(), strict=True)), spread))
    return sorted(rows, key=lambda row: -row.spread)


def apart(answers: Answers, shown: int = SHOWN) -> list[Apart]:
    """The ids that models answer otherwise, those first on which their probabilities lie farthest apart."""
    models = list(answers.probabilities)
    predicted = {model: answers.predicted(model) for model in models}
    pairs = [(answers.probabilities[one], answers.probabilities[other]) for one, other in combinations(models, 2)]
    if not pairs:
        return []
    distance = np.max([np.abs(one - other).sum(axis=1) / 2 for one, other in pairs], axis=0)
    differ = np.any([predicted[model] != predicted[models[0]] for model in models], axis=0)
    rows = sorted(np.flatnonzero(differ).tolist(), key=lambda row: (-distance[row], answers.guids[row]))
    return [
        Apart(
            guid=answers.guids[row],
            label=answers.labels[answers.references[row]],
            predicted={model: answers.labels[predicted[model][row]] for model in models},
            probability={model: float(answers.probabilities[model][row].max()) for model in models},
            distance=float(distance[row]),
        )
        for row in rows[:shown]
    ]
