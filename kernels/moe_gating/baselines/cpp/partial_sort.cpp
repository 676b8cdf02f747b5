// The library's partial sort of the places.
// Source: std::partial_sort, a heap of eight
#include <algorithm>
#include <cmath>
#include <cstdint>

extern "C" void moe_gating(const float* logits, float* weights, int32_t* chosen, int64_t tokens, int64_t stride) {
    for (int64_t token = 0; token < tokens; token++) {
        const float* given = logits + token * stride;
        int32_t place[128];
        for (int32_t i = 0; i < 128; i++) place[i] = i;
        std::partial_sort(place, place + 8, place + 128, [given](int32_t a, int32_t b) {
            return given[a] > given[b] || (given[a] == given[b] && a < b);
        });
        float sum = 0.0f;
        for (int32_t i = 0; i < 128; i++) sum += std::exp(given[i] - given[place[0]]);
        for (int32_t j = 0; j < 8; j++) {
            weights[token * 8 + j] = std::exp(given[place[j]] - given[place[0]]) / sum;
            chosen[token * 8 + j] = place[j];
        }
    }
}
