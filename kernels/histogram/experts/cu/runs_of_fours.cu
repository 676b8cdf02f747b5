// Fours, two at a time, of which equal neighbours are counted together before the shared counts of the warp are touched.
// Source: written for this problem
#include <cstdint>

constexpr int THREADS = 256;
constexpr int BINS = 256;
// launch: clear<<<1, BINS>>>(counts)
// launch: count_values<<<min(264, (count + 8 * THREADS - 1) / (8 * THREADS)), THREADS>>>(values, counts, count)

extern "C" __global__ void clear(int32_t* counts) { counts[threadIdx.x] = 0; }

__device__ void counted(int value, int* last, int* times, int32_t* ours) {
    if (value == *last) {
        (*times)++;
        return;
    }
    if (*times > 0) atomicAdd(&ours[*last], *times);
    *last = value;
    *times = 1;
}

extern "C" __global__ void count_values(const int32_t* values, int32_t* counts, int64_t count) {
    __shared__ int32_t own[THREADS / 32][BINS];
    for (int w = 0; w < THREADS / 32; w++) own[w][threadIdx.x] = 0;
    __syncthreads();
    int32_t* ours = own[threadIdx.x / 32];
    int last = 0, times = 0;
    const int64_t fours = (uintptr_t)values % 16 == 0 ? count / 4 : 0;
    const int64_t first = blockIdx.x * (int64_t)THREADS + threadIdx.x, step = gridDim.x * (int64_t)THREADS;
    for (int64_t i = first; i < fours; i += 2 * step) {
        const bool has_two = i + step < fours;
        const int4 a = ((const int4*)values)[i];
        const int4 b = has_two ? ((const int4*)values)[i + step] : a;
        const int all[8] = {a.x, a.y, a.z, a.w, b.x, b.y, b.z, b.w};
        for (int k = 0; k < (has_two ? 8 : 4); k++) counted(all[k], &last, &times, ours);
    }
    for (int64_t i = 4 * fours + first; i < count; i += step) counted(values[i], &last, &times, ours);
    if (times > 0) atomicAdd(&ours[last], times);
    __syncthreads();
    int32_t sum = 0;
    for (int w = 0; w < THREADS / 32; w++) sum += own[w][threadIdx.x];
    if (sum > 0) atomicAdd(&counts[threadIdx.x], sum);
}
