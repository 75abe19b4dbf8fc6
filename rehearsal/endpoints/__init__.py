"""Endpoints: models in containers of their own, asked for their health, and invoked."""
