"""HTTP on real sockets: with and without TLS, in the forms in which an answer may come."""

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from finetune.storage import exchange
from finetune.storage.exchange import Exchange


@contextmanager
def answering(answers: list[bytes], tls: ssl.SSLContext | None = None) -> Iterator[int]:
    """A server that gives one connection these answers, and then closes it."""
    listening = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        connection, _ = listening.accept()
        with (
            suppress(ssl.SSLError),
            connection if tls is None else tls.wrap_socket(connection, server_side=True) as line,
        ):
            for answer in answers:
                while b"\r\n\r\n" not in line.recv(65536):
                    pass
                line.sendall(answer)

    threading.Thread(target=serve, daemon=True).start()
    yield int(listening.getsockname()[1])
    listening.close()


@pytest.mark.parametrize(
    "rest",
    [
        b"Content-Length: 5\r\n\r\nhello",
        b"content-length:5\r\nX-A: b\r\n\r\nhello",
        b"Transfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3;x=y\r\nllo\r\n0\r\nTrailer: 1\r\n\r\n",
    ],
)
def test_an_answer_is_read_whole_and_the_connection_serves_again(rest: bytes) -> None:
    with answering([b"HTTP/1.1 200 OK\r\n" + rest, b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"]) as port:
        asked = Exchange(urlsplit(f"http://127.0.0.1:{port}"))
        first = asked.ask("PUT", "/a", {"host": "x"})
        assert (first.status, first.body) == (200, b"hello")
        assert asked.ask("PUT", "/b", {"host": "x"})[::2] == (404, b"")


def test_an_answer_may_end_with_the_connection() -> None:
    with answering([b"HTTP/1.1 200 OK\r\n\r\nhello"]) as port:
        assert Exchange(urlsplit(f"http://127.0.0.1:{port}")).ask("PUT", "/a", {"host": "x"}).body == b"hello"


@pytest.mark.parametrize(
    "answer", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel", b"HTTP/1.1 200 OK\r\nX", b"no HTTP at all\n"]
)
def test_an_answer_that_is_none_is_an_error(answer: bytes) -> None:
    with answering([answer]) as port, pytest.raises(OSError, match="answer"):
        Exchange(urlsplit(f"http://127.0.0.1:{port}")).ask("PUT", "/a", {"host": "x"})


def test_a_server_that_says_nothing_is_waited_for_no_longer_than_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exchange, "ANSWER_S", 1)
    silent = socket.create_server(("127.0.0.1", 0))
    with pytest.raises(OSError, match="no answer"):
        Exchange(urlsplit(f"http://127.0.0.1:{silent.getsockname()[1]}")).ask("PUT", "/a", {"host": "x"})
    silent.close()


def test_a_certificate_is_checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(certificate(tmp_path))
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"
    exchange._tls.cache_clear()
    with answering([answer], server) as port, pytest.raises(ssl.SSLCertVerificationError):
        Exchange(urlsplit(f"https://localhost:{port}")).ask("PUT", "/a", {"host": "x"})
    monkeypatch.setenv("AWS_CA_BUNDLE", str(tmp_path / "both.pem"))
    exchange._tls.cache_clear()
    with answering([answer], server) as port:
        assert Exchange(urlsplit(f"https://localhost:{port}")).ask("PUT", "/a", {"host": "x"}).body == b"hi"
    exchange._tls.cache_clear()


def certificate(folder: Path) -> Path:
    """A key, and a certificate of localhost that it signed itself."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name.from_rfc4514_string("CN=localhost")
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(datetime.now(UTC) - timedelta(days=1))
        .not_valid_after(datetime.now(UTC) + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    plain = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    file = folder / "both.pem"
    file.write_bytes(key.private_bytes(*plain) + made.public_bytes(serialization.Encoding.PEM))
    return file
