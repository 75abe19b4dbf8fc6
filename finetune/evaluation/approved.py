"""The model that is in production now, beside a new one on the same test ids."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from datasets import load_from_disk

from finetune.calls import call
from finetune.comparison.answers import Answers, read_answers
from finetune.comparison.bootstrap import Compute, draw, interval
from finetune.errors import EvaluateError, RegistryError
from finetune.evaluation.evaluate import write_predictions
from finetune.evaluation.predict import Predictor
from finetune.evaluation.scores import default_metrics
from finetune.experiment import Home
from finetune.gate.gate import Approved
from finetune.prepare.split import TRAIN, VALIDATION
from finetune.registry.facts import Facts, read_facts
from finetune.storage.cache import local_folder
from finetune.storage.storage import storage_of
from finetune.storage.uri import join

AT_ONCE = 256
"""Ids whose files lie on this machine at the same time."""
TABLE = "table.parquet"
NEW, THEIRS = "this run", "production"


def beside_approved(
    home: Home,
    version: int,
    predictions: Path,
    *,
    metric: str,
    dataset_hash: str,
    labels: list[str],
    files: Sequence[str],
    compute_metrics: Compute | None,
    scratch: Path,
) -> Approved:
    """Compares on the test ids of this run; the version in production answers them anew unless it was tested on them.

    Test ids that it was trained on, or chosen by, are left out: it knows their labels.

    Args:
        home: The experiment's home.
        version: The version in production.
        predictions: Parquet file of the new model.
        metric: What is compared.
        dataset_hash: Of the dataset that this run's test split belongs to.
        labels: The new model's, in order of class id.
        files: Names of the files of each id at home.
        compute_metrics: The experiment's function; None stands for the default metrics.
        scratch: A folder for the answers.

    Raises:
        RegistryError: Its files are gone, it has other labels, or it was trained on all test ids of this run.
        EvaluateError: It does not load with the functions as they are now.
    """
    facts = read_facts(home, version)
    if facts.labels != labels:
        raise RegistryError(
            f"register.gate.not_worse_than_approved: version {version}, in production, has the labels "
            f"{', '.join(facts.labels)}, and this run {', '.join(labels)}: they cannot be compared; leave the rule "
            f"out, or take the version out: python run.py promote {home.experiment} {version} --to none"
        )
    same = facts.dataset_hash == dataset_hash
    theirs = _kept(facts, scratch) if same else _anew(home, facts, predictions, files, scratch)
    answers = read_answers({NEW: predictions, THEIRS: theirs}, labels)
    values = {name: _value(answers, name, metric, compute_metrics) for name in (NEW, THEIRS)}
    drawn = draw(answers, compute_metrics)
    nothing = np.array([np.nan])
    apart = drawn[NEW].get(metric, nothing) - drawn[THEIRS].get(metric, nothing)
    fair, difference = len(answers.guids), values[NEW] - values[THEIRS]
    return Approved(version, values[THEIRS], difference, interval(apart), fair, fair + answers.left_out)


def _value(answers: Answers, model: str, metric: str, compute_metrics: Compute | None) -> float:
    compute = compute_metrics or default_metrics
    arguments = (answers.probabilities[model], answers.references, list(answers.labels))
    return float(call("compute_metrics", compute, *arguments).get(metric, np.nan))


def _kept(facts: Facts, scratch: Path) -> Path:
    """What it answered when it was evaluated."""
    source, target = join(facts.artifacts["predictions"], TABLE), scratch / "approved.parquet"
    if not storage_of(source).exists(source):
        raise _gone(facts, source)
    storage_of(source).fetch(source, target)
    return target


def _anew(home: Home, facts: Facts, predictions: Path, files: Sequence[str], scratch: Path) -> Path:
    """What it answers for this run's test ids, from their files at home; ids that it drops or knows are left out."""
    predictor, learnt = Predictor(_folder(facts, "model")), _learnt(facts)
    truth, found = _truth(predictions), dict[str, Mapping[str, float]]()
    guids = [guid for guid in truth if guid not in learnt]
    if not guids:
        raise RegistryError(
            f"register.gate.not_worse_than_approved: version {facts.run_number}, in production, was trained on all "
            f"{len(truth)} test ids of this run; split as its run did, or leave the rule out"
        )
    for start in range(0, len(guids), AT_ONCE):
        part = guids[start : start + AT_ONCE]
        with home.storage.at_hand(str(home.reconciled), part, files) as folder:
            instances = [{name: str(Path(folder, guid, name)) for name in files} for guid in part]
            found |= {guid: row for guid, row in zip(part, predictor.predict(instances), strict=True) if row}
    if not found:
        raise EvaluateError(f"version {facts.run_number}, in production, drops all {len(guids)} test ids of this run")
    target = scratch / "approved.parquet"
    index = {label: number for number, label in enumerate(facts.labels)}
    references = np.array([index[truth[guid]] for guid in found])
    rows = np.array([[row[label] for label in facts.labels] for row in found.values()], dtype=np.float32)
    write_predictions(target, list(found), references, rows, facts.labels)
    return target


def _folder(facts: Facts, artifact: str) -> Path:
    place = facts.artifacts[artifact]
    if not any(storage_of(place).below(place)):
        raise _gone(facts, place)
    return local_folder(place)


def _learnt(facts: Facts) -> set[str]:
    """The ids that it was trained on, or chosen by."""
    dataset = load_from_disk(str(_folder(facts, "dataset")))
    return {guid for split in (TRAIN, VALIDATION) for guid in dataset[split].unique("guid")}


def _truth(predictions: Path) -> dict[str, str]:
    import pyarrow.parquet as pq

    table = pq.read_table(predictions, columns=["guid", "label"]).to_pydict()
    return dict(zip(table["guid"], table["label"], strict=True))


def _gone(facts: Facts, place: str) -> RegistryError:
    name = f"{facts.experiment} {facts.run_number}"
    return RegistryError(
        f"register.gate.not_worse_than_approved: version {facts.run_number} is in production, but {place} is gone; put "
        f"another version there, or none: python run.py promote {name} --to none"
    )
