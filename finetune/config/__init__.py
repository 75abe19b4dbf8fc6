"""What a config file may say: one pydantic model a section, and a loader whose errors name file and line."""
