// Counts of a block in its shared memory, which are then added to those of all.
#include <cstdint>

// launch: clear<<<1, 256>>>(counts)
// launch: count_values<<<min(256, (count + 255) / 256), 256>>>(values, counts, count)

extern "C" __global__ void clear(int32_t* counts) { counts[threadIdx.x] = 0; }

extern "C" __global__ void count_values(const int32_t* values, int32_t* counts, int64_t count) {
    __shared__ int32_t own[256];
    own[threadIdx.x] = 0;
    __syncthreads();
    for (int64_t i = blockIdx.x * (int64_t)256 + threadIdx.x; i < count; i += gridDim.x * (int64_t)256) {
        atomicAdd(&own[values[i]], 1);
    }
    __syncthreads();
    atomicAdd(&counts[threadIdx.x], own[threadIdx.x]);
}
