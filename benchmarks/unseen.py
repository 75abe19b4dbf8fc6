"""How good a model of EXP-3333 is on texts that its run never saw: many more than its test split has."""

import sqlite3
from pathlib import Path

from sklearn.metrics import f1_score

from benchmarks.workspace import ROOT
from finetune.config.load import load_config
from finetune.evaluation.predict import Predictor

FIRST, LAST = 521, 1120
"""Of each label in order of hash; the config's query takes the first 520."""
FILE = "raw_text.json"
QUERY = """
WITH placed AS (SELECT *, row_number() OVER (PARTITION BY label ORDER BY file_hash) AS place FROM rules)
SELECT min(guid), label FROM placed
WHERE label IN ('notice', 'reference', 'tag', 'text') AND place BETWEEN ? AND ?
  AND file_hash NOT IN (SELECT file_hash FROM placed WHERE place < ?)
GROUP BY file_hash
"""


def unseen_macro_f1(model: Path) -> tuple[float, int]:
    """Macro F1 of a model folder on such texts, and how many they are."""
    production = load_config(ROOT / "configs" / "EXP-3333.yaml").production
    database = (ROOT / str(production.files)).with_name("labels.db")
    with sqlite3.connect(database) as labels:
        rows = labels.execute(QUERY, (FIRST, LAST, FIRST)).fetchall()
    answers = Predictor(model).predict([{FILE: str(ROOT / str(production.files) / guid / FILE)} for guid, _ in rows])
    pairs = [(label, max(row, key=row.__getitem__)) for (_, label), row in zip(rows, answers, strict=True) if row]
    references, predictions = zip(*pairs, strict=True)
    return float(f1_score(references, predictions, average="macro")), len(pairs)
