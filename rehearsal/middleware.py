"""The WSGI application: answers the calls that must run something, and hands all others to moto."""

import io
import json
import logging
import re
from collections.abc import Callable, Iterable
from typing import Any

from botocore import xform_name
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from moto.sagemaker.responses import SageMakerResponse

from rehearsal import quotas, schedules
from rehearsal.account import PLATFORM_KEY, Account
from rehearsal.control import Control
from rehearsal.errors import ServiceError
from rehearsal.faults import fault_of, foreign
from rehearsal.service import Service
from rehearsal.wire import Environ, StartResponse, answer, answer_error

TARGET = "SageMaker."
SCOPE = re.compile(r"Credential=([^/,]+)/\d+/([^/]+)/([^/]+)/")


class Middleware:
    """Stands in front of moto. Services are regional: a job of one region is unknown in another."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._services: dict[str, Service] = {}
        self._moto: Callable[[Environ, StartResponse], Iterable[bytes]] = DomainDispatcherApplication(
            create_backend_app
        )
        self._control = Control(account, self.service(account.settings.region))

    def service(self, region: str) -> Service:
        """The service of a region."""
        return self._services.setdefault(region, Service(self._account, region))

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
                # An S3 body may be large and is not needed to know the call.
                self._account.calls.keep(key, service, environ, b"" if service == "s3" else _body(environ))
            if faulty is not None:
                return faulty(start)
            if service == schedules.SERVICE:
                schedules.check(self._account, environ["REQUEST_METHOD"], _json(_body(environ)))
            if target.startswith(TARGET):
                return self._sagemaker(target.removeprefix(TARGET), region, environ, start)
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
    """The body, which stays there to be read again."""
    body: bytes = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    environ["wsgi.input"] = io.BytesIO(body)
    return body


def _json(body: bytes) -> dict[str, Any]:
    values: dict[str, Any] = json.loads(body or b"{}")
    return values


def _signed(environ: Environ) -> tuple[str | None, str | None, str | None]:
    """Access key, region and service of a signed request."""
    found = SCOPE.search(environ.get("HTTP_AUTHORIZATION", ""))
    return (found[1], found[2], found[3]) if found else (None, None, None)
