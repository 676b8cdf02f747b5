// Position by position: all scores, their largest, and then the values, one after the other.
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
            float dot = 0.0f;
            for (int64_t d = 0; d < 64; d++) dot += q[i * 64 + d] * key[d];
            scores[j] = dot * 0.125f;
            if (scores[j] > top) top = scores[j];
        }
        float sum = 0.0f;
        for (int64_t d = 0; d < 64; d++) out[i * 64 + d] = 0.0f;
        for (int64_t j = 0; j < seen; j++) {
            const float* value = v + (head * length + j) * 64;
            const float power = std::exp(scores[j] - top);
            sum += power;
            for (int64_t d = 0; d < 64; d++) out[i * 64 + d] += power * value[d];
        }
        for (int64_t d = 0; d < 64; d++) out[i * 64 + d] /= sum;
    }
}
