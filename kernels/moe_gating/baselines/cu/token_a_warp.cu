// A warp a token, four logits a lane: eight times the warp agrees on the largest that is left.
// Source: top-k gating kernels of serving systems
#include <cmath>
#include <cstdint>

constexpr int WARPS = 4;
// launch: choose<<<(tokens + WARPS - 1) / WARPS, (32, WARPS)>>>(logits, weights, chosen, tokens, stride)

extern "C" __global__ void choose(const float* logits, float* weights, int32_t* chosen, int64_t tokens,
                                  int64_t stride) {
    const int64_t token = blockIdx.x * (int64_t)WARPS + threadIdx.y;
    if (token >= tokens) return;
    const int lane = threadIdx.x;
    float left[4];
    for (int k = 0; k < 4; k++) left[k] = logits[token * stride + k * 32 + lane];
    float most = 0.0f, sum = 0.0f;
    for (int n = 0; n < 8; n++) {
        float best = left[0];
        int place = lane;
        for (int k = 1; k < 4; k++) {
            if (left[k] > best) {
                best = left[k];
                place = k * 32 + lane;
            }
        }
        for (int step = 16; step > 0; step /= 2) {
            const float other = __shfl_xor_sync(0xffffffffu, best, step);
            const int there = __shfl_xor_sync(0xffffffffu, place, step);
            if (other > best || (other == best && there < place)) {
                best = other;
                place = there;
            }
        }
        if (n == 0) {
            most = best;
            for (int k = 0; k < 4; k++) sum += expf(left[k] - most);
            for (int step = 16; step > 0; step /= 2) sum += __shfl_xor_sync(0xffffffffu, sum, step);
        }
        if (place % 32 == lane) left[place / 32] = -INFINITY;
        if (lane > 0) continue;
        weights[token * 8 + n] = expf(best - most) / sum;
        chosen[token * 8 + n] = place;
    }
}
