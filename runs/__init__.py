"""Launch, resume, inspect and report runs: everything behind the ``speciate`` command."""
