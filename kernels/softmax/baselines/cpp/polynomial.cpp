// An exponential of its own, without a branch or a call, so that the compiler can make several at once.
// Source: the range reduction of every libm
#include <cmath>
#include <cstdint>
#include <cstring>

static inline float power(float x) {
    x = x < -87.0f ? -87.0f : x;
    float shifted = x * 1.44269504f + 12582912.0f;
    float whole = shifted - 12582912.0f;
    float r = x - whole * 0.693145752f - whole * 1.42860677e-6f;
    float p = 1.0f + r * (1.0f + r * (0.5f + r * (0.166666667f + r * (0.0416666667f + r * (0.00833333333f + r * 0.00138888889f)))));
    int32_t bits;
    std::memcpy(&bits, &shifted, 4);
    bits = (int32_t)((uint32_t)bits << 23) + 0x3f800000;
    float scale;
    std::memcpy(&scale, &bits, 4);
    return p * scale;
}

extern "C" void softmax(const float* x, float* out, int64_t rows, int64_t columns, int64_t stride) {
    for (int64_t row = 0; row < rows; row++) {
        const float* a = x + row * stride;
        float* y = out + row * columns;
        float most = a[0];
        for (int64_t i = 1; i < columns; i++) {
            if (a[i] > most) most = a[i];
        }
        for (int64_t i = 0; i < columns; i++) {
            y[i] = power(a[i] - most);
        }
        double sum = 0.0;
        for (int64_t i = 0; i < columns; i++) {
            sum += y[i];
        }
        float scale = (float)(1.0 / sum);
        for (int64_t i = 0; i < columns; i++) {
            y[i] = y[i] * scale;
        }
    }
}
