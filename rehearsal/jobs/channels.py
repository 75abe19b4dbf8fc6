"""Input channels of a training job: what stands in inputdataconfig.json, and the data itself."""

from pathlib import Path
from typing import Any

from rehearsal.errors import ClientFault
from rehearsal.storage import Storage


def channel_config(channel: dict[str, Any], job_mode: str) -> dict[str, str]:
    """The channel's entry in inputdataconfig.json."""
    config = {
        "TrainingInputMode": channel.get("InputMode") or job_mode,
        "S3DistributionType": channel["DataSource"]["S3DataSource"].get("S3DataDistributionType", "FullyReplicated"),
        "RecordWrapperType": channel.get("RecordWrapperType", "None"),
    }
    return config | ({"ContentType": channel["ContentType"]} if "ContentType" in channel else {})


def download_channel(storage: Storage, channel: dict[str, Any], folder: Path, host: int, hosts: int) -> None:
    """Downloads one host's share of a channel. FastFile is served as File: the same files at the same paths.

    Raises:
        ClientFault: The data cannot be read, or in a way that is not rehearsed.
    """
    source = channel["DataSource"].get("S3DataSource")
    mode = channel.get("InputMode")
    if source is None or mode == "Pipe" or source["S3DataType"] == "AugmentedManifestFile":
        raise ClientFault(
            f"channel {channel['ChannelName']}: the rehearsal serves S3 data in File and FastFile mode only"
        )
    target = folder / channel["ChannelName"]
    target.mkdir(parents=True, exist_ok=True)
    sharded = source.get("S3DataDistributionType") == "ShardedByS3Key"
    part, parts = (host, hosts) if sharded else (0, 1)
    manifest = source["S3DataType"] == "ManifestFile"
    download = storage.download_listed if manifest else storage.download
    download(source["S3Uri"], target, part=part, parts=parts)
