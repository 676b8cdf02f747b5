// Each block leaves its counts in memory of its own, and a second launch adds them up: no atomics but in shared memory.
// Source: Podlozhnyuk, "Histogram calculation in CUDA", NVIDIA, 2007
#include <cstdint>

constexpr int THREADS = 512;
constexpr int BINS = 256;
constexpr int BLOCKS = 264;
// scratch: parts int32[BLOCKS * BINS]
// launch: count_values<<<BLOCKS, THREADS>>>(values, parts, count)
// launch: add<<<BINS / 32, (32, 32)>>>(parts, counts)

extern "C" __global__ void count_values(const int32_t* values, int32_t* parts, int64_t count) {
    __shared__ int32_t own[BINS];
    if (threadIdx.x < BINS) own[threadIdx.x] = 0;
    __syncthreads();
    for (int64_t i = blockIdx.x * (int64_t)THREADS + threadIdx.x; i < count; i += BLOCKS * (int64_t)THREADS) {
        atomicAdd(&own[values[i]], 1);
    }
    __syncthreads();
    if (threadIdx.x < BINS) parts[blockIdx.x * BINS + threadIdx.x] = own[threadIdx.x];
}

extern "C" __global__ void add(int32_t* parts, int32_t* counts) {
    __shared__ int32_t sums[32][32];
    const int bin = blockIdx.x * 32 + threadIdx.x;
    int32_t sum = 0;
    for (int block = threadIdx.y; block < BLOCKS; block += 32) sum += parts[block * BINS + bin];
    sums[threadIdx.y][threadIdx.x] = sum;
    __syncthreads();
    if (threadIdx.y > 0) return;
    for (int y = 1; y < 32; y++) sum += sums[y][threadIdx.x];
    counts[bin] = sum;
}
