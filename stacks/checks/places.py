"""Where things lie: the bucket and the image."""

from typing import Any

from stacks.checks.finding import AWSError, Finding, code_of, refused
from stacks.image import image_of
from stacks.values import Values

IMAGE, REPOSITORY, BUCKET = "image", "ECR repository", "bucket"


def check_bucket(session: Any, values: Values) -> Finding:
    """Whether the bucket exists, is of this account, and lies in the jobs' region."""
    name = values.bucket
    try:
        found = session.client("s3").head_bucket(Bucket=name, ExpectedBucketOwner=values.account)
    except AWSError as error:
        if code_of(error) in ("404", "NoSuchBucket"):
            return Finding(
                BUCKET, False, f"there is no bucket {name}", f"aws s3 mb s3://{name} --region {values.region}"
            )
        if code_of(error) in ("403", "AccessDenied"):
            text = f"{name} is a bucket of another account, or you may not list it"
            return Finding(BUCKET, False, text, "export FINETUNE_BUCKET=...  # or attach stacks/iam/submitter.json")
        if code_of(error) in ("301", "PermanentRedirect", "400"):
            return Finding(BUCKET, False, f"{name} is not in {values.region}", "export AWS_REGION=...  # the bucket's")
        return refused(BUCKET, error, "s3:ListBucket")
    region = found.get("BucketRegion") or values.region
    if region != values.region:
        text = f"{name} is in {region}, and the jobs are in {values.region}"
        return Finding(BUCKET, False, text, f"export AWS_REGION={region}")
    return Finding(BUCKET, True, f"s3://{name}")


def check_image(session: Any, values: Values) -> Finding:
    """Whether ECR has the repository and the image."""
    repository, identity = image_of(values.image)
    try:
        session.client("ecr").describe_images(
            registryId=values.image.partition(".")[0], repositoryName=repository, imageIds=[identity]
        )
    except AWSError as error:
        address = f"{values.registry}/{repository}"
        if code_of(error) == "RepositoryNotFoundException":
            command = f"aws ecr create-repository --repository-name {repository} --region {values.region}"
            return Finding(REPOSITORY, False, f"there is no repository {repository}", command)
        if code_of(error) == "ImageNotFoundException":
            command = f"python docker/image.py push --repository {address}"
            return Finding(IMAGE, False, f"{repository} has no image {next(iter(identity.values()))}", command)
        return refused(IMAGE, error, "ecr:DescribeImages")
    return Finding(IMAGE, True, values.image)
