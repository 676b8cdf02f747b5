// Two launches, in which a thread has a run of 32 elements: neighbouring threads read elements that lie a run apart.
// Control.
#include <cstdint>

constexpr int THREADS = 128;
constexpr int RUN = 32;
constexpr int TILE = 4096;
// scratch: sums float64[(count + TILE - 1) / TILE]
// launch: tile_sums<<<(count + TILE - 1) / TILE, THREADS>>>(x, sums, count)
// launch: scan_tiles<<<(count + TILE - 1) / TILE, THREADS>>>(x, sums, out, count)

__device__ double in_order(double value, double* upto) {
    __shared__ double part[THREADS];
    part[threadIdx.x] = value;
    __syncthreads();
    double sum = 0.0;
    for (int i = 0; i < THREADS; i++) {
        if (i == threadIdx.x) *upto = sum;
        sum += part[i];
    }
    __syncthreads();
    return sum;
}

__device__ double sum_of_run(const float* x, int64_t first, int64_t end) {
    double sum = 0.0;
    for (int64_t i = first; i < end; i++) sum += x[i];
    return sum;
}

extern "C" __global__ void tile_sums(const float* x, double* sums, int64_t count) {
    const int64_t first = (blockIdx.x * (int64_t)THREADS + threadIdx.x) * RUN;
    double upto;
    const double sum = in_order(sum_of_run(x, first, min(count, first + RUN)), &upto);
    if (threadIdx.x == 0) sums[blockIdx.x] = sum;
}

extern "C" __global__ void scan_tiles(const float* x, double* sums, float* out, int64_t count) {
    const int64_t first = (blockIdx.x * (int64_t)THREADS + threadIdx.x) * RUN, end = min(count, first + RUN);
    double upto, before = 0.0;
    for (int64_t i = threadIdx.x; i < blockIdx.x; i += THREADS) before += sums[i];
    before = in_order(before, &upto);
    in_order(sum_of_run(x, first, end), &upto);
    double sum = before + upto;
    for (int64_t i = first; i < end; i++) {
        sum += x[i];
        out[i] = (float)sum;
    }
}
