"""What the variables of one execution stand for."""

import time
from typing import Any

from rehearsal.errors import ClientFault
from rehearsal.pipelines.execution import Execution
from rehearsal.pipelines.expressions import at_path, resolve
from rehearsal.storage import Storage


class Variables:
    """Looks them up: parameters, facts of the execution, results of steps, values in property files."""

    def __init__(self, execution: Execution, storage: Storage) -> None:
        self._execution, self._storage = execution, storage

    def resolved(self, value: Any) -> Any:
        """The value with its variables replaced.

        Raises:
            ClientFault: One stands for nothing.
        """
        return resolve(value, self._get, self._json_get)

    def _get(self, path: str) -> Any:
        scope, _, rest = path.partition(".")
        if scope == "Parameters":
            return at_path(self._execution.parameters, rest)
        if scope == "Execution":
            now = {"CurrentDateTime": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())}
            return at_path(self._execution.variables | now, rest)
        name, _, inside = rest.partition(".")
        if scope != "Steps" or name not in self._execution.runs:
            raise ClientFault(f"Unable to resolve property path {path}")
        return at_path(self._execution.runs[name].result(), inside)

    def _json_get(self, arguments: dict[str, Any]) -> Any:
        uri = (
            self.resolved(arguments["S3Uri"])
            if "S3Uri" in arguments
            else self._property_file(arguments["PropertyFile"])
        )
        return at_path(self._storage.read_json(uri), arguments["Path"])

    def _property_file(self, reference: dict[str, str]) -> str:
        """Where the file lies that `Steps.<step>.PropertyFiles.<name>` means."""
        _, name, _, wanted = reference["Get"].split(".")
        files = self._execution.steps[name].get("PropertyFiles") or []
        file = next((each for each in files if each["PropertyFileName"] == wanted), None)
        if file is None:
            raise ClientFault(f"step {name} has no property file {wanted}")
        outputs = self._execution.runs[name].result()["ProcessingOutputConfig"]["Outputs"]
        return f"{outputs[file['OutputName']]['S3Output']['S3Uri'].rstrip('/')}/{file['FilePath']}"
