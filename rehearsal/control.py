"""The rehearsal's own addresses, below /_rehearsal/: not AWS, but what a test or `python -m rehearsal` needs."""

import json
from typing import Any

from rehearsal.account import Account
from rehearsal.errors import ServiceError
from rehearsal.jobs.job import RUNNING, TRAINING
from rehearsal.schedules import fire
from rehearsal.service import Service
from rehearsal.wire import Environ


class Control:
    """Answers them."""

    def __init__(self, account: Account, service: Service) -> None:
        self._account, self._service = account, service

    def answer(self, path: str, environ: Environ) -> dict[str, Any]:
        """Answers one address.

        Raises:
            ServiceError: It is unknown, or what it asks is refused.
        """
        match path.strip("/").split("/")[1:]:
            case ["credentials", kind, name]:
                return self._account.credentials(self._role(kind, name))
            case ["interrupt", name]:
                self._service.jobs[TRAINING].get(name).interrupt()
                return {}
            case ["fire", schedule]:
                return {"execution": fire(self._account, schedule)}
            case ["limits"]:
                body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
                self._account.limits.change(json.loads(body))
                return {}
            case ["calls"]:
                return {"calls": self._account.calls.all()}
            case ["folder"]:
                return {"folder": str(self._account.folder)}
            case ["jobs"]:
                return {"jobs": self._jobs()}
        raise ServiceError("NotFound", f"{path} is no address of the rehearsal", 404)

    def _role(self, kind: str, name: str) -> str:
        if kind == "Model":
            return str(self._service.models.described(name)["ExecutionRoleArn"])
        jobs = {each.name: jobs for each, jobs in self._service.jobs.items()}
        return str(jobs[kind].get(name).request["RoleArn"])

    def _jobs(self) -> list[dict[str, str]]:
        """Name, kind and status of those that run, and of endpoints."""
        endpoints = [
            {"name": endpoint.name, "kind": "Endpoint", "status": endpoint.status}
            for endpoint in self._service.endpoints.all()
        ]
        jobs = [job for registry in self._service.jobs.values() for job in registry.all()]
        running = [
            {"name": job.name, "kind": job.kind.name, "status": job.status} for job in jobs if job.status in RUNNING
        ]
        return running + endpoints
