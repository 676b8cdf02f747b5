"""Schedulers on the live testbed: the same files, in their sandbox, the simulator calibrated to it beside them."""

import pytest
from speciate.evaluators import ProblemRef, Status, load_problem, problem_of
from speciate.runs._real_figures import Sat, findings_of
from speciate.runs._real_sitting import Sitter, designs_of
from speciate.search_spaces.serving_scheduler._real import COMPARED, ENGINE, KEPT, SHORTER, SchedulerTest
from speciate.search_spaces.serving_scheduler._streams import CHAT, DOCUMENT
from speciate.simulators.serving import a10_replica

from tests.conftest import needs_torch


def test_a_request_of_the_greatest_length_fits_on_the_engine() -> None:
    longest = max(each.prompt.longest + each.output.longest for each in (CHAT, DOCUMENT)) / SHORTER
    assert ENGINE.blocks_of(round(longest)) < ENGINE.blocks
    assert ENGINE.block_size == a10_replica().block_size
    assert ENGINE.host_blocks > 0


def test_each_repetition_has_a_stream_of_its_own() -> None:
    streams = [SchedulerTest(20.0).workloads(repetition)[0] for repetition in range(3)]
    assert len({stream.seed for stream in streams}) == len({stream.name for stream in streams}) == 3
    assert {stream.params["seconds"] for stream in streams} == {20.0}


def test_schedulers_are_measured_really_in_their_sandbox_and_simulated_on_the_same_stream() -> None:
    needs_torch()
    ref = ProblemRef(name="serving-scheduler", options={"real_seconds": "1"})
    designs = designs_of(["first-come", "class-first", "least-attained"], ref, problem_of(ref), None)
    sitter = Sitter(problem_of(ref), designs, None, None, lambda line: None)

    sat = sitter.sit("s1", 1)

    assert sitter.test.metrics == COMPARED
    assert float(sat.facts[0]["capacity_rps"]) > 0
    assert float(sat.facts[0]["pace"]) > 0
    for (word,) in sat.words.values():
        assert (word.status, word.detail) == (Status.OK, "")
        (measured,) = word.measurements
        assert measured.objective == measured.metrics["mean_cost"] > 0
        assert {"mean_thought_s", "cpu_share"} <= set(measured.metrics)
        for name in (*COMPARED, *KEPT):
            assert (measured.metrics[name] > 0) >= (name in COMPARED)
            assert (measured.metrics[f"simulated_{name}"] > 0) >= (name in COMPARED)
    told = {"problem": ref.name, "options": ref.options, "sitting": sat.id, "environment": {}, "metrics": COMPARED}
    found = findings_of(Sat(**told, facts=sat.facts), sat.words)
    assert sorted(design.rank or 0 for design in found.designs) == [1, 2, 3]
    assert set(found.gaps) == set(COMPARED)
    assert found.agreement is not None


def test_real_seconds_must_be_a_length() -> None:
    with pytest.raises(Exception, match="real_seconds"):
        load_problem("serving-scheduler", {"real_seconds": "0"})
