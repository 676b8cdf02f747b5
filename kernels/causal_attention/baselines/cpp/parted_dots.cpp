// The plain form, with sixteen sums in each product of a query and a key.
// Source: loop unrolling, in every textbook on pipelines
#include <cmath>
#include <cstdint>
#include <vector>

extern "C" void causal_attention(const float* q, const float* k, const float* v, float* out, int64_t heads,
                                 int64_t length) {
    std::vector<float> scores(length);
    for (int64_t i = 0; i < heads * length; i++) {
        const int64_t head = i / length;
        const int64_t seen = i % length + 1;
        float top = -INFINITY;
        for (int64_t j = 0; j < seen; j++) {
            const float* key = k + (head * length + j) * 64;
            float parts[16] = {};
            for (int64_t d = 0; d < 64; d++) parts[d % 16] += q[i * 64 + d] * key[d];
            float dot = 0.0f;
            for (int64_t lane = 0; lane < 16; lane++) dot += parts[lane];
            scores[j] = dot * 0.125f;
            if (scores[j] > top) top = scores[j];
        }
        float sum = 0.0f;
        float kept[64] = {};
        for (int64_t j = 0; j < seen; j++) {
            const float* value = v + (head * length + j) * 64;
            const float power = std::exp(scores[j] - top);
            sum += power;
            for (int64_t d = 0; d < 64; d++) kept[d] += power * value[d];
        }
        for (int64_t d = 0; d < 64; d++) out[i * 64 + d] = kept[d] / sum;
    }
}
