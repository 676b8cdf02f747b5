"""Same score, less code: when a simpler design takes the niche of one that is as good."""

from functools import lru_cache

from speciate.evaluators import Candidate, canonical_python

from ._parents import Parents
from ._proposer import Elite
from ._tokens import grammar_of, tokens


def yields_to(parents: Parents, ticket: int, holder: Elite) -> bool:
    """Return whether the holder of a niche has more code than the design of ``ticket``, which is as good."""
    return code_size(parents.of(ticket).candidate) < code_size(parents.of(holder.ticket).candidate)


@lru_cache(maxsize=256)
def code_size(candidate: Candidate) -> int:
    """Return the words, numbers and signs of a design: comments, strings, layout and lengths of names do not count.

    >>> code_size(Candidate.from_source("rate = 1  # a rate\\n")), code_size(Candidate.from_source("r = 1\\n"))
    (3, 3)
    """
    size = 0
    for file in candidate.files:
        text = canonical_python(file.text) if file.path.endswith(".py") else file.text
        found = tokens(text, grammar_of(file.path, candidate.language))
        size += sum(token.kind in ("word", "number", "sign") for token in found)
    return size
