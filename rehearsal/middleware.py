"""The WSGI application: answers the calls that must run something, and hands all others to moto."""

import io
import json
import logging
import re
import threading
from collections.abc import Callable, Iterable
from typing import Any

from botocore import xform_name
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from moto.sagemaker.responses import SageMakerResponse

from rehearsal import quotas, schedules
from rehearsal.account import PLATFORM_KEY, Account
from rehearsal.control import Control
from rehearsal.endpoints.invoke import endpoint_in, invoke
from rehearsal.errors import ServiceError
from rehearsal.faults import fault_of, foreign
from rehearsal.feature_store.paths import operation_of
from rehearsal.feature_store.runtime import call
from rehearsal.service import Service
from rehearsal.wire import Environ, StartResponse, answer, answer_error

TARGET = "SageMaker."
SCOPE = re.compile(r"Credential=([^/,]+)/\d+/([^/]+)/([^/]+)/")


class Middleware:
    """Stands in front of moto. Services are regional: a job of one region is unknown in another."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._services: dict[str, Service] = {}
        self._lock = threading.Lock()
        self._moto: Callable[[Environ, StartResponse], Iterable[bytes]] = DomainDispatcherApplication(
            create_backend_app
        )
        self._control = Control(account, self.service(account.settings.region))

    def service(self, region: str) -> Service:
        """The service of a region."""
        with self._lock:  # made once: it takes twenty times as long as a request
            if region not in self._services:
                self._services[region] = Service(self._account, region)
            return self._services[region]

    def __call__(self, environ: Environ, start: StartResponse) -> Iterable[bytes]:
        """Answers one request."""
        path, target = environ.get("PATH_INFO", ""), environ.get("HTTP_X_AMZ_TARGET", "")
        try:
            if path.startswith("/_rehearsal/"):
                return answer(start, self._control.answer(path, environ))
            key, region, service = _signed(environ)
            limits = self._account.limits
            faulty = foreign(limits, environ, service)
            if faulty is None and key != PLATFORM_KEY:
                faulty = fault_of(limits, environ, service)
                # An S3 body may be large; only that of DeleteObjects is needed to know the call.
                known = service == "s3" and "delete" not in environ.get("QUERY_STRING", "")
                self._account.calls.keep(key, service, environ, b"" if known else _body(environ))
            if faulty is not None:
                return faulty(start)
            if service == schedules.SERVICE:
                schedules.check(self._account, environ["REQUEST_METHOD"], _json(_body(environ)))
            if target.startswith(TARGET):
                return self._sagemaker(target.removeprefix(TARGET), region, environ, start)
            stored = operation_of(environ["REQUEST_METHOD"], path) if service == "sagemaker" else None
            if stored is not None and region is not None:
                runtime = self.service(region).feature_store
                return answer(start, call(runtime, limits, stored, environ, _body(environ)))
            invoked = endpoint_in(path) if service == "sagemaker" else None
            if invoked is not None and region is not None:
                return invoke(self._account, self.service(region).endpoints, invoked, environ, start, _body(environ))
            if target == quotas.TARGET + quotas.LIST:
                return answer(start, quotas.list_quotas(limits, _json(_body(environ))))
        except ServiceError as error:
            return answer_error(start, error)
        except Exception as error:
            logging.exception("%s %s", target, path)
            return answer_error(start, ServiceError("InternalFailure", str(error), 500))
        return self._moto(environ, start)

    def _sagemaker(self, operation: str, region: str | None, environ: Environ, start: StartResponse) -> Iterable[bytes]:
        if region is None:
            raise ServiceError("MissingAuthenticationTokenException", "Missing Authentication Token", 403)
        body = _body(environ)
        request = _json(body)
        service = self.service(region)
        if service.answers(operation, request):
            return answer(start, service.call(operation, request))
        if not hasattr(SageMakerResponse, xform_name(operation)):
            # moto would answer with a page of HTML, which a client takes for a passing fault and asks again.
            text = f"{operation} is served neither by the rehearsal nor by moto"
            raise ServiceError("UnknownOperationException", text)
        return self._moto(environ, start)


def _body(environ: Environ) -> bytes:
    """The body, which stays there to be read again; of a client that left in its midst there is no request."""
    told = int(environ.get("CONTENT_LENGTH") or 0)
    body: bytes = environ["wsgi.input"].read(told)
    environ["wsgi.input"] = io.BytesIO(body)
    if len(body) < told:
        raise ServiceError("IncompleteBody", f"The request ended after {len(body)} of {told} bytes.", 400)
    return body


def _json(body: bytes) -> dict[str, Any]:
    values: dict[str, Any] = json.loads(body or b"{}")
    return values


def _signed(environ: Environ) -> tuple[str | None, str | None, str | None]:
    """Access key, region and service of a signed request."""
    found = SCOPE.search(environ.get("HTTP_AUTHORIZATION", ""))
    return (found[1], found[2], found[3]) if found else (None, None, None)
