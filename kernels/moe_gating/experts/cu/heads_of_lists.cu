// Four lanes a token with 32 logits each as fours; a lane keeps its eight best sorted, and lists are merged by their heads.
// Source: written for this problem
#include <cmath>
#include <cstdint>

constexpr int THREADS = 128;
// launch: choose<<<(tokens + 31) / 32, THREADS>>>(logits, weights, chosen, tokens, stride)

__device__ void taken(float value, int32_t at, float* kept, int32_t* place) {
    if (!(value > kept[7])) return;
    #pragma unroll
    for (int j = 0; j < 8; j++) {
        const bool is_before = value > kept[j] || (value == kept[j] && at < place[j]);
        const float lower = is_before ? kept[j] : value;
        const int32_t from = is_before ? place[j] : at;
        kept[j] = is_before ? value : kept[j];
        place[j] = is_before ? at : place[j];
        value = lower;
        at = from;
    }
}

extern "C" __global__ void choose(const float* logits, float* weights, int32_t* chosen, int64_t tokens,
                                  int64_t stride) {
    const int64_t token = blockIdx.x * (int64_t)32 + threadIdx.x / 4;
    const int part = threadIdx.x % 4;
    const float* given = logits + min(token, tokens - 1) * stride;
    const bool in_fours = (uintptr_t)given % 16 == 0;
    float v[32], kept[8];
    int32_t place[8];
    #pragma unroll
    for (int k = 0; k < 8; k++) {
        const float* from = given + (k * 4 + part) * 4;
        const float4 four = in_fours ? *(const float4*)from : make_float4(from[0], from[1], from[2], from[3]);
        v[4 * k] = four.x, v[4 * k + 1] = four.y, v[4 * k + 2] = four.z, v[4 * k + 3] = four.w;
    }
    #pragma unroll
    for (int j = 0; j < 8; j++) kept[j] = -INFINITY, place[j] = 128;
    #pragma unroll
    for (int k = 0; k < 32; k++) taken(v[k], (k / 4 * 4 + part) * 4 + k % 4, kept, place);
    float most = kept[0], sum = 0.0f;
    for (int step = 2; step > 0; step /= 2) most = fmaxf(most, __shfl_xor_sync(0xffffffffu, most, step));
    #pragma unroll
    for (int k = 0; k < 32; k++) sum += expf(v[k] - most);
    for (int step = 2; step > 0; step /= 2) sum += __shfl_xor_sync(0xffffffffu, sum, step);
    float own[2] = {};
    int32_t at[2] = {};
    #pragma unroll
    for (int n = 0; n < 8; n++) {
        float best = kept[0];
        int32_t where = place[0];
        for (int step = 2; step > 0; step /= 2) {
            const float other = __shfl_xor_sync(0xffffffffu, best, step);
            const int32_t there = __shfl_xor_sync(0xffffffffu, where, step);
            const bool is_before = other > best || (other == best && there < where);
            best = is_before ? other : best;
            where = is_before ? there : where;
        }
        if (where == place[0]) {
            #pragma unroll
            for (int j = 0; j < 7; j++) kept[j] = kept[j + 1], place[j] = place[j + 1];
            kept[7] = -INFINITY;
        }
        if (n / 2 == part) own[n % 2] = expf(best - most) / sum, at[n % 2] = where;
    }
    if (token >= tokens) return;
    for (int n = 0; n < 2; n++) {
        weights[token * 8 + part * 2 + n] = own[n];
        chosen[token * 8 + part * 2 + n] = at[n];
    }
}
