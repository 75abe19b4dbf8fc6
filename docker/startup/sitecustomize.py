"""What every Python process of the image does first: `docker/startup` is on its `PYTHONPATH`."""

import logging
import os

from finetune.collector import collect_rarely

collect_rarely()
os.environ.setdefault("SAGEMAKER_SUPPRESS_V2_WARNING", "1")
logging.getLogger("botocore").setLevel(logging.WARNING)  # each client tells where S3 is, which fills a job's log
