"""The calls about hyperparameter tuning jobs."""

import threading
from collections.abc import Callable
from typing import Any

from rehearsal.errors import ServiceError
from rehearsal.paging import page
from rehearsal.tags import Tags
from rehearsal.tuning.checks import check_tuning
from rehearsal.tuning.job import JobMaker, TuningJob
from rehearsal.tuning.progress import objective_of
from rehearsal.tuning.run import proposals, run_tuning

Request = dict[str, Any]
Answer = dict[str, Any]
NAME = "HyperParameterTuningJobName"
STATUS = "HyperParameterTuningJobStatus"
# Unlike those of other jobs, these lists begin with the first name.
ORDER = {"SortBy": "Name", "SortOrder": "Ascending"}


class Tunings:
    """The tuning jobs of one region."""

    def __init__(self, maker: JobMaker, tags: Tags, arn: Callable[[str, str], str]) -> None:
        self._maker, self._tags, self._arn = maker, tags, arn
        self._jobs: dict[str, TuningJob] = {}
        self._lock = threading.Lock()
        self.calls: dict[str, Callable[[Request], Answer]] = {
            "CreateHyperParameterTuningJob": self.create,
            "DescribeHyperParameterTuningJob": lambda request: self._job(request).describe(),
            "ListHyperParameterTuningJobs": self.list,
            "ListTrainingJobsForHyperParameterTuningJob": self.list_training,
            "StopHyperParameterTuningJob": self.stop,
        }

    def create(self, request: Request) -> Answer:
        """CreateHyperParameterTuningJob: checks the training jobs that it will start, too."""
        check_tuning(request)
        job = TuningJob(request, self._arn("hyper-parameter-tuning-job", request[NAME]))
        sample = job.next_request(next(proposals(job.config)))
        self._maker.check_valid_training(sample, job.config["ResourceLimits"]["MaxParallelTrainingJobs"])
        with self._lock:
            if job.name in self._jobs:
                text = (
                    f"A hyperparameter tuning job with the name, {job.name}, already exists. Choose a different name."
                )
                raise ServiceError("ResourceInUse", text)
            self._jobs[job.name] = job
        self._tags.set(job.arn, request.get("Tags") or [])
        threading.Thread(target=run_tuning, args=(job, self._maker), name=job.name, daemon=True).start()
        return {"HyperParameterTuningJobArn": job.arn}

    def list(self, request: Request) -> Answer:
        """ListHyperParameterTuningJobs."""
        rows = [job.listed() for job in list(self._jobs.values())]
        return page(rows, ORDER | request, "HyperParameterTuningJobSummaries", name=NAME, status=STATUS)

    def list_training(self, request: Request) -> Answer:
        """ListTrainingJobsForHyperParameterTuningJob: by objective, it shows only those that have one."""
        rows = self._job(request).rows()
        by = None
        if request.get("SortBy") == "FinalObjectiveMetricValue":
            rows, by = [row for row in rows if row["ObjectiveStatus"] == "Succeeded"], objective_of
        names = {"name": "TrainingJobName", "status": "TrainingJobStatus"}
        return page(rows, ORDER | request, "TrainingJobSummaries", by=by, **names)

    def stop(self, request: Request) -> Answer:
        """StopHyperParameterTuningJob."""
        self._job(request).stop()
        return {}

    def _job(self, request: Request) -> TuningJob:
        """The job.

        Raises:
            ServiceError: There is none.
        """
        if request[NAME] not in self._jobs:
            text = f"Amazon SageMaker can't find a tuning job called {request[NAME]}. Type another name."
            raise ServiceError("ResourceNotFound", text)
        return self._jobs[request[NAME]]
