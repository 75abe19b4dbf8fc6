"""Searches everything that a rehearsed run leaves behind for a value, also where it is encoded or packed."""

import base64
import gzip
import io
import json
import re
import sqlite3
import tarfile
import zipfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import quote, quote_plus

import pyarrow.parquet as pq

from rehearsal import Rehearsal

# Space, line ends and the frames in which tracebacks are printed.
WRAPPING = re.compile(rb"[\s\xe2\x94\x82]+")
Place = tuple[str, bytes]
"""A name, and what lies there."""


def places_of(places: Iterator[Place] | list[Place], value: str) -> list[str]:
    """The names of the places that hold the value, also encoded, or broken over two lines."""
    forms = [WRAPPING.sub(b"", form) for form in forms_of(value)]
    joined = ((name, WRAPPING.sub(b"", data)) for name, data in places)
    return [name for name, data in joined if any(form in data for form in forms)]


def forms_of(value: str) -> set[bytes]:
    """The value's bytes, plain and encoded; in base64 they depend on how many bytes stand before it."""
    plain = value.encode()
    texts = {value, quote(value, safe=""), quote(value), quote_plus(value), json.dumps(value)[1:-1], repr(value)[1:-1]}
    coded = set()
    for before in range(3):
        # The first and last characters depend on the neighbours, too.
        text = base64.b64encode(b"\0" * before + plain)[4 if before else 0 :].rstrip(b"=")
        coded |= {text[:-1], text[:-1].replace(b"+", b"-").replace(b"/", b"_")}
    return {plain, *(text.encode() for text in texts), *coded}


def unpacked(name: str, data: bytes) -> Iterator[Place]:
    """What lies there, and all that is packed in it."""
    yield name, data
    if data[:2] == b"\x1f\x8b":
        yield from unpacked(f"{name}|gzip", gzip.decompress(data))
    elif data[:4] == b"PK\x03\x04":
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for member in archive.namelist():
                yield from unpacked(f"{name}|{member}", archive.read(member))
    elif data[257:262] == b"ustar":
        with tarfile.open(fileobj=io.BytesIO(data)) as archive:
            for entry in archive:
                file = archive.extractfile(entry)
                yield from unpacked(f"{name}|{entry.name}", file.read() if file else b"")
    elif data[:4] == b"PAR1":
        yield f"{name}|rows", json.dumps(pq.read_table(io.BytesIO(data)).to_pylist(), default=str).encode()


def definitions(up: Rehearsal) -> Iterator[Place]:
    """Every job and pipeline as SageMaker describes it."""
    client = up.client("sagemaker")
    for kind in ("training", "processing"):
        title = kind.capitalize()
        for page in client.get_paginator(f"list_{kind}_jobs").paginate():
            for job in page[f"{title}JobSummaries"]:
                name = {f"{title}JobName": job[f"{title}JobName"]}
                described, arn = getattr(client, f"describe_{kind}_job")(**name), job[f"{title}JobArn"]
                yield arn, _json(described)
                yield f"{arn} environment", joined(described["Environment"]).encode()
                yield f"{arn} tags", _json(client.list_tags(ResourceArn=arn))
    for pipeline in client.list_pipelines()["PipelineSummaries"]:
        name = {"PipelineName": pipeline["PipelineName"]}
        described = client.describe_pipeline(**name)
        yield pipeline["PipelineArn"], described["PipelineDefinition"].encode() + _json(described)
        for each in client.list_pipeline_executions(**name)["PipelineExecutionSummaries"]:
            execution = {"PipelineExecutionArn": each["PipelineExecutionArn"]}
            told = client.describe_pipeline_definition_for_execution(**execution)["PipelineDefinition"]
            yield each["PipelineExecutionArn"], told.encode() + _json(client.describe_pipeline_execution(**execution))


def joined(environment: dict[str, str]) -> str:
    """The values of an environment one after the other: a long one travels in pieces, NAME_0, NAME_1, ..."""

    def place(name: str) -> tuple[str, int]:
        base, number = re.fullmatch(r"(.*?)(\d*)", name).groups()
        return base, int(number or 0)

    return "".join(environment[name] for name in sorted(environment, key=place))


def logs(up: Rehearsal) -> Iterator[Place]:
    """Every stream of CloudWatch, its events' texts one below the other."""
    client = up.client("logs")
    for group in client.describe_log_groups()["logGroups"]:
        for stream in client.describe_log_streams(logGroupName=group["logGroupName"])["logStreams"]:
            place = {"logGroupName": group["logGroupName"], "logStreamName": stream["logStreamName"]}
            lines, token = [], {}
            while events := (answer := client.get_log_events(**place, startFromHead=True, **token))["events"]:
                lines += [event["message"] for event in events]
                token = {"nextToken": answer["nextForwardToken"]}
            yield f"{group['logGroupName']}/{stream['logStreamName']}", "\n".join(lines).encode()


def objects(up: Rehearsal) -> Iterator[Place]:
    """Every object of every bucket, with what is packed in it."""
    client = up.client("s3")
    for bucket in client.list_buckets()["Buckets"]:
        for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket["Name"]):
            for each in page.get("Contents", []):
                answer = client.get_object(Bucket=bucket["Name"], Key=each["Key"])
                name = f"s3://{bucket['Name']}/{each['Key']}"
                yield f"{name} metadata", _json(answer["Metadata"])
                yield from unpacked(name, answer["Body"].read())


def tables(up: Rehearsal) -> Iterator[Place]:
    """Every row of the database of ZenML's server."""
    with closing(sqlite3.connect(f"file:{up.folder}/zenml/zenml.db?mode=ro", uri=True)) as database:
        names = [row[0] for row in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for name in names:
            for number, row in enumerate(database.execute(f'SELECT * FROM "{name}"')):
                yield f"{name} {number}", "\n".join(map(str, row)).encode()


def files(up: Rehearsal) -> Iterator[Place]:
    """Every file of the rehearsal's folder: logs of both servers, the database, what is left of jobs."""
    for path in sorted(Path(up.folder).rglob("*")):
        if path.is_file() and not path.is_symlink():
            yield str(path.relative_to(up.folder)), path.read_bytes()


def _json(value: object) -> bytes:
    return json.dumps(value, default=str).encode()
