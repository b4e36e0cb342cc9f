"""A side of a comparison without a process."""

import contextvars

from benchmarks.worker import Worker


class InProcess:
    """A side that answers at once, with a choice of backend of its own."""

    def __init__(self, name, threads=1):
        self.name = name
        self.worker = Worker(name)
        self.context = contextvars.copy_context()

    def ask(self, request):
        """Answer as the process would."""
        return self.context.run(self.worker.answer, request)

    def close(self):
        """End nothing."""

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        pass
