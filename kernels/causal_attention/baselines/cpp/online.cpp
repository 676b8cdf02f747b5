// One pass over keys and values: where a larger score comes, what was summed so far is scaled down.
// Source: Milakov and Gimelshein, "Online normalizer calculation for softmax" (2018); Dao et al., FlashAttention (2022)
#include <cmath>
#include <cstdint>

extern "C" void causal_attention(const float* q, const float* k, const float* v, float* out, int64_t heads,
                                 int64_t length) {
    for (int64_t i = 0; i < heads * length; i++) {
        const int64_t head = i / length;
        const int64_t seen = i % length + 1;
        float top = -INFINITY, sum = 0.0f;
        float kept[64] = {};
        for (int64_t j = 0; j < seen; j++) {
            const float* key = k + (head * length + j) * 64;
            const float* value = v + (head * length + j) * 64;
            float parts[16] = {};
            for (int64_t d = 0; d < 64; d++) parts[d % 16] += q[i * 64 + d] * key[d];
            float score = 0.0f;
            for (int64_t lane = 0; lane < 16; lane++) score += parts[lane];
            score *= 0.125f;
            if (score > top) {
                const float factor = std::exp(top - score);
                sum *= factor;
                for (int64_t d = 0; d < 64; d++) kept[d] *= factor;
                top = score;
            }
            const float power = std::exp(score - top);
            sum += power;
            for (int64_t d = 0; d < 64; d++) kept[d] += power * value[d];
        }
        for (int64_t d = 0; d < 64; d++) out[i * 64 + d] = kept[d] / sum;
    }
}
