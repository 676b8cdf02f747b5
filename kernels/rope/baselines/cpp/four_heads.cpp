// Four heads at a time, so that a pair's cosine and sine are read once for all of them.
// Source: loop interchange and unrolling
#include <cstdint>

extern "C" void rope(const float* x, const float* cosine, const float* sine, float* out, int64_t tokens, int64_t heads,
                     int64_t half, int64_t width, int64_t stride) {
    for (int64_t token = 0; token < tokens; token++) {
        for (int64_t first = 0; first < heads; first += 4) {
            int64_t last = first + 4 < heads ? first + 4 : heads;
            for (int64_t i = 0; i < half; i++) {
                float c = cosine[token * half + i];
                float s = sine[token * half + i];
                for (int64_t head = first; head < last; head++) {
                    int64_t from = token * stride + head * 2 * half + i;
                    int64_t to = token * width + head * 2 * half + i;
                    out[to] = x[from] * c - x[from + half] * s;
                    out[to + half] = x[from + half] * c + x[from] * s;
                }
            }
        }
    }
}
