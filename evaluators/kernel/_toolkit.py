"""Where a CUDA compiler is found on this machine: in the Python packages of the extra, on the path, or where it is
usually installed."""

import shutil
from functools import cache
from importlib.util import find_spec
from pathlib import Path

INSTALL = "pip install 'speciate[cuda]', or a CUDA toolkit with nvcc on the PATH"


@cache
def toolkit() -> Path | None:
    """Return the folder of a CUDA toolkit whose compiler is whole; None where there is none."""
    spec = find_spec("nvidia")
    places = [
        found
        for folder in (spec.submodule_search_locations or () if spec else ())
        for found in sorted(Path(folder).glob("cu[0-9]*"), reverse=True)
    ]
    on_path = shutil.which("nvcc")
    if on_path is not None:
        places.append(Path(on_path).resolve().parent.parent)
    places.append(Path("/usr/local/cuda"))
    return next((each.resolve() for each in places if (each / "bin/nvcc").is_file() and (each / "nvvm").is_dir()), None)
