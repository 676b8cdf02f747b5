// Four pairs a thread, where heads and rows lie so that they can be taken in fours; else one pair.
// Source: vectorised access, NVIDIA's guide to best practices
#include <cstdint>

constexpr int THREADS = 128;
// launch: turn<<<(tokens * heads * ((half + 3) / 4) + THREADS - 1) / THREADS, THREADS>>>(x, cosine, sine, out, tokens, heads, half, width, stride)

extern "C" __global__ void turn(const float* x, const float* cosine, const float* sine, float* out, int64_t tokens,
                                int64_t heads, int64_t half, int64_t width, int64_t stride) {
    const int64_t at = blockIdx.x * (int64_t)THREADS + threadIdx.x, each = (half + 3) / 4;
    if (at >= tokens * heads * each) return;
    const int64_t i = at % each * 4, head = at / each % heads, token = at / each / heads;
    const float* pair = x + token * stride + head * 2 * half + i;
    float* turned = out + token * width + head * 2 * half + i;
    const float *c = cosine + token * half + i, *s = sine + token * half + i;
    const uintptr_t lowest = (uintptr_t)pair | (uintptr_t)turned | (uintptr_t)c | (uintptr_t)s;
    if (half % 4 == 0 && lowest % 16 == 0) {
        const float4 p = *(const float4*)pair, q = *(const float4*)(pair + half);
        const float4 u = *(const float4*)c, v = *(const float4*)s;
        *(float4*)turned = make_float4(p.x * u.x - q.x * v.x, p.y * u.y - q.y * v.y, p.z * u.z - q.z * v.z,
                                       p.w * u.w - q.w * v.w);
        *(float4*)(turned + half) = make_float4(q.x * u.x + p.x * v.x, q.y * u.y + p.y * v.y, q.z * u.z + p.z * v.z,
                                                q.w * u.w + p.w * v.w);
        return;
    }
    for (int64_t k = 0; k < 4 && i + k < half; k++) {
        const float p = pair[k], q = pair[half + k];
        turned[k] = p * c[k] - q * s[k];
        turned[half + k] = q * c[k] + p * s[k];
    }
}
