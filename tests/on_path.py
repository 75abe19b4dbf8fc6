import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType


@contextmanager
def on_path(root: Path) -> Iterator[None]:
    """Makes a folder's experiments importable, and forgets them after: the next test may have ones of the same name."""
    sys.path.insert(0, str(root))
    importlib.invalidate_caches()
    try:
        yield
    finally:
        sys.path.remove(str(root))
        for name in [name for name, module in sys.modules.items() if _is_below(root, name, module)]:
            del sys.modules[name]


def _is_below(root: Path, name: str, module: ModuleType) -> bool:
    if not name.startswith("experiments."):
        return False
    places = [module.__file__] if module.__file__ else list(module.__path__)
    return any(Path(place).resolve().is_relative_to(root.resolve()) for place in places)
