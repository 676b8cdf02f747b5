// A block a token: no division tells which it is, and its angles are read from cache for every head.
// Source: rotary kernels of serving systems
#include <cstdint>

constexpr int THREADS = 256;
// launch: turn<<<tokens, THREADS>>>(x, cosine, sine, out, heads, half, width, stride)

extern "C" __global__ void turn(const float* x, const float* cosine, const float* sine, float* out, int64_t heads,
                                int64_t half, int64_t width, int64_t stride) {
    const float* a = x + blockIdx.x * stride;
    float* y = out + blockIdx.x * width;
    const int turns = (int)(heads * half), wide = (int)half;
    for (int at = threadIdx.x; at < turns; at += THREADS) {
        const int i = at % wide, first = at / wide * 2 * wide + i;
        const float c = cosine[blockIdx.x * half + i], s = sine[blockIdx.x * half + i];
        const float p = a[first], q = a[first + wide];
        y[first] = p * c - q * s;
        y[first + wide] = q * c + p * s;
    }
}
