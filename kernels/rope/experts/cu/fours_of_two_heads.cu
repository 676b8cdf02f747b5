// Four pairs of two heads a thread, all loads before all stores; blocks of 128 keep the last wave full.
// Source: written for this problem
#include <cstdint>

constexpr int THREADS = 128;
// launch: turn<<<((((half + 3) / 4) * ((heads + 1) / 2) + THREADS - 1) / THREADS, tokens), THREADS>>>(x, cosine, sine, out, heads, half, width, stride)

__device__ float4 less(float4 p, float4 u, float4 q, float4 v) {
    return make_float4(p.x * u.x - q.x * v.x, p.y * u.y - q.y * v.y, p.z * u.z - q.z * v.z, p.w * u.w - q.w * v.w);
}

__device__ float4 more(float4 q, float4 u, float4 p, float4 v) {
    return make_float4(q.x * u.x + p.x * v.x, q.y * u.y + p.y * v.y, q.z * u.z + p.z * v.z, q.w * u.w + p.w * v.w);
}

extern "C" __global__ void turn(const float* x, const float* cosine, const float* sine, float* out, int64_t heads,
                                int64_t half, int64_t width, int64_t stride) {
    const int at = blockIdx.x * THREADS + threadIdx.x, each = (int)((half + 3) / 4);
    const int64_t i = at % each * 4, token = blockIdx.y, upper = (heads + 1) / 2, head = at / each;
    if (head >= upper) return;
    const int64_t apart = upper * 2 * half;
    const bool has_two = head + upper < heads;
    const float* pair = x + token * stride + head * 2 * half + i;
    float* turned = out + token * width + head * 2 * half + i;
    const float *c = cosine + token * half + i, *s = sine + token * half + i;
    const uintptr_t lowest = (uintptr_t)pair | (uintptr_t)turned | (uintptr_t)c | (uintptr_t)s;
    if (half % 4 == 0 && lowest % 16 == 0 && has_two) {
        const float4 u = *(const float4*)c, v = *(const float4*)s;
        const float4 p = *(const float4*)pair, q = *(const float4*)(pair + half);
        const float4 r = *(const float4*)(pair + apart), t = *(const float4*)(pair + apart + half);
        *(float4*)turned = less(p, u, q, v);
        *(float4*)(turned + half) = more(q, u, p, v);
        *(float4*)(turned + apart) = less(r, u, t, v);
        *(float4*)(turned + apart + half) = more(t, u, r, v);
        return;
    }
    for (int64_t k = 0; k < 4 && i + k < half; k++) {
        for (int64_t from = k; from <= k + (has_two ? apart : 0); from += apart) {
            const float p = pair[from], q = pair[half + from];
            turned[from] = p * c[k] - q * s[k];
            turned[half + from] = q * c[k] + p * s[k];
        }
    }
}
