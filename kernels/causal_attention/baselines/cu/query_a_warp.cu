// A warp a query, two elements a lane: softmax in one pass over the keys, with no score kept.
// Source: Milakov and Gimelshein, "Online normalizer calculation for softmax", 2018
#include <cmath>
#include <cstdint>

constexpr int WIDTH = 64;
constexpr int WARPS = 4;
// launch: attend<<<((length + WARPS - 1) / WARPS, heads), (32, WARPS)>>>(q, k, v, out, length)

extern "C" __global__ void attend(const float* q, const float* k, const float* v, float* out, int64_t length) {
    const int64_t i = blockIdx.x * (int64_t)WARPS + threadIdx.y, first = blockIdx.y * length;
    if (i >= length) return;
    const int lane = threadIdx.x;
    const float* query = q + (first + i) * WIDTH;
    const float a = query[lane], b = query[lane + 32];
    float most = -INFINITY, sum = 0.0f, left = 0.0f, right = 0.0f;
    for (int64_t j = 0; j <= i; j++) {
        const float *key = k + (first + j) * WIDTH, *value = v + (first + j) * WIDTH;
        float score = a * key[lane] + b * key[lane + 32];
        for (int step = 16; step > 0; step /= 2) score += __shfl_xor_sync(0xffffffffu, score, step);
        score *= 0.125f;
        const float higher = fmaxf(most, score);
        const float kept = expf(most - higher), power = expf(score - higher);
        sum = sum * kept + power;
        left = left * kept + power * value[lane];
        right = right * kept + power * value[lane + 32];
        most = higher;
    }
    out[(first + i) * WIDTH + lane] = left / sum;
    out[(first + i) * WIDTH + lane + 32] = right / sum;
}
