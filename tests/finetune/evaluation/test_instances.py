from pathlib import Path
from typing import Any

import pytest

from finetune.errors import EvaluateError
from finetune.evaluation.instances import check_instance


@pytest.mark.parametrize("instance", ["a.txt", ["a.txt"], None])
def test_paths_without_file_names_are_refused(instance: Any) -> None:
    with pytest.raises(EvaluateError, match=r"a dict of paths by file name for each id.* but instance 7 is "):
        check_instance(instance, 7)


def test_files_that_exist_are_taken(tmp_path: Path) -> None:
    (tmp_path / "a.txt").touch()
    check_instance({"a.txt": str(tmp_path / "a.txt")}, 0)


def test_a_guid_that_does_not_exist_is_told_with_those_that_are_near(tmp_path: Path) -> None:
    for guid in ("rule-1", "rule-2", "rule-33", "other"):
        (tmp_path / guid).mkdir()
    with pytest.raises(EvaluateError) as caught:
        check_instance({"a.txt": str(tmp_path / "rule-3" / "a.txt")}, 0)
    told = str(caught.value)
    assert told.startswith(f"instance 0: its file a.txt, {tmp_path}/rule-3/a.txt, does not exist: ")
    assert f"there is no rule-3 among the 4 names in {tmp_path}, for example rule-33, rule-" in told


def test_an_empty_folder_has_no_examples(tmp_path: Path) -> None:
    with pytest.raises(EvaluateError, match=r"there is no id1 among the 0 names in [^,]*$"):
        check_instance({"a.txt": str(tmp_path / "id1" / "a.txt")}, 0)
