"""Jinja templates of the report."""
