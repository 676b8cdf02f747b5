// Four running sums a row, so that an addition need not wait for the one before.
// Source: loop unrolling, in every textbook on pipelines
#include <cstdint>

extern "C" void csr_spmv(const int32_t* start, const int32_t* column, const float* value, const float* x, float* y,
                         int64_t rows, int64_t columns, int64_t nonzeros, int64_t bounds) {
    for (int64_t row = 0; row < rows; row++) {
        const int64_t end = start[row + 1];
        float s0 = 0.0f, s1 = 0.0f, s2 = 0.0f, s3 = 0.0f;
        int64_t i = start[row];
        for (; i + 4 <= end; i += 4) {
            s0 += value[i] * x[column[i]];
            s1 += value[i + 1] * x[column[i + 1]];
            s2 += value[i + 2] * x[column[i + 2]];
            s3 += value[i + 3] * x[column[i + 3]];
        }
        for (; i < end; i++) s0 += value[i] * x[column[i]];
        y[row] = (s0 + s1) + (s2 + s3);
    }
}
