"""Work in groups, a machine each, and in parts, a process each: the same rows however it is divided."""
