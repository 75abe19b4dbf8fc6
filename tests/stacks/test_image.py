import dataclasses

from rehearsal import Rehearsal
from stacks.files import Stack, load_stack
from stacks.image import pinned

pytest_plugins = ["rehearsal.fixture"]


def with_image(image: str) -> Stack:
    stack = load_stack("rehearsal")
    assert stack.values is not None
    return dataclasses.replace(stack, values=stack.values.model_copy(update={"image": image}))


def test_a_tag_becomes_the_digest_that_ecr_gives_for_it(rehearsal: Rehearsal) -> None:
    ecr = rehearsal.client("ecr")
    found = pinned(load_stack("rehearsal"), lambda: ecr).values
    known = ecr.describe_images(repositoryName="finetune")["imageDetails"][0]["imageDigest"]
    assert found is not None
    assert found.image == f"123456789012.dkr.ecr.us-east-1.amazonaws.com/finetune@{known}"


def test_an_image_that_ecr_has_not_stays_as_it_is(rehearsal: Rehearsal) -> None:
    for name in ("finetune:none", "nothing:here", f"finetune@sha256:{'0' * 64}"):
        stack = with_image(f"123456789012.dkr.ecr.us-east-1.amazonaws.com/{name}")
        assert pinned(stack, lambda: rehearsal.client("ecr")) == stack


def test_a_stack_of_this_machine_has_no_image() -> None:
    def nobody() -> None:
        raise AssertionError

    assert pinned(load_stack("local"), nobody) == load_stack("local")
