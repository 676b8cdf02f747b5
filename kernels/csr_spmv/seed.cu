// A warp a row: a lane every 32nd nonzero; the lanes' sums are added at the end.
#include <cstdint>

// launch: rows_by_warps<<<(rows + 7) / 8, (32, 8)>>>(start, column, value, x, y, rows)

extern "C" __global__ void rows_by_warps(const int32_t* start, const int32_t* column, const float* value,
                                         const float* x, float* y, int64_t rows) {
    const int64_t row = blockIdx.x * (int64_t)8 + threadIdx.y;
    float sum = 0.0f;
    if (row < rows) {
        for (int32_t i = start[row] + (int32_t)threadIdx.x; i < start[row + 1]; i += 32) sum += value[i] * x[column[i]];
    }
    for (int step = 16; step > 0; step /= 2) sum += __shfl_xor_sync(0xffffffffu, sum, step);
    if (threadIdx.x == 0 && row < rows) y[row] = sum;
}
