"""The revisions; their identifiers are the versions of the schema."""
