"""Metrics that a training job's request finds in its log by regular expressions."""

import re
import time
from typing import Any

NAMESPACE = "/aws/sagemaker/TrainingJobs"


class Metrics:
    """Reads log lines; keeps each metric's last value and sends all to CloudWatch."""

    def __init__(self, client: Any, job: str, definitions: list[dict[str, str]]) -> None:
        self._client, self._job = client, job
        self._patterns = {each["Name"]: re.compile(each["Regex"]) for each in definitions}
        self.last: dict[str, dict[str, Any]] = {}

    def read(self, line: str) -> None:
        """Takes the values out of one line; what is no number is passed over, as in AWS."""
        for name, pattern in self._patterns.items():
            found = pattern.search(line)
            if found is None:
                continue
            try:
                value = float(found.group(1))
            except (ValueError, IndexError):
                continue
            self.last[name] = {"MetricName": name, "Value": value, "Timestamp": time.time()}
            dimensions = [{"Name": "TrainingJobName", "Value": self._job}]
            datum = {"MetricName": name, "Value": value, "Dimensions": dimensions}
            self._client.put_metric_data(Namespace=NAMESPACE, MetricData=[datum])
