"""Edits whose quotations are slightly wrong: applied where there is one place for them, refused with the reason."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from speciate.agent._diff import Block, DiffError, apply_blocks, apply_to_files
from speciate.agent._places import nearest, places_of

ROUTER = '''"""Route to the least loaded."""

WEIGHT = 1.5


def key(request):
    return request.prompt_tokens


def place(head, view):
    best, least = 0, 1e300
    for replica in view.replicas:
        # A full replica takes nothing.
        if replica.free_blocks < head.prompt_blocks:
            continue
        score = WEIGHT * replica.running + replica.waiting
        if score < least:
            best, least = replica.index, score
    return best
'''


def edited(search: str, replace: str, source: str = ROUTER) -> str:
    return apply_blocks(source, [Block(tuple(search.split("\n")), tuple(replace.split("\n")))])


def refusal(search: str, replace: str, source: str = ROUTER) -> DiffError:
    with pytest.raises(DiffError) as error:
        edited(search, replace, source)
    return error.value


SCORE = "score = WEIGHT * replica.running + replica.waiting"
BETTER = "score = WEIGHT * replica.running / replica.speed"
GUARD = "        if replica.free_blocks < head.prompt_blocks:\n            continue\n"


@pytest.mark.parametrize(
    "quoted",
    [
        f"        {SCORE}",
        SCORE,
        SCORE.replace(" ", "  "),
        f"    {SCORE}   ",
        f"\t{SCORE}",
        f"    continue\n\n{SCORE}",
        f"            continue\n        {SCORE}\n        if score < min:",
        f"        # A full one takes nothing.\n{GUARD}        {SCORE}",
        f"    for replica in view.replicas:\n{GUARD}        {SCORE}",
    ],
    ids=["as is", "shifted", "blanks", "shifted back", "tab", "a blank line", "wrong below", "wrong above", "short"],
)
def test_an_edit_lands_though_it_is_quoted_slightly_wrong(quoted):
    better = quoted.replace(SCORE, BETTER).replace(SCORE.replace(" ", "  "), BETTER).rstrip()
    assert edited(quoted, better) == ROUTER.replace(SCORE, BETTER)


def test_new_lines_are_indented_as_their_place_is():
    search = "if score < least:\n  best, least = replica.index, score"
    replace = "if score < least:\n  if score > 0:\n    best, least = replica.index, score"
    wanted = "if score < least:\n            if score > 0:\n                best, least = replica.index, score\n"
    assert wanted in edited(search, replace)
    tabbed = ROUTER.replace("    ", "\t")
    assert wanted.replace("    ", "\t") in edited(search, replace, tabbed)


def test_what_an_edit_keeps_stays_as_the_file_has_it():
    search = f"        # Skip what is full.\n{GUARD}        {SCORE}"
    replace = search.replace(SCORE, f"{SCORE}\n        score += 1")
    assert edited(search, replace) == ROUTER.replace(SCORE, f"{SCORE}\n        score += 1")


def test_a_line_that_changes_must_be_there():
    error = refusal(f"{GUARD}        score = ALPHA * replica.running", f"{GUARD}        score = ALPHA")
    assert "score = ALPHA * replica.running" in str(error)
    assert SCORE in error.excerpt
    assert "WEIGHT" not in str(error)


def test_a_line_left_out_between_those_that_change_is_not_dropped():
    search = f"    for replica in view.replicas:\n{GUARD}        {SCORE}"
    error = refusal(search, "    for replica in fitting:")
    assert "leaves out lines" in str(error)
    assert "# A full replica takes nothing." in error.excerpt


def test_the_nearest_place_is_told():
    error = refusal("def place(head, view):\n    worst = 0\n    most = 1\n    chosen = 2", "pass")
    assert "matches nothing in the file: 1 of its 4 lines agree with line" in str(error)
    assert "of the file, '    worst = 0' does not" in str(error)
    assert "def place(head, view):" in error.excerpt
    assert refusal("nothing like it", "pass").excerpt == ""


def test_every_block_that_does_not_fit_is_told():
    blocks = [Block(("no such line",), ("x",)), Block(("WEIGHT = 1.5",), ("WEIGHT = 2",)), Block(("nor this",), ())]
    with pytest.raises(DiffError, match=r"block 1 .*; .*block 3 "):
        apply_blocks(ROUTER, blocks)


TWICE = "def f(a):\n    x = a + 1\n    return x\n\n\ndef g(b):\n    x = b + 1\n    return x\n"


@pytest.mark.parametrize(
    "search",
    ["    return x", "return  x", "    x = c + 1\n    return x", "def h(c):\n    x = c + 1\n    return x"],
)
def test_two_places_are_never_chosen_between(search):
    refusal(search, "    return 0", TWICE)
    assert "2 places (line 3 of the file, line 8 of the file)" in str(refusal("    return x", "pass", TWICE))


def test_lines_around_tell_two_places_apart():
    assert edited("def g(b):\n    x = b + 1\n    return x", "def g(b):\n    return b", TWICE) == TWICE.replace(
        "    x = b + 1\n    return x", "    return b"
    )


def test_indentation_that_has_no_one_reading_is_refused():
    flat = "if score < least:\nbest, least = replica.index, score\nreturn best"
    assert "indents its lines otherwise" in str(refusal(flat, "if score <= least:\nbest = 1\nreturn best"))


def test_of_two_places_the_one_that_may_change_is_meant():
    text = "// x\nlevel = 1;\n// EVOLVE-BLOCK-START\nlevel = 1;\n// EVOLVE-BLOCK-END\n"
    assert edited("level = 1;", "level = 2;", text) == text.replace("START\nlevel = 1;", "START\nlevel = 2;")
    assert "2 places" in str(refusal("level = 1;", "level = 2;", text.replace("EVOLVE-BLOCK", "BLOCK")))


def test_the_file_that_is_quoted_most_exactly_is_meant():
    files = {"a.py": "if ready:\n    x = 1\n", "b.py": "x = 1\n", "c.py": "y = 2\r\n"}
    assert apply_to_files(files, [Block(("x = 1",), ("x = 2",))]) == {**files, "b.py": "x = 2\n"}
    assert apply_to_files(files, [Block(("y = 2",), ("y = 3",))]) == {**files, "c.py": "y = 3\n"}


words = st.sampled_from(["alpha", "beta", "gamma", "delta", "queue", "rate", "score", "limit", "load", "slot"])
bodies = st.lists(st.tuples(words, words, st.sampled_from("+-*/<=>")), min_size=6, max_size=14)
leads = st.lists(st.integers(0, 3), min_size=14, max_size=14)


def file_of(body, depths) -> list[str]:
    """Lines that differ from one another in what they say."""
    return [f"{'    ' * depths[n]}{a}_{n} = {b}_{n} {sign} {n}" for n, (a, b, sign) in enumerate(body)]


@given(bodies, leads, st.data())
@settings(max_examples=150, deadline=None)
def test_a_quotation_slightly_wrong_does_what_the_right_one_does(body, depths, data):
    lines = file_of(body, depths)
    start = data.draw(st.integers(0, len(lines) - 4))
    stop = data.draw(st.integers(start + 4, len(lines)))
    search = lines[start:stop]
    changed = data.draw(st.integers(0, len(search) - 1))
    shape = data.draw(st.sampled_from(["replace", "drop", "insert"]))
    lead = search[changed][: len(search[changed]) - len(search[changed].lstrip())]
    new = {"replace": [f"{lead}fresh = 1"], "drop": [], "insert": [search[changed], f"{lead}fresh = 1"]}[shape]
    replace = [*search[:changed], *new, *search[changed + 1 :]]
    wanted = [*lines[:start], *replace, *lines[stop:]]
    source = "\n".join(lines) + "\n"
    assert apply_blocks(source, [Block(tuple(search), tuple(replace))]) == "\n".join(wanted) + "\n"

    kept = [n for n in range(len(search)) if n != changed]
    odd = data.draw(st.sampled_from(kept))
    wrong = search[odd].replace("_", "", 1)
    unit = data.draw(st.sampled_from(["  ", "    ", "\t"]))
    both = [[wrong if line == search[odd] else line for line in part] for part in (search, replace)]
    ours, theirs = ([line.replace("    ", unit) for line in part] for part in both)
    assert apply_blocks(source, [Block(tuple(ours), tuple(theirs))]) == "\n".join(wanted) + "\n"


@given(bodies, leads, st.data())
@settings(max_examples=100, deadline=None)
def test_a_passage_that_is_there_twice_is_never_edited(body, depths, data):
    lines = file_of(body, depths)
    start = data.draw(st.integers(0, len(lines) - 3))
    stop = data.draw(st.integers(start + 2, len(lines)))
    passage = lines[start:stop]
    between = data.draw(st.lists(st.sampled_from(["zeta()", "", "eta()"]), max_size=3))
    source = "\n".join([*lines, *between, *passage]) + "\n"
    search = [line.strip() if data.draw(st.booleans()) else line for line in passage]
    with pytest.raises(DiffError):
        apply_blocks(source, [Block(tuple(search), ("fresh = 1",))])


anything = st.lists(st.text("ab =(\t", max_size=7), max_size=9)


@given(anything, anything, anything)
@settings(max_examples=300, deadline=None)
def test_an_edit_changes_what_its_place_spans_and_nothing_else(lines, search, replace):
    source = "\n".join([*lines, "end"]) + "\n"
    places = places_of(search, source.split("\n")[:-1]) if any(line.strip() for line in search) else []
    try:
        new = apply_blocks(source, [Block(tuple(search), tuple(replace))])
    except DiffError:
        return
    [place] = places
    before = source.split("\n")[: place.first]
    after = source.split("\n")[place.last + 1 :]
    assert new.split("\n")[: len(before)] == before
    assert new.split("\n")[len(new.split("\n")) - len(after) :] == after


def test_a_quotation_too_long_to_compare_is_refused():
    source = "\n".join(f"a{n} = (b + c) * {n}" for n in range(2000))
    search = ["a = (b + c)"] * 1000
    assert nearest(search, source.split("\n")) is None
    assert "not one line is like" in str(refusal("\n".join(search), "pass", source))
