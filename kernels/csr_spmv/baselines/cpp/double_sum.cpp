// The plain form with its sum in double.
// Source: the accumulators of reference implementations
#include <cstdint>

extern "C" void csr_spmv(const int32_t* start, const int32_t* column, const float* value, const float* x, float* y,
                         int64_t rows, int64_t columns, int64_t nonzeros, int64_t bounds) {
    for (int64_t row = 0; row < rows; row++) {
        double sum = 0.0;
        for (int64_t i = start[row]; i < start[row + 1]; i++) sum += (double)value[i] * x[column[i]];
        y[row] = (float)sum;
    }
}
