"""The application around a package's model: `/ping` and `/invocations`, as SageMaker calls them.

Requests wait in line for one thread that reads, encodes and answers them: the model never works on two at once.
"""

import asyncio
from concurrent.futures import ThreadPoolExecutor

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from finetune.serving.forms import Form, accepted
from finetune.serving.inference import input_fn, output_fn, predict_fn
from finetune.serving.limits import Limits
from finetune.serving.model import PackagedModel
from finetune.serving.refused import RequestError

WAITING = 64
"""Requests in line beside the one in work; more are turned away, since each holds memory."""
DRAINED = 10
"""Times the limit of a request: as much of a larger one is read and thrown away, for clients that read no answer before
they have sent everything."""

Answered = tuple[str, Form]


def create_app(model: PackagedModel, limits: Limits) -> FastAPI:
    """The application."""
    app = FastAPI(openapi_url=None)
    worker = ThreadPoolExecutor(1, "model")
    waiting = asyncio.Semaphore(WAITING + 1)

    @app.get("/ping")
    async def ping() -> Response:
        return Response()

    @app.post("/invocations")
    async def invocations(request: Request) -> Response:
        body = await _body(request, limits.bytes)
        if waiting.locked():
            raise RequestError(503, f"{WAITING} requests are waiting already: send it again in a moment")
        async with waiting:
            headers = request.headers.get("content-type", ""), request.headers.get("accept", "")
            work = asyncio.get_running_loop().run_in_executor(worker, _answer, model, body, *headers)
            text, form = await work
        return Response(text.encode("utf-8", "replace"), media_type=f"{form}; charset=utf-8")

    app.add_exception_handler(RequestError, _refused)
    app.add_exception_handler(HTTPException, _unknown)
    app.add_exception_handler(ClientDisconnect, _left)
    app.add_exception_handler(Exception, _failed)
    return app


def _answer(model: PackagedModel, body: bytes, content_type: str, accept: str) -> Answered:
    data = input_fn(body, content_type)
    form = accepted(accept, data.form)
    return output_fn(predict_fn(data, model), form), form


async def _body(request: Request, most: int) -> bytes:
    """The request's body; of one that is too large no more than the limit is held.

    Raises:
        RequestError: It is too large (413), or compressed (415).
    """
    if request.headers.get("content-encoding", "identity") != "identity":
        raise RequestError(415, "Content-Encoding: the request must not be compressed")
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > DRAINED * most:
            break
        if size <= most:
            parts.append(part)
        else:
            parts.clear()
    if size > most:
        raise RequestError(413, f"a request may have {most:,} bytes, but this one has more: send several smaller ones")
    return b"".join(parts)


async def _refused(request: Request, error: Exception) -> Response:
    status = error.status if isinstance(error, RequestError) else 400
    return _error(status, str(error))


async def _unknown(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 404
    return _error(status, f"{request.method} {request.url.path[:100]}: there are GET /ping and POST /invocations")


async def _left(request: Request, error: Exception) -> Response:
    return _error(400, "the request ended before its body did")


async def _failed(request: Request, error: Exception) -> Response:
    return _error(500, "the server failed on this request; its log says why")


def _error(status: int, message: str) -> Response:
    return JSONResponse({"error": message}, status, headers={"Connection": "close"} if status == 413 else None)
