"""The application without a server, around a model that waits or fails as the test wants."""

import asyncio
import threading
from collections import Counter
from typing import Any

import httpx

from finetune.serving.answers import Answer
from finetune.serving.app import WAITING, create_app
from finetune.serving.facts import PackageFacts
from finetune.serving.limits import Limits

BODY = b'{"text.json": "x"}'


class Held:
    """Answers once it may."""

    facts = PackageFacts("tiny", ["low"], ["text.json"], "", {})

    def __init__(self) -> None:
        self.may = threading.Event()
        self.at_once = self.most = 0

    def answer(self, instances: list[Any]) -> list[Answer]:
        self.at_once += 1
        self.most = max(self.most, self.at_once)
        self.may.wait(20)
        self.at_once -= 1
        return [{"low": 1.0} for _ in instances]


class Broken(Held):
    """Fails for a reason that is no request's."""

    def answer(self, instances: list[Any]) -> list[Answer]:
        raise OSError("the disk of /secret is full")


def client(model: Any) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(create_app(model, Limits()), raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://here", headers={"content-type": "application/json"})


def test_more_requests_than_may_wait_are_turned_away_and_the_others_answered_one_by_one() -> None:
    model = Held()

    async def ask() -> list[httpx.Response]:
        async with client(model) as asking:
            sent = [asyncio.create_task(asking.post("/invocations", content=BODY)) for _ in range(WAITING + 4)]
            done, _ = await asyncio.wait(sent, return_when=asyncio.FIRST_COMPLETED)
            assert {each.result().status_code for each in done} == {503}
            assert (await asking.get("/ping")).status_code == 200
            model.may.set()
            return list(await asyncio.gather(*sent))

    answers = asyncio.run(ask())
    assert Counter(each.status_code for each in answers) == {200: WAITING + 1, 503: 3}
    assert f"{WAITING} requests are waiting already" in next(each for each in answers if each.is_error).json()["error"]
    assert model.most == 1


def test_a_failure_of_the_server_says_nothing_of_its_inside() -> None:
    async def ask() -> httpx.Response:
        async with client(Broken()) as asking:
            return await asking.post("/invocations", content=BODY)

    answer = asyncio.run(ask())
    assert answer.status_code == 500
    assert answer.json() == {"error": "the server failed on this request; its log says why"}
