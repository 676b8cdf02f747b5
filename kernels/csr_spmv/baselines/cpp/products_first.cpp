// All products in one loop that has no row ends in it, and then a sum over each row.
// Source: eager execution; the first half of a segmented sum
#include <cstdint>
#include <vector>

extern "C" void csr_spmv(const int32_t* start, const int32_t* column, const float* value, const float* x, float* y,
                         int64_t rows, int64_t columns, int64_t nonzeros, int64_t bounds) {
    std::vector<float> product(nonzeros);
    for (int64_t i = 0; i < nonzeros; i++) product[i] = value[i] * x[column[i]];
    for (int64_t row = 0; row < rows; row++) {
        float sum = 0.0f;
        for (int64_t i = start[row]; i < start[row + 1]; i++) sum += product[i];
        y[row] = sum;
    }
}
