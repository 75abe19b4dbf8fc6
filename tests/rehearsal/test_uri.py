import pytest

from rehearsal.uri import file_name


@pytest.mark.parametrize(
    ("key", "prefix", "name"),
    [
        ("data/train/a.txt", "data/train", "a.txt"),
        ("data/train/deep/a.txt", "data/train/", "deep/a.txt"),
        ("data/train/a.txt", "data/tr", "train/a.txt"),
        ("data/a.txt", "data/a.txt", "a.txt"),
        ("a.txt", "", "a.txt"),
        ("data/train/", "data/train/", ""),
    ],
)
def test_an_object_lies_where_its_prefix_ends(key: str, prefix: str, name: str) -> None:
    assert file_name(key, prefix) == name
