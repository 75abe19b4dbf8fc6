"""One server answers all tests of this file; the last of them stops it."""

import csv
import http.client
import io
import json
import signal
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import datasets
import httpx
import numpy as np
import pytest

from finetune.evaluation.predict import predict_split
from finetune.functions import load_functions
from finetune.serving.package import Package
from finetune.training.model_folder import load, read_facts
from tests.finetune.serving.conftest import LABELS
from tests.finetune.serving.serving import Server, served

TEXTS = [" ".join(f"word{(row * 7 + place) % 23}" for place in range(row % 9 + 1)) for row in range(70)]
MB = 2**20


@pytest.fixture(scope="module")
def server(package: Package, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with served(package.path, tmp_path_factory.mktemp("empty"), FINETUNE_REQUEST_MB="1") as found:
        yield found


def instances(texts: list[str]) -> list[dict[str, Any]]:
    return [{"text.json": {"text": text}} for text in texts]


def as_json(texts: list[str]) -> str:
    return json.dumps({"instances": instances(texts)})


def predictions(answer: httpx.Response) -> list[dict[str, Any]]:
    assert answer.status_code == 200, answer.text
    return answer.json()["predictions"]


def rows(answers: list[dict[str, Any]]) -> np.ndarray:
    return np.array([[answer["probabilities"][label] for label in LABELS] for answer in answers])


def logits(probabilities: np.ndarray) -> np.ndarray:
    """Up to a constant of each row, which softmax does not see."""
    values = np.log(np.asarray(probabilities, dtype=np.float64))
    return values - values.mean(axis=1, keepdims=True)


def test_a_server_gives_the_logits_of_evaluate_in_batches_of_any_size(server: Server, model: Path) -> None:
    functions, facts = load_functions("tiny"), read_facts(model)
    from experiments.tiny.words import word_ids

    split = datasets.Dataset.from_list(
        [{"guid": str(row), "input_ids": word_ids(text), "labels": 0} for row, text in enumerate(TEXTS)],
        features=datasets.Features({"guid": datasets.Value("string"), **functions.get_dataset_features(3)}),
    )
    _, _, expected = predict_split(split, load(model, facts, functions.get_model), facts, batch_size=16)
    whole = predictions(server.post(as_json(TEXTS)))
    alone = [predictions(server.post(as_json([text])))[0] for text in TEXTS[:9]]
    assert np.abs(logits(rows(whole)) - logits(expected)).max() < 1e-4
    assert np.abs(logits(rows(alone)) - logits(expected[:9])).max() < 1e-4
    assert [each["label"] for each in whole] == [LABELS[index] for index in expected.argmax(axis=1)]


def test_each_form_gives_the_same_answers_in_the_form_that_is_accepted(server: Server) -> None:
    texts = ["apple", "", "pear, plum"]
    lines = "".join(json.dumps(each) + "\n" for each in instances(texts))
    file = io.StringIO(newline="")
    csv.writer(file).writerows([["text.json"], *([json.dumps({"text": text})] for text in texts)])
    expected = predictions(server.post(as_json(texts)))
    assert "encode_data drops this instance" in expected[1]["error"] and "label" in expected[0]

    by_line = server.post(lines, "application/jsonlines")
    assert by_line.headers["content-type"] == "application/jsonlines; charset=utf-8"
    assert [json.loads(line) for line in by_line.text.splitlines()] == expected
    assert predictions(server.post(file.getvalue(), "text/csv", accept="application/json")) == expected
    table = list(csv.DictReader(io.StringIO(server.post(lines, "application/jsonlines", accept="text/csv").text)))
    assert [row["label"] for row in table] == [each.get("label", "") for each in expected]
    assert float(table[0]["apple"]) == expected[0]["probabilities"]["apple"]
    bare = server.post(file.getvalue().partition("\n")[2], "text/csv").text.splitlines()
    assert len(bare) == 3 and bare[1].startswith(",,,,")


def test_an_instance_that_cannot_be_encoded_leaves_the_others_alone(server: Server) -> None:
    mixed = [instances(["apple"])[0], {"text.json": "no json"}, {"txt.json": {"text": "apple"}}]
    good, torn, misnamed = predictions(server.post(json.dumps(mixed)))
    assert good == predictions(server.post(as_json(["apple"])))[0]
    assert "encode_data raised JSONDecodeError" in torn["error"]
    assert "did you mean txt.json?" in misnamed["error"]
    assert "/tmp" not in torn["error"] + misnamed["error"]


@pytest.mark.parametrize(
    ("body", "kind", "status", "message"),
    [
        (b"", "application/json", 400, "the request is empty"),
        (b"{", "application/json", 400, "the request is no JSON"),
        ('{"text.json": "é"}'.encode("latin-1"), "application/json", 400, "must be UTF-8"),
        (b"{}", "application/json; charset=latin-1", 415, "the charset must be utf-8"),
        (b"a=b", "application/x-www-form-urlencoded", 415, "Content-Type: must be one of"),
        (b" " * (MB + 1), "application/json", 413, "may have 1,048,576 bytes"),
    ],
)
def test_a_bad_request_gets_a_message_and_no_trace(
    server: Server, body: bytes, kind: str, status: int, message: str
) -> None:
    answer = server.post(body, kind)
    assert answer.status_code == status
    assert message in answer.json()["error"] and "Traceback" not in answer.text


def test_a_compressed_request_and_an_unknown_path_are_refused(server: Server) -> None:
    packed = server.post(b"x", **{"content-encoding": "gzip"})
    assert packed.status_code == 415 and "must not be compressed" in packed.json()["error"]
    lost = server.client.get("/invocations"), server.client.get("/docs"), server.client.get("/openapi.json")
    assert [each.status_code for each in lost] == [405, 404, 404]
    assert all("there are GET /ping and POST /invocations" in each.json()["error"] for each in lost)
    unwanted = server.post(as_json(["apple"]), accept="image/png")
    assert unwanted.status_code == 406 and "Accept: must take one of" in unwanted.json()["error"]


def test_a_request_of_100_mb_is_refused_without_being_kept(server: Server) -> None:
    import psutil

    process = psutil.Process(server.process.pid)
    before = process.memory_info().rss
    answer = server.post(b" " * (100 * 10**6))
    assert answer.status_code == 413
    assert process.memory_info().rss - before < 30 * MB
    assert server.client.get("/ping").status_code == 200


def test_a_client_that_leaves_in_the_middle_of_its_request_disturbs_nobody(server: Server) -> None:
    url = server.client.base_url
    with socket.create_connection((url.host, url.port)) as left:
        left.sendall(b"POST /invocations HTTP/1.1\r\nHost: x\r\nContent-Length: 500\r\n\r\nhalf")
    assert predictions(server.post(as_json(["apple"])))[0]["label"] in LABELS


def test_many_clients_at_once_get_their_own_answers(server: Server) -> None:
    texts = TEXTS[:24]
    expected = predictions(server.post(as_json(texts)))
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda text: predictions(server.post(as_json([text])))[0], texts * 4))
    assert np.abs(rows(answers) - rows(expected * 4)).max() < 1e-6


def test_a_server_that_is_stopped_answers_what_has_come(server: Server) -> None:
    url, body = server.client.base_url, as_json(TEXTS * 10)
    asking = [http.client.HTTPConnection(url.host, url.port or 0, timeout=60) for _ in range(3)]
    for each in asking:
        each.request("POST", "/invocations", body, {"content-type": "application/json"})
    assert server.client.get("/ping").status_code == 200  # what was sent before it has been seen
    server.process.send_signal(signal.SIGTERM)
    answers = [json.loads(each.getresponse().read())["predictions"] for each in asking]
    assert [len(each) for each in answers] == [len(TEXTS) * 10] * 3
    assert server.wait() == 0
    assert "stopped: every request that had come was answered" in "".join(server.said)
    assert "Traceback" not in "".join(server.said)
