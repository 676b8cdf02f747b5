// Eight scans for the largest that is left.
// Source: selection sort, stopped early
#include <cmath>
#include <cstdint>

extern "C" void moe_gating(const float* logits, float* weights, int32_t* chosen, int64_t tokens, int64_t stride) {
    for (int64_t token = 0; token < tokens; token++) {
        const float* given = logits + token * stride;
        float left[128];
        for (int32_t i = 0; i < 128; i++) left[i] = given[i];
        for (int32_t j = 0; j < 8; j++) {
            int32_t best = 0;
            for (int32_t i = 1; i < 128; i++) best = left[i] > left[best] ? i : best;
            chosen[token * 8 + j] = best;
            left[best] = -INFINITY;
        }
        const float top = given[chosen[token * 8]];
        float sum = 0.0f;
        for (int32_t i = 0; i < 128; i++) sum += std::exp(given[i] - top);
        for (int32_t j = 0; j < 8; j++) {
            weights[token * 8 + j] = std::exp(given[chosen[token * 8 + j]] - top) / sum;
        }
    }
}
