"""A model section that knows which of its keys encode_data reads: noted in a trial, guarded where models share."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from finetune.calls import Given, model_section
from finetune.errors import PrepareError


class Watched(Given):
    """A model section, as a dict, of which every way to read a key goes through `reads`.

    What looks at all keys (iteration, copies, the length) reads all of them.
    """

    def reads(self, key: Any) -> None:
        """Called before a key is read, also one that is not there; None stands for all keys."""
        raise NotImplementedError

    def for_a_call(self) -> "Watched":
        """What one call of encode_data gets: what it changes there must not reach the next one."""
        return self

    def check(self) -> None:
        """Called when encode_data has ended."""

    def __getitem__(self, key: Any) -> Any:
        self.reads(key)
        return super().__getitem__(key)

    def __contains__(self, key: Any) -> bool:
        self.reads(key)
        return super().__contains__(key)

    def get(self, key: Any, default: Any = None) -> Any:
        """Read like any other key."""
        self.reads(key)
        return super().get(key, default)

    def pop(self, key: Any, *default: Any) -> Any:
        """Read like any other key before it goes."""
        self.reads(key)
        return super().pop(key, *default)

    def setdefault(self, key: Any, default: Any = None) -> Any:
        """Read like any other key."""
        self.reads(key)
        return super().setdefault(key, default)

    def _whole(self) -> dict[str, Any]:
        self.reads(None)
        return dict(super().items())

    def __iter__(self) -> Iterator[str]:
        return iter(self._whole())

    def __reversed__(self) -> Iterator[str]:
        return reversed(self._whole())

    def __len__(self) -> int:
        return len(self._whole())

    def __eq__(self, other: object) -> bool:
        return self._whole() == other

    def __or__(self, other: Any) -> Any:
        return self._whole() | other

    def __ror__(self, other: Any) -> Any:
        return other | self._whole()

    def __repr__(self) -> str:
        return repr(self._whole())

    def keys(self) -> Any:
        """All keys."""
        return self._whole().keys()

    def values(self) -> Any:
        """The values of all keys."""
        return self._whole().values()

    def items(self) -> Any:
        """All keys with their values."""
        return self._whole().items()

    def copy(self) -> dict[str, Any]:
        """A plain dict of all keys."""
        return self._whole()

    def popitem(self) -> tuple[str, Any]:
        """Which key it is depends on all."""
        self.reads(None)
        return super().popitem()


class Noted(Watched):
    """Notes the keys that are read."""

    def __init__(self, section: Mapping[str, Any]) -> None:
        """Takes the model section."""
        given = model_section(section)
        super().__init__(given.what, given)
        self._keys: set[str] = set()
        self._all = False

    def reads(self, key: Any) -> None:
        """Notes it."""
        if key is None:
            self._all = True
        else:
            self._keys.add(key)

    @property
    def read(self) -> frozenset[str] | None:
        """The keys that were read, there or not; None if all may have been."""
        return None if self._all else frozenset(self._keys)


class Guarded(Watched):
    """What models that share a dataset have in common; a key on which they differ is refused."""

    def __init__(self, section: Mapping[str, Any], differing: Mapping[str, list[str]]) -> None:
        """Takes what they agree on, and the models by each key on which they do not."""
        given = model_section(section)
        super().__init__(given.what, given)
        self._section, self._differing = dict(section), dict(differing)
        self._refused: PrepareError | None = None

    def reads(self, key: Any) -> None:
        """Refuses a key on which they differ.

        Raises:
            PrepareError: They differ on it, or, where all are read, on any.
        """
        wrong = [each for each in self._differing if key in (None, each)]
        if wrong:
            self._refused = _refused(wrong[0], self._differing[wrong[0]], whole=key is None)
            raise self._refused

    def for_a_call(self) -> "Guarded":
        """A copy."""
        return Guarded(self._section, self._differing)

    def check(self) -> None:
        """Refuses again what was refused: a function may have caught it.

        Raises:
            PrepareError: A key was read on which they differ.
        """
        if self._refused is not None:
            raise self._refused

    def __reduce__(self) -> tuple[Any, ...]:
        return Guarded, (self._section, self._differing)


def _refused(key: str, models: list[str], *, whole: bool) -> PrepareError:
    read = f"all keys of model, {key} among them" if whole else f"model[{key!r}]"
    return PrepareError(
        f"encode_data reads {read}, on which the models {', '.join(models)} differ, but they were to share a dataset: "
        f"on the ids that it was tried on before the run it did not read it. Let encode_data read model.get({key!r}) "
        f"first of all, for every id; then each of these models gets a dataset of its own"
    )


def call_with(model: Mapping[str, Any], encode_data: Callable[..., Any], *arguments: Any) -> Any:
    """Calls encode_data with a model section, which may be a watched one, as the last argument.

    Raises:
        PrepareError: It read a key on which models that share a dataset differ.
    """
    section = model.for_a_call() if isinstance(model, Watched) else model_section(model)
    encoded = encode_data(*arguments, section)
    if isinstance(section, Watched):
        section.check()
    return encoded
