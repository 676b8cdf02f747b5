// A block a query, in which eight threads share the dot product with a key and each key is read in fours.
// Source: the plain form, with vectorised access
#include <cmath>
#include <cstdint>

constexpr int WIDTH = 64;
constexpr int THREADS = 128;
// launch: attend<<<(length, heads), THREADS, length * 4>>>(q, k, v, out, length)

__device__ float reduced(float value, bool is_sum) {
    __shared__ float part[THREADS / 32];
    for (int step = 16; step > 0; step /= 2) {
        const float other = __shfl_xor_sync(0xffffffffu, value, step);
        value = is_sum ? value + other : fmaxf(value, other);
    }
    if (threadIdx.x % 32 == 0) part[threadIdx.x / 32] = value;
    __syncthreads();
    value = part[0];
    for (int i = 1; i < THREADS / 32; i++) value = is_sum ? value + part[i] : fmaxf(value, part[i]);
    __syncthreads();
    return value;
}

__device__ float dot_of_eight(const float* key, const float* query, bool in_fours) {
    if (!in_fours) {
        float dot = 0.0f;
        for (int d = 0; d < 8; d++) dot += query[d] * key[d];
        return dot;
    }
    const float4 a = ((const float4*)key)[0], b = ((const float4*)key)[1];
    const float4 s = ((const float4*)query)[0], t = ((const float4*)query)[1];
    return (a.x * s.x + a.y * s.y + a.z * s.z + a.w * s.w) + (b.x * t.x + b.y * t.y + b.z * t.z + b.w * t.w);
}

extern "C" __global__ void attend(const float* q, const float* k, const float* v, float* out, int64_t length) {
    extern __shared__ float scores[];
    __shared__ __align__(16) float query[WIDTH];
    __shared__ float halves[WIDTH];
    const int64_t first = blockIdx.y * length, seen = blockIdx.x + 1;
    const int eighth = threadIdx.x % 8, d = threadIdx.x % WIDTH;
    const bool in_fours = (uintptr_t)k % 16 == 0;
    if (threadIdx.x < WIDTH) query[d] = q[(first + blockIdx.x) * WIDTH + d];
    __syncthreads();
    float most = -INFINITY;
    for (int64_t start = 0; start < seen; start += THREADS / 8) {
        const int64_t j = start + threadIdx.x / 8;
        float dot = 0.0f;
        if (j < seen) dot = dot_of_eight(k + (first + j) * WIDTH + eighth * 8, query + eighth * 8, in_fours);
        for (int step = 4; step > 0; step /= 2) dot += __shfl_xor_sync(0xffffffffu, dot, step);
        if (j >= seen) continue;
        if (eighth == 0) scores[j] = dot * 0.125f;
        most = fmaxf(most, dot * 0.125f);
    }
    most = reduced(most, false);
    float sum = 0.0f;
    for (int64_t j = threadIdx.x; j < seen; j += THREADS) {
        scores[j] = expf(scores[j] - most);
        sum += scores[j];
    }
    sum = reduced(sum, true);
    float total = 0.0f;
    for (int64_t j = threadIdx.x / WIDTH; j < seen; j += THREADS / WIDTH) total += scores[j] * v[(first + j) * WIDTH + d];
    if (threadIdx.x >= WIDTH) halves[d] = total;
    __syncthreads();
    if (threadIdx.x < WIDTH) out[(first + blockIdx.x) * WIDTH + d] = (total + halves[d]) / sum;
}
