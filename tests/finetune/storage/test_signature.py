"""The signature is the one that botocore makes of the same request."""

from datetime import UTC, datetime
from urllib.parse import quote

from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import given
from hypothesis import strategies as st

from finetune.storage.signature import Keys, signed

NAMES = st.text("abcdefghijklmnopqrstuvwxyz-", min_size=1).map(lambda name: f"x-amz-meta-{name}")
VALUES = st.text("abcXYZ019/+=%\"'~", min_size=1)
TIMES = st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC))


@given(
    key=st.text(st.characters(exclude_categories=("Cs",)), min_size=1),
    headers=st.dictionaries(NAMES, VALUES),
    token=st.none() | VALUES,
    region=st.sampled_from(["us-east-1", "eu-west-1"]),
    now=TIMES,
)
def test_it_is_botocores(key: str, headers: dict[str, str], token: str | None, region: str, now: datetime) -> None:
    path = f"/bucket/{quote(key, safe='/~')}"
    sent = signed("PUT", path, {"host": "127.0.0.1:9", **headers}, Keys("AKIA", "secret", token), region, now)
    proof = sent.pop("authorization")
    theirs = S3SigV4Auth(Credentials("AKIA", "secret", token), "s3", region)
    request = AWSRequest("PUT", f"http://127.0.0.1:9{path}", headers=sent)
    request.context["timestamp"] = now.strftime("%Y%m%dT%H%M%SZ")
    canonical = theirs.canonical_request(request)
    expected = theirs.signature(theirs.string_to_sign(request, canonical), request)
    names = theirs.signed_headers(theirs.headers_to_sign(request))
    assert proof == (
        f"AWS4-HMAC-SHA256 Credential={theirs.scope(request)}, SignedHeaders={names}, Signature={expected}"
    )
