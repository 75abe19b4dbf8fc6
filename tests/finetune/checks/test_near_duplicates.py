import random

from hypothesis import given, settings
from hypothesis import strategies as st

from finetune.checks.near_duplicates import jaccard, near_duplicates, shingles

WORDS = [f"word{number}" for number in range(5000)]
TEXTS = st.lists(st.sampled_from(WORDS[:6]), max_size=12).map(" ".join)


@settings(deadline=None, max_examples=50)
@given(TEXTS, TEXTS)
def test_similarity_is_that_of_the_sets_of_word_triples(one: str, other: str) -> None:
    def triples(text: str) -> set[tuple[str, ...]]:
        words = text.split()
        return {tuple(words[at : at + 3]) for at in range(max(1, len(words) - 2))} if words else set()

    sets = triples(one), triples(other)
    expected = len(sets[0] & sets[1]) / len(sets[0] | sets[1]) if sets[0] | sets[1] else 0.0
    assert jaccard(shingles(one), shingles(other)) == expected


@settings(deadline=None, max_examples=50)
@given(st.lists(TEXTS, max_size=8), st.lists(TEXTS, max_size=8))
def test_what_is_found_is_true_and_equal_texts_are_always_found(known: list[str], looked_up: list[str]) -> None:
    pairs = list(near_duplicates(known, looked_up, 0.8))
    assert all(jaccard(shingles(looked_up[p.place]), shingles(known[p.like])) == p.similarity >= 0.8 for p in pairs)
    same = {place for place, text in enumerate(looked_up) if text and text in known}
    assert same <= {pair.place for pair in pairs}


def test_of_a_thousand_texts_with_one_word_changed_nearly_all_are_found_and_no_other() -> None:
    draw = random.Random(7)
    known = [[draw.choice(WORDS) for _ in range(60)] for _ in range(1000)]
    changed = [[*words[:30], "another", *words[31:]] for words in known]
    strangers = [[draw.choice(WORDS) for _ in range(60)] for _ in range(200)]
    looked_up = [" ".join(words).upper() for words in (*changed, *strangers)]
    pairs = list(near_duplicates([" ".join(words) for words in known], looked_up, 0.8))
    assert all(pair.place == pair.like for pair in pairs)
    assert len(pairs) >= 990


def test_texts_without_a_word_resemble_none() -> None:
    assert list(near_duplicates(["", "...", "a b c d"], ["", "...", "!"], 0.5)) == []
