"""The history of the archive's schema, a revision of alembic for each version.

Whoever changes ``_tables`` raises its ``SCHEMA_VERSION`` and adds the revision of that number; a test compares what
the revisions make with the tables. New archives are made from the tables alone. A column that is added gets a default
of the server's, so that a process of an older Speciate that has the archive open can go on.
"""
