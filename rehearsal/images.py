"""Images: which one a request means, and what its programs need of this machine."""

from pathlib import Path

from rehearsal.settings import Image


def find_image(images: dict[str, Image], uri: str) -> Image | None:
    """The image of this URI, or that of `*`; None if there is none."""
    return images.get(uri, images.get("*"))


def needed_by(image: Image) -> list[str]:
    """The folders that the interpreter needs: its own, that of the Python it was made from, and the image's `kept`."""
    python = Path(image.python)
    folders = [python.parent.parent, python.resolve().parent.parent, *map(Path, image.kept)]
    config = python.parent.parent / "pyvenv.cfg"
    if config.is_file():
        homes = [line.partition("=")[2].strip() for line in config.read_text().splitlines() if line.startswith("home")]
        folders += [Path(home).parent for home in homes]
    return sorted({str(folder) for folder in folders if folder != Path("/usr")})
