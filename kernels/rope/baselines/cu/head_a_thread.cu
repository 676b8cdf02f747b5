// A thread a head: neighbouring threads turn pairs that lie a head apart.
// Control.
#include <cstdint>

// launch: turn<<<(tokens * heads + 127) / 128, 128>>>(x, cosine, sine, out, tokens, heads, half, width, stride)

extern "C" __global__ void turn(const float* x, const float* cosine, const float* sine, float* out, int64_t tokens,
                                int64_t heads, int64_t half, int64_t width, int64_t stride) {
    const int64_t at = blockIdx.x * (int64_t)128 + threadIdx.x;
    if (at >= tokens * heads) return;
    const int64_t token = at / heads, head = at % heads;
    const float* pair = x + token * stride + head * 2 * half;
    float* turned = out + token * width + head * 2 * half;
    for (int64_t i = 0; i < half; i++) {
        const float c = cosine[token * half + i], s = sine[token * half + i];
        turned[i] = pair[i] * c - pair[half + i] * s;
        turned[half + i] = pair[half + i] * c + pair[i] * s;
    }
}
