// A thread keeps the angles of its column while it turns the pairs of four heads of its token.
// Source: register blocking
#include <cstdint>

constexpr int HEADS = 4;
// launch: turn<<<((half + 31) / 32, (heads + HEADS - 1) / HEADS, tokens), 32>>>(x, cosine, sine, out, heads, half, width, stride)

extern "C" __global__ void turn(const float* x, const float* cosine, const float* sine, float* out, int64_t heads,
                                int64_t half, int64_t width, int64_t stride) {
    const int64_t i = blockIdx.x * (int64_t)32 + threadIdx.x, token = blockIdx.z, head = blockIdx.y * (int64_t)HEADS;
    if (i >= half) return;
    const float c = cosine[token * half + i], s = sine[token * half + i];
    const float* pair = x + token * stride + head * 2 * half + i;
    float* turned = out + token * width + head * 2 * half + i;
    float p[HEADS], q[HEADS];
    #pragma unroll
    for (int k = 0; k < HEADS; k++) {
        if (head + k >= heads) continue;
        p[k] = pair[k * 2 * half];
        q[k] = pair[k * 2 * half + half];
    }
    #pragma unroll
    for (int k = 0; k < HEADS; k++) {
        if (head + k >= heads) continue;
        turned[k * 2 * half] = p[k] * c - q[k] * s;
        turned[k * 2 * half + half] = q[k] * c + p[k] * s;
    }
}
