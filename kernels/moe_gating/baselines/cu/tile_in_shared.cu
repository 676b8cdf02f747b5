// The logits of 64 tokens are read side by side into shared memory; there a thread keeps a token's list of eight.
// Source: staging through shared memory, NVIDIA's guide to best practices
#include <cmath>
#include <cstdint>

constexpr int TOKENS = 64;
constexpr int EXPERTS = 128;
// launch: choose<<<(tokens + TOKENS - 1) / TOKENS, TOKENS>>>(logits, weights, chosen, tokens, stride)

extern "C" __global__ void choose(const float* logits, float* weights, int32_t* chosen, int64_t tokens,
                                  int64_t stride) {
    __shared__ float tile[TOKENS][EXPERTS + 1];
    const int64_t first = blockIdx.x * (int64_t)TOKENS, token = first + threadIdx.x;
    const int there = (int)min((int64_t)TOKENS, tokens - first);
    for (int at = threadIdx.x; at < there * EXPERTS; at += TOKENS) {
        tile[at / EXPERTS][at % EXPERTS] = logits[(first + at / EXPERTS) * stride + at % EXPERTS];
    }
    __syncthreads();
    if (token >= tokens) return;
    const float* given = tile[threadIdx.x];
    float kept[8];
    int32_t place[8];
    for (int j = 0; j < 8; j++) kept[j] = -INFINITY, place[j] = EXPERTS;
    for (int i = 0; i < EXPERTS; i++) {
        float value = given[i];
        int32_t at = i;
        if (!(value > kept[7])) continue;
        #pragma unroll
        for (int j = 0; j < 8; j++) {
            if (!(value > kept[j] || (value == kept[j] && at < place[j]))) continue;
            const float lower = kept[j];
            const int32_t from = place[j];
            kept[j] = value;
            place[j] = at;
            value = lower;
            at = from;
        }
    }
    float sum = 0.0f;
    for (int i = 0; i < EXPERTS; i++) sum += expf(given[i] - kept[0]);
    for (int j = 0; j < 8; j++) {
        weights[token * 8 + j] = expf(kept[j] - kept[0]) / sum;
        chosen[token * 8 + j] = place[j];
    }
}
