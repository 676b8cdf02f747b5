"""What installed packages add, by entry point: ``speciate.problems``, ``.evaluators``, ``.sandboxes``, ...

The built-in parts are known without entry points; a package adds to them under other names.
"""

from importlib.metadata import EntryPoint, entry_points

from ._errors import ProblemError, SpeciateError


def installed(group: str) -> list[str]:
    """Return the names that installed packages give in ``group``, sorted."""
    return sorted({point.name for point in entry_points(group=group)})


def load_installed(group: str, name: str) -> object | None:
    """Return what the entry point ``name`` of ``group`` names; None where there is no such entry point.

    Raises SpeciateError where it does not import, or where two packages claim the name.
    """
    points = {point.value: point for point in entry_points(group=group) if point.name == name}
    if len(points) > 1:
        claims = " and ".join(sorted(_origin(point) for point in points.values()))
        raise SpeciateError(f"{group}: {name!r} is given by {claims}; expected one: uninstall the others")
    for point in points.values():
        try:
            found: object = point.load()
            return found
        except (ImportError, AttributeError) as error:
            raise ProblemError(f"{group}: {name!r} of {_origin(point)} does not import: {error}") from error
    return None


def _origin(point: EntryPoint) -> str:
    return f"{point.dist.name} {point.dist.version}" if point.dist is not None else point.value
