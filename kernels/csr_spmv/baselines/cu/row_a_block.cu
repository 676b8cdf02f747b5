// A block of 64 threads a row: long rows are shared by more threads, and short ones leave most of them idle.
// Source: vector forms of compressed rows
#include <cstdint>

constexpr int THREADS = 64;
// launch: rows_by_blocks<<<rows, THREADS>>>(start, column, value, x, y)

extern "C" __global__ void rows_by_blocks(const int32_t* start, const int32_t* column, const float* value,
                                          const float* x, float* y) {
    __shared__ float other;
    const int64_t row = blockIdx.x;
    const int32_t end = start[row + 1];
    float sum = 0.0f;
    for (int32_t i = start[row] + (int32_t)threadIdx.x; i < end; i += THREADS) sum += value[i] * x[column[i]];
    for (int step = 16; step > 0; step /= 2) sum += __shfl_xor_sync(0xffffffffu, sum, step);
    if (threadIdx.x == 32) other = sum;
    __syncthreads();
    if (threadIdx.x == 0) y[row] = sum + other;
}
