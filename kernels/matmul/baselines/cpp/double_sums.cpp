// The plain form with its sums in double: no element errs by more than one rounding, and none is made sooner.
// Control.
#include <cstdint>

extern "C" void matmul(const float* a, const float* b, float* out, int64_t rows, int64_t columns, int64_t depth) {
    for (int64_t i = 0; i < rows; i++) {
        for (int64_t j = 0; j < columns; j++) {
            double sum = 0.0;
            for (int64_t p = 0; p < depth; p++) {
                sum += (double)a[i * depth + p] * (double)b[p * columns + j];
            }
            out[i * columns + j] = (float)sum;
        }
    }
}
