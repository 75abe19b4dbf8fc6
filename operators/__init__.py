"""The SageMaker step operator: requests, jobs, logs, and what runs first in a job's container."""
