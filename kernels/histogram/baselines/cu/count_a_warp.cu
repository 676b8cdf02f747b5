// Counts of each warp in shared memory, so that fewer threads meet at a full bin; they are added up at the end.
// Source: Podlozhnyuk, "Histogram calculation in CUDA", NVIDIA, 2007
#include <cstdint>

constexpr int THREADS = 256;
constexpr int BINS = 256;
// launch: clear<<<1, BINS>>>(counts)
// launch: count_values<<<min(264, (count + 1023) / 1024), THREADS>>>(values, counts, count)

extern "C" __global__ void clear(int32_t* counts) { counts[threadIdx.x] = 0; }

extern "C" __global__ void count_values(const int32_t* values, int32_t* counts, int64_t count) {
    __shared__ int32_t own[THREADS / 32][BINS];
    for (int w = 0; w < THREADS / 32; w++) own[w][threadIdx.x] = 0;
    __syncthreads();
    int32_t* ours = own[threadIdx.x / 32];
    for (int64_t i = blockIdx.x * (int64_t)THREADS + threadIdx.x; i < count; i += gridDim.x * (int64_t)THREADS) {
        atomicAdd(&ours[values[i]], 1);
    }
    __syncthreads();
    int32_t sum = 0;
    for (int w = 0; w < THREADS / 32; w++) sum += own[w][threadIdx.x];
    if (sum > 0) atomicAdd(&counts[threadIdx.x], sum);
}
