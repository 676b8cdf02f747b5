"""Request streams and logs of jobs: the generator has the moments it says, and the loaders trust nothing."""

import json
from pathlib import Path

import numpy as np
import pytest
from speciate.evaluators import ProblemError
from speciate.search_spaces.traces import Lengths, StreamModel, generate, load_azure_csv, load_job_log, predict

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


THROUGHPUTS = {
    "k80": {"('LM', 1)": {"null": 2.0}, "('GAN', 1)": {"null": 0.0}},
    "p100": {"('LM', 1)": {"null": 4.0}, "('GAN', 1)": {"null": 1.0}},
    "v100": {"('LM', 1)": {"null": 8.0}, "('LM', 2)": {"null": 12.0}, "('GAN', 1)": {"null": 3.0}},
}
TIRESIAS = "job_id,num_gpu,submit_time,iterations,model_name,duration,interval\n"


def gavel(kind: str = "LM", steps: str = "80", arrival: str = "500", scale: str = "1") -> str:
    return "\t".join([kind, "python3 train.py", "-n", "1", steps, arrival, scale]) + "\n"


def gavel_file(folder: Path, text: str, throughputs: object = THROUGHPUTS) -> Path:
    (folder / "simulation_throughputs.json").write_text(json.dumps(throughputs))
    (folder / "jobs.trace").write_text(text)
    return folder / "jobs.trace"


def test_the_job_loader_reads_gavels_traces_by_their_throughputs(tmp_path: Path) -> None:
    rows = [gavel(), gavel(steps="120", scale="2"), gavel("GAN", "30"), gavel(steps="480", arrival="530.5", scale="4")]
    log = load_job_log(gavel_file(tmp_path, "".join(rows) + gavel(arrival="600") * 40))
    assert log.arrival_s[:5].tolist() == [0.0, 0.0, 0.0, 30.5, 100.0]
    # 80 steps at 8 a second, 120 at 12, 30 at 3, and 480 at twice the rate that two GPUs have.
    assert log.work_s[:4].tolist() == [10.0, 10.0, 10.0, 20.0]
    assert log.scale[:4].tolist() == [1, 2, 1, 4]
    assert log.speed[:4].tolist() == [[0.25, 0.5, 1.0], [0.0, 0.0, 1.0], [0.0, 1 / 3, 1.0], [0.0, 0.0, 1.0]]


def test_the_job_loader_reads_the_jobs_of_tiresias(tmp_path: Path) -> None:
    file = tmp_path / "jobs.csv"
    file.write_text(TIRESIAS + "".join(f"{i},{1 + i % 8},{30 + 20 * i},606,vgg19,{100 + i},23\n" for i in range(50)))
    log = load_job_log(file)
    assert log.arrival_s[:2].tolist() == [0.0, 20.0]
    assert (log.scale[7], log.work_s[7], log.line[7]) == (8, 107.0, 9)
    assert log.speed.shape == (50, 1)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "the first line is ''"),
        ("a,b\n1,2\n", "the first line is 'a,b'"),
        (gavel() * 3, "at least 40 jobs, got 3"),
        (gavel() * 40 + gavel(steps="0"), "line 41: expected total_steps > 0"),
        (gavel() * 40 + gavel(steps="nan"), "line 41: expected total_steps >= 0"),
        (gavel() * 40 + gavel(scale="0"), "line 41: expected 1 to"),
        (gavel() * 40 + gavel(scale="two"), "line 41"),
        (gavel() * 40 + gavel("Chess"), "line 41: job type 'Chess' has no throughput"),
        (gavel() * 40 + gavel(arrival="100"), "line 41: expected arrivals in order"),
        (gavel() * 40 + "LM\t1\n", "line 41: expected 7 fields"),
        (TIRESIAS, "at least 40 jobs, got 0"),
        (TIRESIAS + "0,1,0,606,vgg19,0,23\n", "line 2: expected duration > 0"),
        (TIRESIAS + "0,1,0,606,vgg19,5,23\n1,1,0,606\n", "line 3: expected 7 fields, got 4"),
        (TIRESIAS + "0,-1,0,606,vgg19,5,23\n", "line 2: expected 1 to"),
    ],
)
def test_the_job_loader_says_what_is_wrong_and_where(tmp_path: Path, content: str, said: str) -> None:
    with pytest.raises(ProblemError, match=said):
        load_job_log(gavel_file(tmp_path, content))


@pytest.mark.parametrize("throughputs", [[], {"k80": {}}, {k: {"LM": {}} for k in ("k80", "p100", "v100")}])
def test_the_job_loader_refuses_throughputs_of_another_shape(tmp_path: Path, throughputs: object) -> None:
    with pytest.raises(ProblemError, match=r"throughputs .*expected Gavel's JSON"):
        load_job_log(gavel_file(tmp_path, gavel() * 40, throughputs))


def test_the_real_job_logs_load(data_folder: Path) -> None:
    assert len(load_job_log(data_folder / "gavel-msr" / "0e4a51.trace").work_s) == 1_181
    assert len(load_job_log(data_folder / "gavel-msr" / "11cb48.trace").work_s) == 2_000
    assert len(load_job_log(data_folder / "tiresias" / "60_job.csv").work_s) == 60
