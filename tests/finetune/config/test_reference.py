from finetune.config.reference import PAGE, reference_page


def test_the_page_is_current() -> None:
    assert PAGE.read_text(encoding="utf-8") == reference_page(), "run python -m finetune.config.reference"


def test_every_key_says_what_it_means() -> None:
    rows = [line for line in reference_page().splitlines() if line.startswith("| `")]
    assert len(rows) > 40
    assert not [row for row in rows if row.split("|")[3].strip() == ""]
