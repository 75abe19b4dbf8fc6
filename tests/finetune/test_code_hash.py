import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from finetune.code_hash import code_hash, dependencies
from finetune.errors import FunctionsError
from finetune.source.closure import Sources
from finetune.source.roots import project_roots
from tests.on_path import on_path

Files = dict[str, str]
Write = Callable[[Files], Path]


def write_files(root: Path, files: Files) -> Path:
    (root / "experiments").mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return root


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Write]:
    with on_path(tmp_path):
        yield lambda files: write_files(tmp_path, files)


@dataclass(frozen=True)
class Case:
    """`edit` replaces text in a file; of all `objects`, just those in `changed` must get another hash."""

    files: Files
    edit: tuple[str, str, str]
    changed: tuple[str, ...]
    same: tuple[str, ...] = ()


TWO = "def other():\n    return 0\n"
HELPERS = "def helper():\n    return 1\n\ndef stranger():\n    return 5\n"
IN_HELPER = ("shop/helpers.py", "return 1", "return 2")

CASES = {
    "a literal in the function itself": Case(
        {"shop/a.py": f"def f():\n    return 1\n{TWO}"},
        ("shop/a.py", "return 1", "return 2"),
        ("shop.a:f",),
        ("shop.a:other",),
    ),
    "a helper of the same module, two calls away": Case(
        {"shop/a.py": f"def f():\n    return g()\ndef g():\n    return h()\ndef h():\n    return 1\n{TWO}"},
        ("shop/a.py", "return 1", "return 2"),
        ("shop.a:f", "shop.a:g", "shop.a:h"),
        ("shop.a:other",),
    ),
    "from module import name": Case(
        {
            "shop/a.py": f"from shop.helpers import helper\ndef f():\n    return helper()\n{TWO}",
            "shop/helpers.py": HELPERS,
        },
        IN_HELPER,
        ("shop.a:f", "shop.helpers:helper"),
        ("shop.a:other", "shop.helpers:stranger"),
    ),
    "a stranger beside the helper": Case(
        {"shop/a.py": "from shop.helpers import helper\ndef f():\n    return helper()\n", "shop/helpers.py": HELPERS},
        ("shop/helpers.py", "return 5", "return 6"),
        ("shop.helpers:stranger",),
        ("shop.a:f", "shop.helpers:helper"),
    ),
    "an import with an alias": Case(
        {
            "shop/a.py": f"from shop.helpers import helper as h\ndef f():\n    return h()\n{TWO}",
            "shop/helpers.py": HELPERS,
        },
        IN_HELPER,
        ("shop.a:f",),
        ("shop.a:other",),
    ),
    "a relative import": Case(
        {
            "shop/__init__.py": "",
            "shop/sub/__init__.py": "",
            "shop/sub/a.py": f"from ..helpers import helper\ndef f():\n    return helper()\n{TWO}",
            "shop/helpers.py": HELPERS,
        },
        IN_HELPER,
        ("shop.sub.a:f",),
        ("shop.sub.a:other",),
    ),
    "a relative import of a module": Case(
        {
            "shop/a.py": f"from . import helpers\ndef f():\n    return helpers.helper()\n{TWO}",
            "shop/helpers.py": HELPERS,
        },
        IN_HELPER,
        ("shop.a:f",),
        ("shop.a:other",),
    ),
    "import package.module": Case(
        {
            "shop/a.py": f"import shop.helpers\ndef f():\n    return shop.helpers.helper()\n{TWO}",
            "shop/helpers.py": HELPERS,
        },
        IN_HELPER,
        ("shop.a:f",),
        ("shop.a:other",),
    ),
    "import package.module: another attribute": Case(
        {"shop/a.py": "import shop.helpers as m\ndef f():\n    return m.helper()\n", "shop/helpers.py": HELPERS},
        ("shop/helpers.py", "return 5", "return 6"),
        (),
        ("shop.a:f",),
    ),
    "a re-export chain through __init__.py": Case(
        {
            "shop/a.py": f"from shop.parts import helper\ndef f():\n    return helper()\n{TWO}",
            "shop/parts/__init__.py": "from shop.parts.inner import helper, stranger\n",
            "shop/parts/inner/__init__.py": "from ...helpers import helper as helper, stranger\n",
            "shop/helpers.py": HELPERS,
        },
        IN_HELPER,
        ("shop.a:f", "shop.parts:helper"),
        ("shop.a:other", "shop.parts:stranger"),
    ),
    "a method that uses a helper": Case(
        {
            "shop/a.py": "from shop.helpers import helper\nclass C:\n    def m(self):\n        return helper()\n"
            f"def f():\n    return C().m()\n{TWO}",
            "shop/helpers.py": HELPERS,
        },
        IN_HELPER,
        ("shop.a:f", "shop.a:C", "shop.a:C.m"),
        ("shop.a:other",),
    ),
    "a base class": Case(
        {"shop/a.py": f"class B:\n    x = 1\nclass C(B):\n    pass\ndef f():\n    return C().x\n{TWO}"},
        ("shop/a.py", "x = 1", "x = 2"),
        ("shop.a:f", "shop.a:C"),
        ("shop.a:other",),
    ),
    "a module-level constant": Case(
        {"shop/a.py": f"LIMIT = 1\ndef f():\n    return LIMIT\n{TWO}"},
        ("shop/a.py", "LIMIT = 1", "LIMIT = 2"),
        ("shop.a:f",),
        ("shop.a:other",),
    ),
    "a constant that is added to later": Case(
        {"shop/a.py": f"NAMES = ['a']\nNAMES += ['b']\ndef f():\n    return NAMES\n{TWO}"},
        ("shop/a.py", "'b'", "'c'"),
        ("shop.a:f",),
        ("shop.a:other",),
    ),
    "a table that is filled later": Case(
        {"shop/a.py": f"TABLE = {{}}\nTABLE['a'] = 1\ndef f():\n    return TABLE\n{TWO}"},
        ("shop/a.py", "= 1", "= 2"),
        ("shop.a:f",),
        ("shop.a:other",),
    ),
    "a function that sets a global": Case(
        {"shop/a.py": f"STATE = 0\ndef put():\n    global STATE\n    STATE = 1\ndef f():\n    return STATE\n{TWO}"},
        ("shop/a.py", "STATE = 1", "STATE = 2"),
        ("shop.a:f", "shop.a:put"),
        ("shop.a:other",),
    ),
    "a decorator": Case(
        {"shop/a.py": f"def wrap(g):\n    return (1, g)\n@wrap\ndef f():\n    return 0\n{TWO}"},
        ("shop/a.py", "(1, g)", "(2, g)"),
        ("shop.a:f",),
        ("shop.a:other",),
    ),
    "a default argument": Case(
        {"shop/a.py": f"SIZE = 1\ndef f(size=SIZE):\n    return size\n{TWO}"},
        ("shop/a.py", "SIZE = 1", "SIZE = 2"),
        ("shop.a:f",),
        ("shop.a:other",),
    ),
    "a star import": Case(
        {"shop/a.py": "from shop.helpers import *\ndef f():\n    return helper()\n", "shop/helpers.py": HELPERS},
        IN_HELPER,
        ("shop.a:f",),
    ),
    "a star import in a package": Case(
        {
            "shop/a.py": f"from shop.parts import helper\ndef f():\n    return helper()\n{TWO}",
            "shop/parts/__init__.py": "from shop.helpers import *\n",
            "shop/helpers.py": HELPERS,
        },
        IN_HELPER,
        ("shop.a:f", "shop.parts:helper"),
        ("shop.a:other",),
    ),
    "an import inside the function": Case(
        {
            "shop/a.py": f"def f():\n    from shop.helpers import helper as h\n    return h()\n"
            f"def g():\n    import shop.helpers as m\n    return m.helper()\n{TWO}",
            "shop/helpers.py": HELPERS,
        },
        IN_HELPER,
        ("shop.a:f", "shop.a:g"),
        ("shop.a:other",),
    ),
    "a definition under a condition": Case(
        {
            "shop/a.py": "import sys\nif sys.platform == 'win32':\n    def helper():\n        return 1\n"
            "else:\n    def helper():\n        return 5\ndef f():\n    return helper()\n"
        },
        ("shop/a.py", "return 1", "return 2"),
        ("shop.a:f", "shop.a:helper"),
    ),
    "an import under try": Case(
        {
            "shop/a.py": f"try:\n    from shop.helpers import helper\nexcept ImportError:\n    helper = None\n"
            f"def f():\n    return helper()\n{TWO}",
            "shop/helpers.py": HELPERS,
        },
        IN_HELPER,
        ("shop.a:f",),
        ("shop.a:other",),
    ),
    "a statement that runs at import": Case(
        {
            "shop/a.py": f"import torch\nfrom shop.helpers import helper\ntorch.set_num_threads(1)\n{TWO}",
            "shop/b.py": "from shop.a import other\n",
            "shop/helpers.py": HELPERS,
        },
        ("shop/a.py", "threads(1)", "threads(2)"),
        ("shop.a:other", "shop.b:other"),
        ("shop.helpers:helper",),
    ),
    "a setting of a foreign module": Case(
        {"shop/a.py": f"import torch\ntorch.backends.cudnn.benchmark = True\n{TWO}"},
        ("shop/a.py", "True", "False"),
        ("shop.a:other",),
    ),
    "a statement of a module that is imported for its effect": Case(
        {
            "shop/a.py": f"from . import patches\n{TWO}",
            "shop/patches.py": "import os\nos.umask(1)\ndef unused():\n    return 3\n",
        },
        ("shop/patches.py", "umask(1)", "umask(2)"),
        ("shop.a:other",),
    ),
    "a function that the import-time statement calls": Case(
        {"shop/a.py": f"def set_up():\n    return 1\nset_up()\n{TWO}"},
        ("shop/a.py", "return 1", "return 2"),
        ("shop.a:other",),
    ),
    "a statement of the package": Case(
        {"shop/__init__.py": "import os\nos.umask(1)\n", "shop/a.py": TWO},
        ("shop/__init__.py", "umask(1)", "umask(2)"),
        ("shop.a:other",),
    ),
    "what runs only as a script or for a type checker": Case(
        {
            "shop/a.py": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    X = 1\n"
            f"if __name__ == '__main__':\n    print(1)\n{TWO}"
        },
        ("shop/a.py", "1", "2"),
        (),
        ("shop.a:other",),
    ),
    "mutual recursion": Case(
        {
            "shop/a.py": f"from shop.b import odd\ndef even(n):\n    return n == 0 or odd(n - 1)\n{TWO}",
            "shop/b.py": "from shop.a import even\ndef odd(n):\n    return n != 0 and even(n - 1)\n",
        },
        ("shop/a.py", "n == 0", "n <= 0"),
        ("shop.a:even", "shop.b:odd"),
        ("shop.a:other",),
    ),
    "two modules that import one name from each other": Case(
        {"shop/a.py": f"from shop.b import x\n{TWO}", "shop/b.py": "from shop.a import x\ny = 1\n"},
        ("shop/b.py", "y = 1", "y = 2"),
        ("shop.b:y",),
        ("shop.a:x", "shop.a:other"),
    ),
    "globals()": Case(
        {"shop/a.py": "def f():\n    return globals()['helper']()\ndef helper():\n    return 1\n"},
        ("shop/a.py", "return 1", "return 2"),
        ("shop.a:f",),
    ),
    "getattr on a module": Case(
        {
            "shop/a.py": f"from shop import helpers\ndef f(name):\n    return getattr(helpers, name)()\n{TWO}",
            "shop/helpers.py": HELPERS,
        },
        IN_HELPER,
        ("shop.a:f",),
        ("shop.a:other",),
    ),
    "a literal import_module": Case(
        {
            "shop/a.py": "import importlib\ndef f():\n    return importlib.import_module('shop.helpers').helper()\n"
            f"def g():\n    return __import__('shop.helpers')\n{TWO}",
            "shop/helpers.py": HELPERS,
        },
        IN_HELPER,
        ("shop.a:f", "shop.a:g"),
        ("shop.a:other",),
    ),
    "a whole module": Case({"shop/a.py": TWO, "shop/b.py": ""}, ("shop/a.py", "0", "1"), ("shop.a",), ("shop.b",)),
    "a parameter with the name of a function": Case(
        {"shop/a.py": "def model():\n    return 1\ndef f(model):\n    return [model for x in model]\n"},
        ("shop/a.py", "return 1", "return 2"),
        ("shop.a:model",),
        ("shop.a:f",),
    ),
    "local names of every kind": Case(
        {
            "shop/a.py": "def n():\n    return 1\n"
            "def loop(xs):\n    for n in xs:\n        return n\n"
            "def comprehension(xs):\n    return {n: n for n in xs if n}\n"
            "def walrus(xs):\n    return any((n := x) for x in xs) and n\n"
            "def handler():\n    try:\n        return 0\n    except OSError as n:\n        return n\n"
            "def match_(x):\n    match x:\n        case [*n]:\n            return n\n"
            "def inner():\n    def n():\n        return 0\n    return lambda: n()\n"
            "def with_(x):\n    with x as (n, _):\n        return n\n"
        },
        ("shop/a.py", "return 1", "return 2"),
        ("shop.a:n",),
        tuple(f"shop.a:{name}" for name in ("loop", "comprehension", "walrus", "handler", "match_", "inner", "with_")),
    ),
    "names that only look local": Case(
        {
            "shop/a.py": "def n():\n    return 1\n"
            "def first_iterable():\n    return [n for n in n()]\n"
            "def method():\n    class C:\n        n = 0\n        def m(self):\n            return n()\n    return C\n"
            "def later():\n    def inner():\n        n = 0\n        return n\n    return n()\n"
            "def declared():\n    def inner(n):\n        def f():\n            global n\n            return n()\n"
            "        return f\n    return inner\n"
        },
        ("shop/a.py", "return 1", "return 2"),
        tuple(f"shop.a:{name}" for name in ("n", "first_iterable", "method", "later", "declared")),
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_an_edit_changes_the_hashes_that_reach_it_and_no_other(case: Case, project: Write) -> None:
    root = project(case.files)
    objects = [*case.changed, *case.same]
    before = {item: code_hash(item) for item in objects}
    name, old, new = case.edit
    text = case.files[name]
    assert old in text
    (root / name).write_text(text.replace(old, new), encoding="utf-8")
    assert [item for item in objects if code_hash(item) != before[item]] == list(case.changed)


def test_comments_formatting_order_and_unused_code_do_not_count(project: Write) -> None:
    project({"shop/a.py": "A = 'x'\ndef g(x):\n    return [x, 1]\ndef f():\n    return g(A)\n"})
    before = code_hash("shop.a:f")
    project(
        {
            "shop/a.py": '"""New docstring."""\nimport os\n# why\n'
            "def f():\n    # because\n    return g(\n        A,\n    )\n\n\n"
            'A = "x"\ndef g(x): return [\n    x,\n    1,\n]\nUNUSED = os.sep\n'
        }
    )
    assert code_hash("shop.a:f") == before


def test_the_place_of_the_checkout_does_not_count(tmp_path: Path) -> None:
    files = {"shop/a.py": "from .helpers import helper\ndef f():\n    return helper()\n", "shop/helpers.py": HELPERS}
    hashes = set()
    for place in ("here", "there/deeper"):
        with on_path(write_files(tmp_path / place, files)):
            hashes.add(code_hash("shop.a:f"))
    assert len(hashes) == 1


def test_nothing_is_imported(project: Write) -> None:
    project({"shop_unimported/a.py": "raise SystemExit('imported')\ndef f():\n    return 1\n"})
    assert len(code_hash("shop_unimported.a:f")) == 64
    assert "shop_unimported" not in sys.modules


def test_several_objects_are_hashed_together_in_any_order(project: Write) -> None:
    project({"shop/a.py": "def f():\n    return 1\ndef g():\n    return 2\n"})
    assert code_hash("shop.a:f", "shop.a:g") == code_hash("shop.a:g", "shop.a:f", "shop.a:f")
    assert code_hash("shop.a:f", "shop.a:g") != code_hash("shop.a:f")


def test_hashes_that_share_what_was_read_are_the_same(project: Write) -> None:
    project({"shop/a.py": f"def f():\n    return 1\n{TWO}"})
    sources = Sources(project_roots())
    for item in ("shop.a:f", "shop.a:other", "shop.a"):
        assert code_hash(item, sources=sources) == code_hash(item)


def test_dependencies_explain_the_hash(project: Write) -> None:
    project(
        {
            "shop/a.py": "import torch\nfrom shop.helpers import helper\nprint(1)\n"
            "def f():\n    return helper(torch.ones(1))\n",
            "shop/helpers.py": HELPERS,
        }
    )
    assert dependencies("shop.a:f") == [
        "shop.a:<module>", "shop.a:f", "shop.a:helper", "shop.a:torch", "shop.helpers:helper"
    ]  # fmt: skip
    assert dependencies("shop.helpers") == ["shop.helpers:*", "shop.helpers:helper", "shop.helpers:stranger"]


def test_a_data_folder_with_the_name_of_a_package_does_not_hide_it(project: Write) -> None:
    project(
        {"datasets/labels.csv": "", "shop/a.py": "from datasets import Features\ndef f():\n    return Features()\n"}
    )
    assert dependencies("shop.a:f") == ["shop.a:Features", "shop.a:f"]


def test_an_experiment_outside_the_project_reaches_into_the_project(project: Write) -> None:
    project(
        {
            "experiments/tiny/functions.py": "from finetune.errors import PrepareError\n"
            "def f():\n    raise PrepareError\n"
        }
    )
    found = dependencies("experiments.tiny.functions:f")
    assert {"finetune.errors:PrepareError", "finetune.errors:FinetuneError"} <= set(found)


@pytest.mark.parametrize(
    ("item", "message"),
    [
        ("shop.a:g", "does not define g; it defines f"),
        ("shop.none:f", "no module shop.none"),
        ("json:dumps", "no module json"),
    ],
)
def test_an_object_that_is_not_there_is_an_error(item: str, message: str, project: Write) -> None:
    project({"shop/a.py": "def f():\n    return 1\n"})
    with pytest.raises(FunctionsError, match=message):
        code_hash(item)


def test_a_syntax_error_names_file_and_line(project: Write) -> None:
    project({"shop/a.py": "x = 1\ndef f(:\n"})
    with pytest.raises(FunctionsError, match=r"shop/a\.py:2: SyntaxError"):
        code_hash("shop.a:f")


STYLES = ("from", "alias", "module", "dotted", "inside", "relative")


def call_source(style: str, module: str, callee_module: str, callee: str) -> tuple[str, str, str]:
    """The import at the top, the import inside the function, and the expression that calls the callee."""
    if module == callee_module:
        return "", "", f"{callee}()"
    return {
        "from": (f"from shop.{callee_module} import {callee}", "", f"{callee}()"),
        "alias": (f"from shop.{callee_module} import {callee} as _{callee}", "", f"_{callee}()"),
        "module": (f"import shop.{callee_module} as {callee_module}_", "", f"{callee_module}_.{callee}()"),
        "dotted": (f"import shop.{callee_module}", "", f"shop.{callee_module}.{callee}()"),
        "inside": ("", f"    from shop.{callee_module} import {callee} as y", "y()"),
        "relative": (f"from .{callee_module} import {callee}", "", f"{callee}()"),
    }[style]


@st.composite
def call_graphs(draw: st.DrawFn) -> tuple[dict[str, str], dict[str, list[tuple[str, str]]]]:
    """The module of each function, and each function's callees with the way it imports them."""
    names = [f"f{index}" for index in range(draw(st.integers(2, 7)))]
    modules = {name: draw(st.sampled_from(["a", "b", "c"])) for name in names}
    calls = st.lists(st.tuples(st.sampled_from(names), st.sampled_from(STYLES)), max_size=3)
    return modules, {name: draw(calls) for name in names}


def graph_files(modules: dict[str, str], calls: dict[str, list[tuple[str, str]]], edited: str | None) -> Files:
    files = {"shop/__init__.py": ""}
    for module in set(modules.values()):
        top: list[str] = []
        body: list[str] = []
        for name in [name for name in modules if modules[name] == module]:
            lines = [call_source(style, module, modules[callee], callee) for callee, style in calls[name]]
            top += [line for line, _, _ in lines if line]
            body += [f"def {name}():", f"    x = {99 if name == edited else 7}"]
            for _, inside, expression in lines:
                body += [inside] if inside else []
                body.append(f"    {expression}")
            body.append("    return x")
        files[f"shop/{module}.py"] = "\n".join([*top, *body, ""])
    return files


def reachable(calls: dict[str, list[tuple[str, str]]], start: str) -> set[str]:
    found, todo = {start}, [start]
    while todo:
        for callee, _ in calls[todo.pop()]:
            if callee not in found:
                found.add(callee)
                todo.append(callee)
    return found


@settings(max_examples=60, deadline=None)
@given(graph=call_graphs(), data=st.data())
def test_in_any_call_graph_a_change_reaches_just_the_callers(
    graph: tuple[dict[str, str], dict[str, list[tuple[str, str]]]], data: st.DataObject
) -> None:
    modules, calls = graph
    edited = data.draw(st.sampled_from(sorted(modules)))
    with tempfile.TemporaryDirectory() as folder, on_path(Path(folder)):
        hashes = []
        for edit in (None, edited):
            write_files(Path(folder), graph_files(modules, calls, edit))
            hashes.append({name: code_hash(f"shop.{modules[name]}:{name}") for name in modules})
    changed = {name for name in modules if hashes[0][name] != hashes[1][name]}
    assert changed == {name for name in modules if edited in reachable(calls, name)}
