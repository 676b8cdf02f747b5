// Keys are turned on their side once a head, so that sixteen neighbouring scores grow at once.
// Source: outer-product matrix multiplication
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

extern "C" void causal_attention(const float* q, const float* k, const float* v, float* out, int64_t heads,
                                 int64_t length) {
    std::vector<float> turned(64 * length), scores(length);
    for (int64_t head = 0; head < heads; head++) {
        for (int64_t j = 0; j < length; j++) {
            for (int64_t d = 0; d < 64; d++) turned[d * length + j] = k[(head * length + j) * 64 + d];
        }
        for (int64_t i = 0; i < length; i++) {
            const float* query = q + (head * length + i) * 64;
            float* result = out + (head * length + i) * 64;
            std::fill(scores.begin(), scores.begin() + i + 1, 0.0f);
            for (int64_t d = 0; d < 64; d++) {
                const float factor = query[d] * 0.125f;
                for (int64_t j = 0; j <= i; j++) scores[j] += factor * turned[d * length + j];
            }
            const float top = *std::max_element(scores.begin(), scores.begin() + i + 1);
            float sum = 0.0f;
            std::fill(result, result + 64, 0.0f);
            for (int64_t j = 0; j <= i; j++) {
                const float power = std::exp(scores[j] - top);
                sum += power;
                for (int64_t d = 0; d < 64; d++) result[d] += power * v[(head * length + j) * 64 + d];
            }
            for (int64_t d = 0; d < 64; d++) result[d] /= sum;
        }
    }
}
