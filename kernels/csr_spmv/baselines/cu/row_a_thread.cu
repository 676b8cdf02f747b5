// A thread a row: neighbouring threads read nonzeros that lie a row apart, and all wait for the longest.
// Control.
#include <cstdint>

// launch: rows_by_threads<<<(rows + 127) / 128, 128>>>(start, column, value, x, y, rows)

extern "C" __global__ void rows_by_threads(const int32_t* start, const int32_t* column, const float* value,
                                           const float* x, float* y, int64_t rows) {
    const int64_t row = blockIdx.x * (int64_t)128 + threadIdx.x;
    if (row >= rows) return;
    double sum = 0.0;
    for (int32_t i = start[row]; i < start[row + 1]; i++) sum += value[i] * x[column[i]];
    y[row] = (float)sum;
}
