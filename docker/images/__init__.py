"""How the images are named, built and pushed; `docker/image.py` is its command."""
