#pragma GCC optimize("associative-math,no-signed-zeros,no-trapping-math")
// Each logit is compared with the eighth of the list first, which turns nearly all of them away.
// Source: bounded insertion
#include <cmath>
#include <cstdint>

extern "C" __attribute__((const, simd("notinbranch"))) float expf(float) noexcept;
extern "C" void moe_gating(const float* logits, float* weights, int32_t* chosen, int64_t tokens, int64_t stride) {
    for (int64_t token = 0; token < tokens; token++) {
        const float* given = logits + token * stride;
        float kept[8];
        int32_t place[8];
        for (int32_t j = 0; j < 8; j++) {
            kept[j] = -INFINITY;
            place[j] = -1;
        }
        #pragma GCC unroll 2
        for (int32_t i = 0; i < 128; i++) {
            const float value = given[i];
            if (!(value > kept[7]) && place[7] >= 0) continue;
            int32_t at = 7;
            while (at > 0 && (place[at - 1] < 0 || kept[at - 1] < value)) {
                kept[at] = kept[at - 1];
                place[at] = place[at - 1];
                at--;
            }
            kept[at] = value;
            place[at] = i;
        }
        float sum = 0.0f;
        for (int32_t i = 0; i < 128; i++) sum += expf(given[i] - kept[0]);
        for (int32_t j = 0; j < 8; j++) {
            weights[token * 8 + j] = expf(kept[j] - kept[0]) / sum;
            chosen[token * 8 + j] = place[j];
        }
    }
}
