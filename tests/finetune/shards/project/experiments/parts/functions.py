import os
import signal
from pathlib import Path

from datasets import Features, Value


def get_dataset_features(num_labels):
    return Features({"text": Value("string"), "place": Value("int64")})


def encode_data(instance, label2id, model):
    text = Path(instance["text.txt"]).read_text()
    if text.startswith("kill"):
        os.kill(os.getpid(), signal.SIGKILL)
    if text.startswith("corrupt"):
        raise ValueError("not a text")
    if text.startswith("big"):
        bytearray(600_000_000)
    if text.startswith("none"):
        return None
    return [{"text": text, "place": place, "truncated": len(text) > 40} for place in range(1 + len(text) % 2)]
