// Head by head, both elements of a pair at once: each is read once.
// Source: the rotation as Su et al. write it, "RoFormer", 2021
#include <cstdint>

extern "C" void rope(const float* x, const float* cosine, const float* sine, float* out, int64_t tokens, int64_t heads,
                     int64_t half, int64_t width, int64_t stride) {
    for (int64_t token = 0; token < tokens; token++) {
        for (int64_t head = 0; head < heads; head++) {
            int64_t from = token * stride + head * 2 * half;
            int64_t to = token * width + head * 2 * half;
            for (int64_t i = 0; i < half; i++) {
                float c = cosine[token * half + i];
                float s = sine[token * half + i];
                out[to + i] = x[from + i] * c - x[from + half + i] * s;
                out[to + half + i] = x[from + half + i] * c + x[from + i] * s;
            }
        }
    }
}
