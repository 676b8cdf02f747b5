// Tiles of 64: a part of b that fits the first cache is used for all rows before the next part.
// Source: Lam, Rothberg and Wolf, "The cache performance and optimizations of blocked algorithms", 1991
#include <cstdint>

extern "C" void matmul(const float* a, const float* b, float* out, int64_t rows, int64_t columns, int64_t depth) {
    const int64_t tile = 64;
    for (int64_t j = 0; j < rows * columns; j++) {
        out[j] = 0.0f;
    }
    for (int64_t first = 0; first < columns; first += tile) {
        int64_t last = first + tile < columns ? first + tile : columns;
        for (int64_t start = 0; start < depth; start += tile) {
            int64_t end = start + tile < depth ? start + tile : depth;
            for (int64_t i = 0; i < rows; i++) {
                for (int64_t p = start; p < end; p++) {
                    float factor = a[i * depth + p];
                    for (int64_t j = first; j < last; j++) {
                        out[i * columns + j] += factor * b[p * columns + j];
                    }
                }
            }
        }
    }
}
