// Nonzero by nonzero, each of which searches for the row that it belongs to.
// Control.
#include <algorithm>
#include <cstdint>

extern "C" void csr_spmv(const int32_t* start, const int32_t* column, const float* value, const float* x, float* y,
                         int64_t rows, int64_t columns, int64_t nonzeros, int64_t bounds) {
    for (int64_t row = 0; row < rows; row++) y[row] = 0.0f;
    for (int64_t i = 0; i < nonzeros; i++) {
        const int64_t row = std::upper_bound(start, start + bounds, (int32_t)i) - start - 1;
        y[row] += value[i] * x[column[i]];
    }
}
