// Every value goes straight to the counts of all, by an atomic operation on device memory.
// Control.
#include <cstdint>

// launch: clear<<<1, 256>>>(counts)
// launch: count_values<<<(count + 255) / 256, 256>>>(values, counts, count)

extern "C" __global__ void clear(int32_t* counts) { counts[threadIdx.x] = 0; }

extern "C" __global__ void count_values(const int32_t* values, int32_t* counts, int64_t count) {
    const int64_t i = blockIdx.x * (int64_t)256 + threadIdx.x;
    if (i < count) atomicAdd(&counts[values[i]], 1);
}
