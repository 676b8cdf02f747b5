#pragma GCC target("prefer-vector-width=512")
// The first halves in one loop and the second ones in another, each of which the compiler can make vectors of.
// Source: loop fission
#include <cstdint>

extern "C" void rope(const float* __restrict x, const float* __restrict cosine, const float* __restrict sine, float* __restrict out, int64_t tokens, int64_t heads,
                     int64_t half, int64_t width, int64_t stride) {
    for (int64_t token = 0; token < tokens; token++) {
        const float* c = cosine + token * half;
        const float* s = sine + token * half;
        for (int64_t head = 0; head < heads; head++) {
            const float* a = x + token * stride + head * 2 * half;
            const float* b = a + half;
            float* y = out + token * width + head * 2 * half;
            for (int64_t i = 0; i < half; i++) {
                y[i] = a[i] * c[i] - b[i] * s[i];
            }
            for (int64_t i = 0; i < half; i++) {
                y[half + i] = b[i] * c[i] + a[i] * s[i];
            }
        }
    }
}
