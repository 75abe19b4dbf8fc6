"""What a check found, and how AWS's refusals are worded in it."""

from dataclasses import dataclass

from botocore.exceptions import BotoCoreError, ClientError

DENIED = ("AccessDenied", "AccessDeniedException", "403", "UnauthorizedOperation")
AWSError = (BotoCoreError, ClientError)


@dataclass(frozen=True)
class Finding:
    """One line: the subject, whether it is as it must be, what was found, and the command that mends it.

    needed: the stack does not work without it; else only what the finding names does not.
    """

    subject: str
    good: bool
    found: str
    mend: str = ""
    needed: bool = True

    @property
    def missing(self) -> bool:
        """Whether the stack does not work until it is mended."""
        return self.needed and not self.good

    def __str__(self) -> str:
        state = "ok" if self.good else "missing" if self.needed else "without"
        line = f"{state:<7}  {self.subject}: {self.found}"
        return line if self.good or not self.mend else f"{line}\n         mend it with: {self.mend}"


def code_of(error: Exception) -> str:
    """AWS's code of an error; the class's name where AWS was not reached."""
    return str(error.response["Error"]["Code"]) if isinstance(error, ClientError) else type(error).__name__


def refused(subject: str, error: Exception, action: str) -> Finding:
    """The finding of a call that AWS refused."""
    if code_of(error) in DENIED:
        return Finding(subject, False, f"{action} is not allowed", "attach stacks/iam/submitter.json to who you are")
    return Finding(subject, False, f"{action}: {error}", "aws sts get-caller-identity")
