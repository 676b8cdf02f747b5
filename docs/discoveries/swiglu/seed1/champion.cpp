// An exponential of its own, without a branch or a call, so that the compiler can make several at once.
// Source: the range reduction of every libm
#include <cmath>
#include <cstdint>
#include <cstring>

static inline float power(float x) {
    x = x < -87.0f ? -87.0f : x > 88.0f ? 88.0f : x;
    float shifted = x * 1.44269504f + 12582912.0f;
    float whole = shifted - 12582912.0f;
    float r = x - whole * 0.693145752f - whole * 1.42860677e-6f;
    double p = 1.0f + r * (1.0f + r * (0.5f + r * (0.166666667f + r * (0.0416666667f + r * (0.00833333333f + r * 0.00138888889f)))));
    int32_t bits;
    std::memcpy(&bits, &shifted, 4);
    bits = (int32_t)((uint32_t)bits << 23) + 0x3f800000;
    float scale;
    std::memcpy(&scale, &bits, 4);
    return p * scale;
}

constexpr int64_t wide1 = 2;
constexpr int64_t wide2 = 32;
extern "C" void swiglu(const float* x, float* out, int64_t rows, int64_t columns) {
    const int64_t row_end1 = rows - (rows) % wide1;
    for (int64_t row = 0; row < row_end1; row += wide1) {
        const int64_t i_end1 = columns - (columns) % wide2;
        for (int64_t i = 0; i < i_end1; i += wide2) {
            for (int64_t lane1 = 0; lane1 < wide1; lane1++) {
                #pragma omp simd
                for (int64_t lane2 = 0; lane2 < wide2; lane2++) {
                    (out + (row + lane1) * columns)[(i + lane2)] = (x + (row + lane1) * 2 * columns)[(i + lane2)] / (1.0f + power(-(x + (row + lane1) * 2 * columns)[(i + lane2)])) * ((x + (row + lane1) * 2 * columns) + columns)[(i + lane2)];
                }
            }
        }
        for (int64_t i = i_end1; i < columns; i++) {
            for (int64_t lane1 = 0; lane1 < wide1; lane1++) {
                (out + (row + lane1) * columns)[i] = (x + (row + lane1) * 2 * columns)[i] / (1.0f + power(-(x + (row + lane1) * 2 * columns)[i])) * ((x + (row + lane1) * 2 * columns) + columns)[i];
            }
        }
    }
    for (int64_t row = row_end1; row < rows; row++) {
        const float* gate = x + row * 2 * columns;
        const float* value = gate + columns;
        float* y = out + row * columns;
        for (int64_t i = 0; i < columns; i++) {
            y[i] = gate[i] / (1.0f + power(-gate[i])) * value[i];
        }
    }
}
