// All 128 places are sorted, and eight are used; powers in double.
// Control.
#include <algorithm>
#include <cmath>
#include <cstdint>

extern "C" void moe_gating(const float* logits, float* weights, int32_t* chosen, int64_t tokens, int64_t stride) {
    for (int64_t token = 0; token < tokens; token++) {
        const float* given = logits + token * stride;
        int32_t place[128];
        for (int32_t i = 0; i < 128; i++) place[i] = i;
        std::stable_sort(place, place + 128, [given](int32_t a, int32_t b) { return given[a] > given[b]; });
        double sum = 0.0;
        for (int32_t i = 0; i < 128; i++) sum += std::exp((double)given[i] - given[place[0]]);
        for (int32_t j = 0; j < 8; j++) {
            weights[token * 8 + j] = (float)(std::exp((double)given[place[j]] - given[place[0]]) / sum);
            chosen[token * 8 + j] = place[j];
        }
    }
}
