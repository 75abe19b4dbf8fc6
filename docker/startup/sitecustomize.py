"""What every Python process of the image does first: `docker/startup` is on its `PYTHONPATH`."""

from finetune.collector import collect_rarely

collect_rarely()
