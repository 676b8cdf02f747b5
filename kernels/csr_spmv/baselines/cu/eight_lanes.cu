// Eight lanes a row, since a row has twenty nonzeros or so: a warp has four rows under way.
// Source: Bell and Garland, "Implementing sparse matrix-vector multiplication on throughput-oriented processors", 2009
#include <cstdint>

constexpr int LANES = 8;
constexpr int ROWS = 32;
// launch: rows_by_lanes<<<(rows + ROWS - 1) / ROWS, (LANES, ROWS)>>>(start, column, value, x, y, rows)

extern "C" __global__ void rows_by_lanes(const int32_t* start, const int32_t* column, const float* value,
                                         const float* x, float* y, int64_t rows) {
    const int64_t row = blockIdx.x * (int64_t)ROWS + threadIdx.y;
    float sum = 0.0f;
    if (row < rows) {
        const int32_t end = start[row + 1];
        for (int32_t i = start[row] + (int32_t)threadIdx.x; i < end; i += LANES) sum += value[i] * x[column[i]];
    }
    for (int step = LANES / 2; step > 0; step /= 2) sum += __shfl_xor_sync(0xffffffffu, sum, step);
    if (threadIdx.x == 0 && row < rows) y[row] = sum;
}
