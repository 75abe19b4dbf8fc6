"""Training and processing jobs: their states, their folders, and what becomes of them."""
