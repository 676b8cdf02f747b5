// No scores are kept: each is reckoned anew for the largest, for the sum, and for every sixteen elements of the result.
// Control.
#include <cmath>
#include <cstdint>

static float score(const float* query, const float* key) {
    float dot = 0.0f;
    for (int64_t d = 0; d < 64; d++) dot += query[d] * key[d];
    return dot * 0.125f;
}

extern "C" void causal_attention(const float* q, const float* k, const float* v, float* out, int64_t heads,
                                 int64_t length) {
    for (int64_t i = 0; i < heads * length; i++) {
        const int64_t first = i / length * length;
        float top = -INFINITY, sum = 0.0f;
        for (int64_t j = first; j <= i; j++) top = std::fmax(top, score(q + i * 64, k + j * 64));
        for (int64_t j = first; j <= i; j++) sum += std::exp(score(q + i * 64, k + j * 64) - top);
        for (int64_t d = 0; d < 64; d += 16) {
            float kept[16] = {};
            for (int64_t j = first; j <= i; j++) {
                const float power = std::exp(score(q + i * 64, k + j * 64) - top);
                for (int64_t part = 0; part < 16; part++) kept[part] += power * v[j * 64 + d + part];
            }
            for (int64_t part = 0; part < 16; part++) out[i * 64 + d + part] = kept[part] / sum;
        }
    }
}
