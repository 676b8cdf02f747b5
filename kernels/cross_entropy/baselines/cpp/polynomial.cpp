// An exponential of its own, without a branch or a call, and the maximum with leave to be taken in any order.
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

extern "C" void cross_entropy(const float* x, const int64_t* target, float* loss, int64_t rows, int64_t columns,
                              int64_t stride) {
    for (int64_t row = 0; row < rows; row++) {
        const float* a = x + row * stride;
        float most = a[0];
        #pragma omp simd reduction(max : most)
        for (int64_t i = 1; i < columns; i++) {
            most = a[i] > most ? a[i] : most;
        }
        double sum = 0.0;
        for (int64_t i = 0; i < columns; i++) {
            sum += power(a[i] - most);
        }
        loss[row] = (float)(std::log(sum) - (a[target[row]] - most));
    }
}
