"""The rehearsal's ZenML server: its process, its account, and the image that its jobs run."""
