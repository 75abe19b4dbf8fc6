"""Tags of what the rehearsal has made, by ARN."""

from typing import Any

Request = dict[str, Any]


class Tags:
    """Keeps them, and answers the three calls about them."""

    def __init__(self) -> None:
        self._tags: dict[str, dict[str, str]] = {}

    def has(self, arn: str) -> bool:
        """Whether this is something that the rehearsal has made."""
        return arn in self._tags

    def set(self, arn: str, tags: list[dict[str, str]]) -> None:
        """Remembers something new and its tags."""
        self._tags[arn] = {tag["Key"]: tag["Value"] for tag in tags}

    def add(self, request: Request) -> dict[str, Any]:
        """AddTags."""
        mine = self._tags[request["ResourceArn"]]
        mine |= {tag["Key"]: tag["Value"] for tag in request["Tags"]}
        return self.list(request)

    def list(self, request: Request) -> dict[str, Any]:
        """ListTags."""
        return {"Tags": [{"Key": key, "Value": value} for key, value in self._tags[request["ResourceArn"]].items()]}

    def delete(self, request: Request) -> dict[str, Any]:
        """DeleteTags."""
        for key in request["TagKeys"]:
            self._tags[request["ResourceArn"]].pop(key, None)
        return {}
