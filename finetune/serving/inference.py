"""The four functions that answer a request, as Hugging Face's containers call them; our own server calls the same."""

import json
from pathlib import Path

from finetune.serving.answers import Answers, text_of
from finetune.serving.facts import read_golden
from finetune.serving.forms import Form, accepted
from finetune.serving.golden import check_golden
from finetune.serving.installed import other_versions
from finetune.serving.limits import limits
from finetune.serving.model import PackagedModel
from finetune.serving.requests import Body, read_body, read_instances


def model_fn(model_dir: str | Path) -> PackagedModel:
    """Loads an unpacked package, and checks that it answers its golden requests as when it was packed.

    Raises:
        FinetuneError: It cannot be loaded, or answers differently.
    """
    folder = Path(model_dir)
    model = PackagedModel(folder)
    golden = read_golden(folder)
    body = read_body(json.dumps([each["instance"] for each in golden]), Form.JSON)
    answers = model.answer(read_instances(body, [], len(golden)).instances)
    check_golden(golden, answers, other_versions(model.facts.versions))
    return model


def input_fn(input_data: bytes | str, content_type: str) -> Body:
    """Reads a request.

    Raises:
        RequestError: It is not of a known form, no UTF-8, or empty.
    """
    return read_body(input_data, content_type)


def predict_fn(data: Body, model: PackagedModel) -> Answers:
    """Answers it.

    Raises:
        RequestError: Its text is not of its form, or has too many instances.
    """
    asked = read_instances(data, model.facts.files, limits().instances)
    return Answers(model.answer(asked.instances), model.facts.labels, asked.form, asked.header)


def output_fn(prediction: Answers, accept: str = "") -> str:
    """Writes the answers in the form that the Accept header takes, by default that of the request.

    Raises:
        RequestError: It takes none that is known.
    """
    return text_of(prediction, accepted(accept, prediction.asked))
