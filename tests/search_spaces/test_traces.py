"""Request streams: the generator has the moments it says, and the loader trusts nothing."""

from pathlib import Path

import numpy as np
import pytest
from speciate.evaluators import ProblemError
from speciate.search_spaces.traces import Lengths, StreamModel, generate, load_azure_csv, predict

HEADER = "TIMESTAMP,ContextTokens,GeneratedTokens\n"


def lines(n: int) -> str:
    return "".join(f"2023-11-16 18:{15 + i // 60:02d}:{i % 60:02d}.1234567,{100 + i},{10 + i}\n" for i in range(n))


def test_the_same_seed_gives_the_same_stream_and_another_seed_another() -> None:
    model = StreamModel(rate=5.0, requests=500)
    first, again, other = generate(model, 1), generate(model, 1), generate(model, 2)
    assert np.array_equal(first.arrival_s, again.arrival_s)
    assert np.array_equal(first.predicted_output, again.predicted_output)
    assert not np.array_equal(first.prompt_tokens, other.prompt_tokens)


def test_loads_share_their_lengths() -> None:
    slow, fast = (generate(StreamModel(rate=rate, requests=500), 1) for rate in (4.0, 6.0))
    assert np.array_equal(slow.prompt_tokens, fast.prompt_tokens)
    assert np.array_equal(slow.output_tokens, fast.output_tokens)
    assert np.allclose(slow.arrival_s * 4.0, fast.arrival_s * 6.0)


@pytest.mark.parametrize("burst", [1.0, 1.6])
def test_the_long_run_rate_is_the_stated_one(burst: float) -> None:
    trace = generate(StreamModel(rate=5.0, requests=200_000, burst_factor=burst), 3)
    assert len(trace.arrival_s) / trace.arrival_s[-1] == pytest.approx(5.0, rel=0.02)


def test_bursts_raise_the_variance_of_counts() -> None:
    def dispersion(burst: float) -> float:
        arrival = generate(StreamModel(rate=5.0, requests=50_000, burst_factor=burst), 3).arrival_s
        counts = np.bincount((arrival // 10).astype(int))[:-1]
        return float(counts.var() / counts.mean())

    assert dispersion(1.0) == pytest.approx(1.0, abs=0.15)
    assert dispersion(1.6) > 5.0


def test_lengths_have_the_stated_median_and_never_leave_their_limits() -> None:
    drawn = Lengths(median=520.0, sigma=1.0, longest=8192).draw(100_000, np.random.default_rng(0))
    assert np.median(drawn) == pytest.approx(520, rel=0.02)
    assert drawn.min() >= 1
    assert drawn.max() <= 8192


def test_the_predictor_is_right_in_the_median_and_as_wrong_as_it_says() -> None:
    output = np.full(50_000, 400)
    predicted = predict(output, 0.6, 4096, np.random.default_rng(0))
    assert np.median(predicted) == pytest.approx(400, rel=0.02)
    assert np.log(predicted / 400).std() == pytest.approx(0.6, rel=0.02)
    assert np.array_equal(predict(output, 0.0, 4096, np.random.default_rng(0)), output)


def test_a_burst_factor_that_would_stop_arrivals_is_refused() -> None:
    with pytest.raises(ValueError, match="burst_factor < 2"):
        StreamModel(rate=5.0, requests=10, burst_factor=2.0)


def test_the_azure_loader_reads_its_format(tmp_path: Path) -> None:
    file = tmp_path / "log.csv"
    file.write_text(HEADER + lines(120))
    log = load_azure_csv(file)
    assert log.arrival_s[:3].tolist() == pytest.approx([0.0, 1.0, 2.0])
    assert log.prompt_tokens[:2].tolist() == [100, 101]
    assert log.output_tokens[-1] == 129


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (HEADER + lines(3), "at least 100 requests, got 3"),
        ("a,b\n1,2\n", "missing TIMESTAMP, ContextTokens, GeneratedTokens"),
        ("", "found none"),
        (HEADER + lines(100) + "2023-11-16 19:00:00,-4,5\n", "line 102: expected 1 to"),
        (HEADER + lines(100) + "2023-11-16 19:00:00,nan,5\n", "line 102"),
        (HEADER + lines(100) + "yesterday,4,5\n", "line 102"),
        (HEADER + lines(100) + "2023-11-16 19:00:00,4\n", "line 102"),
        (HEADER + lines(100) + "2023-11-16 17:00:00,4,5\n", "line 102: expected arrivals in order"),
    ],
)
def test_the_azure_loader_says_what_is_wrong_and_where(tmp_path: Path, content: str, said: str) -> None:
    file = tmp_path / "log.csv"
    file.write_text(content)
    with pytest.raises(ProblemError, match=said):
        load_azure_csv(file)


def test_the_azure_loader_refuses_a_missing_and_a_binary_file(tmp_path: Path) -> None:
    with pytest.raises(ProblemError, match="cannot be read"):
        load_azure_csv(tmp_path / "none.csv")
    (tmp_path / "log.csv").write_bytes(b"\xff\xfe\x00\x01" * 50)
    with pytest.raises(ProblemError, match="not a CSV text file"):
        load_azure_csv(tmp_path / "log.csv")


def test_the_real_azure_traces_load(data_folder: Path) -> None:
    folder = data_folder / "azure-llm-2023"
    assert len(load_azure_csv(folder / "AzureLLMInferenceTrace_conv.csv").arrival_s) == 19_366
    assert len(load_azure_csv(folder / "AzureLLMInferenceTrace_code.csv").arrival_s) == 8_819
