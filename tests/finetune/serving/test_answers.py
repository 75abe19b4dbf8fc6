import csv
import io
import json

from finetune.serving.answers import Answers, text_of
from finetune.serving.forms import Form
from finetune.serving.refused import Rejected

GIVEN = [{"low": 0.25, "hïgh": 0.75}, Rejected('no "text", and more'), {"low": 0.5, "hïgh": 0.5}]
ROWS = [
    {"label": "hïgh", "probabilities": GIVEN[0]},
    {"error": 'no "text", and more'},
    {"label": "low", "probabilities": GIVEN[2]},
]


def answers(header: bool = True) -> Answers:
    return Answers(list(GIVEN), ["low", "hïgh"], Form.CSV, header)


def test_json_lists_labels_with_probabilities_and_reasons_in_order() -> None:
    assert json.loads(text_of(answers(), Form.JSON)) == {"predictions": ROWS}


def test_json_lines_have_one_answer_a_line() -> None:
    text = text_of(answers(), Form.JSON_LINES)
    assert text.endswith("}\n") and [json.loads(line) for line in text.splitlines()] == ROWS


def test_csv_has_a_column_for_each_label_and_one_for_the_reason() -> None:
    rows = list(csv.reader(io.StringIO(text_of(answers(), Form.CSV))))
    assert rows == [
        ["label", "low", "hïgh", "error"],
        ["hïgh", "0.25", "0.75", ""],
        ["", "", "", 'no "text", and more'],
        ["low", "0.5", "0.5", ""],
    ]
    assert list(csv.reader(io.StringIO(text_of(answers(header=False), Form.CSV)))) == rows[1:]
