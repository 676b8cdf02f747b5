// Panels of 32 columns of b, packed one behind the other, and eight rows at a time: sixteen vectors of sums in registers.
// Source: written for this problem, after Goto and van de Geijn, "Anatomy of high-performance matrix multiplication", 2008
#include <cstdint>
#include <vector>

typedef float lanes __attribute__((vector_size(64), aligned(4), may_alias));

static const int64_t PANEL = 32;
static const int64_t DEPTH = 256;

template <int ROWS>
static inline void tile(const float* __restrict a, int64_t a_step, const float* __restrict packed,
                        float* __restrict out, int64_t out_step, int64_t depth, int64_t width) {
    lanes sums[ROWS][2] = {};
    for (int64_t p = 0; p < depth; p++) {
        const lanes left = *(const lanes*)(packed + p * PANEL), right = *(const lanes*)(packed + p * PANEL + 16);
        #pragma GCC unroll 8
        for (int row = 0; row < ROWS; row++) {
            sums[row][0] += left * a[row * a_step + p];
            sums[row][1] += right * a[row * a_step + p];
        }
    }
    #pragma GCC unroll 8
    for (int row = 0; row < ROWS; row++) {
        float* y = out + row * out_step;
        if (width == PANEL) {
            *(lanes*)y += sums[row][0];
            *(lanes*)(y + 16) += sums[row][1];
        } else {
            for (int64_t j = 0; j < width; j++) y[j] += sums[row][j / 16][j % 16];
        }
    }
}

extern "C" void matmul(const float* a, const float* b, float* out, int64_t rows, int64_t columns, int64_t depth) {
    std::vector<float> packed(DEPTH * PANEL);
    for (int64_t j = 0; j < rows * columns; j++) out[j] = 0.0f;
    for (int64_t start = 0; start < depth; start += DEPTH) {
        const int64_t deep = start + DEPTH < depth ? DEPTH : depth - start;
        for (int64_t first = 0; first < columns; first += PANEL) {
            const int64_t width = first + PANEL < columns ? PANEL : columns - first;
            for (int64_t p = 0; p < deep; p++) {
                const float* from = b + (start + p) * columns + first;
                for (int64_t j = 0; j < PANEL; j++) packed[p * PANEL + j] = j < width ? from[j] : 0.0f;
            }
            const float* left = a + start;
            float* to = out + first;
            int64_t i = 0;
            for (; i + 8 <= rows; i += 8) {
                tile<8>(left + i * depth, depth, packed.data(), to + i * columns, columns, deep, width);
            }
            for (; i < rows; i++) {
                tile<1>(left + i * depth, depth, packed.data(), to + i * columns, columns, deep, width);
            }
        }
    }
}
