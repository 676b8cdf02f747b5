// Element by element, each with the one that it is turned against.
#include <cstdint>

extern "C" void rope(const float* x, const float* cosine, const float* sine, float* out, int64_t tokens, int64_t heads,
                     int64_t half, int64_t width, int64_t stride) {
    for (int64_t token = 0; token < tokens; token++) {
        for (int64_t j = 0; j < width; j++) {
            int64_t place = j % (2 * half);
            if (place < half) {
                out[token * width + j] = x[token * stride + j] * cosine[token * half + place] -
                                         x[token * stride + j + half] * sine[token * half + place];
            } else {
                out[token * width + j] = x[token * stride + j] * cosine[token * half + place - half] +
                                         x[token * stride + j - half] * sine[token * half + place - half];
            }
        }
    }
}
