"""Runs one container's worth of processes without a container engine, in namespaces of the Linux kernel."""
