// All tokens for one element before the next element: every access is in another cache line than the one before.
// Control.
#include <cstdint>

extern "C" void rope(const float* x, const float* cosine, const float* sine, float* out, int64_t tokens, int64_t heads,
                     int64_t half, int64_t width, int64_t stride) {
    for (int64_t j = 0; j < width; j++) {
        int64_t place = j % (2 * half);
        int64_t angle = place < half ? place : place - half;
        int64_t other = place < half ? j + half : j - half;
        float sign = place < half ? -1.0f : 1.0f;
        for (int64_t token = 0; token < tokens; token++) {
            out[token * width + j] = x[token * stride + j] * cosine[token * half + angle] +
                                     sign * x[token * stride + other] * sine[token * half + angle];
        }
    }
}
