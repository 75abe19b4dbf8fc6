"""Words as numbers."""

import zlib


def word_ids(text: str) -> list[int]:
    """Hashes each word into 1..511."""
    return [zlib.crc32(word.encode()) % 511 + 1 for word in text.split()]
