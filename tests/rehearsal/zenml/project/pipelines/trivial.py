from steps.greet import greet, look
from zenml import pipeline


@pipeline(name="trivial_pipe", enable_cache=False)
def trivial(places: list[str]) -> None:
    look(greeting=greet(name="rehearsal"), places=places)
