// Token by token: the largest logit, the sum of powers, and a list of eight into which each logit is sorted.
#include <cmath>
#include <cstdint>

extern "C" void moe_gating(const float* logits, float* weights, int32_t* chosen, int64_t tokens, int64_t stride) {
    for (int64_t token = 0; token < tokens; token++) {
        const float* given = logits + token * stride;
        float top = given[0];
        for (int32_t i = 1; i < 128; i++) {
            if (given[i] > top) top = given[i];
        }
        float sum = 0.0f;
        for (int32_t i = 0; i < 128; i++) sum += std::exp(given[i] - top);
        float kept[8];
        int32_t place[8];
        int32_t filled = 0;
        for (int32_t i = 0; i < 128; i++) {
            int32_t at = filled;
            while (at > 0 && kept[at - 1] < given[i]) at--;
            if (at == 8) continue;
            if (filled < 8) filled++;
            for (int32_t j = filled - 1; j > at; j--) {
                kept[j] = kept[j - 1];
                place[j] = place[j - 1];
            }
            kept[at] = given[i];
            place[at] = i;
        }
        for (int32_t j = 0; j < 8; j++) {
            weights[token * 8 + j] = std::exp(kept[j] - top) / sum;
            chosen[token * 8 + j] = place[j];
        }
    }
}
