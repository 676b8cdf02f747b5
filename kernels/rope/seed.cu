// A thread a pair of elements that are turned against each other.
#include <cstdint>

// launch: turn<<<(tokens * heads * half + 255) / 256, 256>>>(x, cosine, sine, out, tokens, heads, half, width, stride)

extern "C" __global__ void turn(const float* x, const float* cosine, const float* sine, float* out, int64_t tokens,
                                int64_t heads, int64_t half, int64_t width, int64_t stride) {
    const int64_t at = blockIdx.x * (int64_t)256 + threadIdx.x;
    if (at >= tokens * heads * half) return;
    const int64_t i = at % half, head = at / half % heads, token = at / half / heads;
    const float c = cosine[token * half + i], s = sine[token * half + i];
    const float* pair = x + token * stride + head * 2 * half + i;
    const float a = pair[0], b = pair[half];
    float* turned = out + token * width + head * 2 * half + i;
    turned[0] = a * c - b * s;
    turned[half] = b * c + a * s;
}
