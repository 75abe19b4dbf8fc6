import signal

from finetune.collector import collect_rarely


def pytest_configure() -> None:
    """A shell's background job ignores Ctrl-C and hands that down; here processes are sent one, and must hear it."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    collect_rarely()
