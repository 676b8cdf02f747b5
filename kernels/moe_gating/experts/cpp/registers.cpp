// All 128 logits stay in eight vectors: powers by a polynomial, and eight times the largest of them, found by its bit.
// Source: written for this problem
#include <cmath>
#include <cstdint>
#ifdef __AVX512F__
#include <immintrin.h>

static inline __m512 powers(__m512 x) {
    const __m512 n = _mm512_roundscale_ps(_mm512_mul_ps(x, _mm512_set1_ps(1.44269504f)), 8);
    __m512 r = _mm512_fnmadd_ps(n, _mm512_set1_ps(0.693145752f), x);
    r = _mm512_fnmadd_ps(n, _mm512_set1_ps(1.42860677e-6f), r);
    __m512 p = _mm512_set1_ps(1.0f / 720);
    p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(1.0f / 120));
    p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(1.0f / 24));
    p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(1.0f / 6));
    p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(0.5f));
    p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(1.0f));
    return _mm512_scalef_ps(_mm512_fmadd_ps(p, r, _mm512_set1_ps(1.0f)), n);
}

static inline __m512 largest(const __m512* v) {
    const __m512 a = _mm512_max_ps(_mm512_max_ps(v[0], v[1]), _mm512_max_ps(v[2], v[3]));
    return _mm512_max_ps(a, _mm512_max_ps(_mm512_max_ps(v[4], v[5]), _mm512_max_ps(v[6], v[7])));
}

extern "C" void moe_gating(const float* logits, float* weights, int32_t* chosen, int64_t tokens, int64_t stride) {
    for (int64_t token = 0; token < tokens; token++) {
        __m512 v[8];
        for (int part = 0; part < 8; part++) v[part] = _mm512_loadu_ps(logits + token * stride + 16 * part);
        float kept[8];
        kept[0] = _mm512_reduce_max_ps(largest(v));
        __m512 sums = _mm512_setzero_ps();
        for (int part = 0; part < 8; part++) {
            sums = _mm512_add_ps(sums, powers(_mm512_sub_ps(v[part], _mm512_set1_ps(kept[0]))));
        }
        for (int j = 0; j < 8; j++) {
            if (j > 0) kept[j] = _mm512_reduce_max_ps(largest(v));
            const __m512 top = _mm512_set1_ps(kept[j]);
            uint64_t bits[2] = {};
            for (int part = 0; part < 8; part++) {
                bits[part / 4] |= (uint64_t)_mm512_cmp_ps_mask(v[part], top, _CMP_EQ_OQ) << (16 * (part % 4));
            }
            chosen[token * 8 + j] = bits[0] ? __builtin_ctzll(bits[0]) : 64 + __builtin_ctzll(bits[1]);
            const uint64_t low = bits[0] & -bits[0], high = bits[0] ? 0 : bits[1] & -bits[1];
            for (int part = 0; part < 8; part++) {
                const __mmask16 gone = (__mmask16)((part < 4 ? low : high) >> (16 * (part % 4)));
                v[part] = _mm512_mask_mov_ps(v[part], gone, _mm512_set1_ps(-INFINITY));
            }
        }
        const __m512 exact = powers(_mm512_sub_ps(_mm512_castps256_ps512(_mm256_loadu_ps(kept)), _mm512_set1_ps(kept[0])));
        const __m256 sum = _mm256_set1_ps(_mm512_reduce_add_ps(sums));
        _mm256_storeu_ps(weights + token * 8, _mm256_div_ps(_mm512_castps512_ps256(exact), sum));
    }
}
#else
extern "C" void moe_gating(const float* logits, float* weights, int32_t* chosen, int64_t tokens, int64_t stride) {
    for (int64_t token = 0; token < tokens; token++) {
        const float* given = logits + token * stride;
        float left[128], sum = 0.0f;
        for (int32_t i = 0; i < 128; i++) left[i] = given[i];
        for (int32_t j = 0; j < 8; j++) {
            int32_t best = 0;
            for (int32_t i = 1; i < 128; i++) best = left[i] > left[best] ? i : best;
            chosen[token * 8 + j] = best;
            left[best] = -INFINITY;
        }
        const float top = given[chosen[token * 8]];
        for (int32_t i = 0; i < 128; i++) sum += std::exp(given[i] - top);
        for (int32_t j = 0; j < 8; j++) weights[token * 8 + j] = std::exp(given[chosen[token * 8 + j]] - top) / sum;
    }
}
#endif
