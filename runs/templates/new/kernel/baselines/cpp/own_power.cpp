// An exponential of its own, without a branch or a call, so that the compiler can make several at once.
// Source: the range reduction of every libm
#include <cstdint>
#include <cstring>

static inline float power(float x) {
    x = x < -87.0f ? -87.0f : x > 88.0f ? 88.0f : x;
    float shifted = x * 1.44269504f + 12582912.0f;
    float whole = shifted - 12582912.0f;
    float r = x - whole * 0.693145752f - whole * 1.42860677e-6f;
    float p = 0.00833333333f + r * 0.00138888889f;
    p = 0.0416666667f + r * p;
    p = 0.166666667f + r * p;
    p = 1.0f + r * (1.0f + r * (0.5f + r * p));
    int32_t bits;
    std::memcpy(&bits, &shifted, 4);
    bits = (int32_t)((uint32_t)bits << 23) + 0x3f800000;
    float scale;
    std::memcpy(&scale, &bits, 4);
    return p * scale;
}

extern "C" void bias_gelu(const float* x, const float* bias, float* out, int64_t rows, int64_t columns) {
    for (int64_t row = 0; row < rows; row++) {
        const float* a = x + row * columns;
        float* y = out + row * columns;
        for (int64_t i = 0; i < columns; i++) {
            float v = a[i] + bias[i];
            y[i] = v / (1.0f + power(-1.5957691216f * (v + 0.044715f * v * v * v)));
        }
    }
}
