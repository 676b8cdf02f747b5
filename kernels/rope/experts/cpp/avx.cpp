// Sixteen pairs in a vector, head by head: each element is read and written once, and a token's angles stay in cache.
// Source: written for this problem
#include <cstdint>

typedef float lanes __attribute__((vector_size(64), aligned(4), may_alias));

extern "C" void rope(const float* __restrict x, const float* __restrict cosine, const float* __restrict sine,
                     float* __restrict out, int64_t tokens, int64_t heads, int64_t half, int64_t width,
                     int64_t stride) {
    for (int64_t token = 0; token < tokens; token++) {
        const float* c = cosine + token * half;
        const float* s = sine + token * half;
        const float* from = x + token * stride;
        float* to = out + token * width;
        for (int64_t head = 0; head < heads; head++, from += 2 * half, to += 2 * half) {
            int64_t i = 0;
            for (; i + 16 <= half; i += 16) {
                const lanes a = *(const lanes*)(from + i), b = *(const lanes*)(from + half + i);
                const lanes turn = *(const lanes*)(c + i), lift = *(const lanes*)(s + i);
                *(lanes*)(to + i) = a * turn - b * lift;
                *(lanes*)(to + half + i) = b * turn + a * lift;
            }
            for (; i < half; i++) {
                const float a = from[i], b = from[half + i];
                to[i] = a * c[i] - b * s[i];
                to[half + i] = b * c[i] + a * s[i];
            }
        }
    }
}
