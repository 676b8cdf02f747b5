// Sixteen gates in a vector, two vectors at a time: the exponential is a polynomial and a shift of bits.
// Source: written for this problem
#include <cmath>
#include <cstdint>

typedef float lanes __attribute__((vector_size(64), aligned(4), may_alias));
typedef uint32_t words __attribute__((vector_size(64)));

static inline lanes power(lanes x) {
    x = x < -87.0f ? lanes{} - 87.0f : x;
    x = x > 88.0f ? lanes{} + 88.0f : x;
    const lanes shifted = x * 1.44269504f + 12582912.0f;
    const lanes whole = shifted - 12582912.0f;
    const lanes r = x - whole * 0.693145752f - whole * 1.42860677e-6f;
    lanes p = r * 0.00138888889f + 0.00833333333f;
    p = p * r + 0.0416666667f;
    p = p * r + 0.166666667f;
    p = p * r + 0.5f;
    p = p * r + 1.0f;
    p = p * r + 1.0f;
    const words scale = ((words)shifted << 23) + 0x3f800000u;
    return p * (lanes)scale;
}

static inline lanes gated(lanes gate, lanes value) { return gate * value / (1.0f + power(-gate)); }

extern "C" void swiglu(const float* __restrict x, float* __restrict out, int64_t rows, int64_t columns) {
    for (int64_t row = 0; row < rows; row++) {
        const float* gate = x + row * 2 * columns;
        const float* value = gate + columns;
        float* y = out + row * columns;
        int64_t i = 0;
        for (; i + 32 <= columns; i += 32) {
            for (int part = 0; part < 32; part += 16) {
                *(lanes*)(y + i + part) = gated(*(const lanes*)(gate + i + part), *(const lanes*)(value + i + part));
            }
        }
        for (; i < columns; i++) y[i] = gated(lanes{} + gate[i], lanes{} + value[i])[0];
    }
}
