import uuid
from collections.abc import Iterator

import pytest

from tests.finetune.s3_server import Weather, account_of, bad_weather, environment, s3_server


@pytest.fixture(scope="session")
def s3_address() -> Iterator[str]:
    with s3_server() as address:
        yield address


@pytest.fixture(scope="session")
def weather_address(s3_address: str) -> Iterator[str]:
    with bad_weather(s3_address) as address:
        yield address


@pytest.fixture
def bucket(s3_address: str) -> Iterator[str]:
    """A new bucket on a server that answers well; the environment leads there."""
    import boto3

    with environment(**account_of(s3_address)):
        name = f"test-{uuid.uuid4().hex[:12]}"
        boto3.client("s3").create_bucket(Bucket=name)
        yield name


@pytest.fixture
def weather(bucket: str, weather_address: str) -> Iterator[Weather]:
    """What stands between the clients and the bucket's server."""
    with environment(AWS_ENDPOINT_URL=weather_address):
        found = Weather(weather_address)
        found.rules()
        yield found
        found.rules()
