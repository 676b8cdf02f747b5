// Gathers of sixteen elements: a masked one for the rest of a row, so that no row needs a loop over single elements.
// Source: written for this problem
#include <cstdint>
#ifdef __AVX512F__
#include <immintrin.h>
#endif

extern "C" void csr_spmv(const int32_t* start, const int32_t* column, const float* value, const float* x, float* y,
                         int64_t rows, int64_t columns, int64_t nonzeros, int64_t bounds) {
#ifdef __AVX512F__
    for (int64_t row = 0; row < rows; row++) {
        const int64_t end = start[row + 1];
        __m512 sum = _mm512_setzero_ps(), other = _mm512_setzero_ps();
        int64_t i = start[row];
        for (; i + 32 <= end; i += 32) {
            const __m512i near = _mm512_loadu_si512(column + i), far = _mm512_loadu_si512(column + i + 16);
            sum = _mm512_fmadd_ps(_mm512_loadu_ps(value + i), _mm512_i32gather_ps(near, x, 4), sum);
            other = _mm512_fmadd_ps(_mm512_loadu_ps(value + i + 16), _mm512_i32gather_ps(far, x, 4), other);
        }
        for (; i < end; i += 16) {
            const __mmask16 left = end - i >= 16 ? 0xffff : (__mmask16)((1u << (end - i)) - 1u);
            const __m512i place = _mm512_maskz_loadu_epi32(left, column + i);
            const __m512 found = _mm512_mask_i32gather_ps(_mm512_setzero_ps(), left, place, x, 4);
            sum = _mm512_fmadd_ps(_mm512_maskz_loadu_ps(left, value + i), found, sum);
        }
        y[row] = _mm512_reduce_add_ps(_mm512_add_ps(sum, other));
    }
#else
    for (int64_t row = 0; row < rows; row++) {
        float sums[4] = {};
        int64_t i = start[row];
        for (; i + 4 <= start[row + 1]; i += 4) {
            for (int part = 0; part < 4; part++) sums[part] += value[i + part] * x[column[i + part]];
        }
        for (; i < start[row + 1]; i++) sums[0] += value[i] * x[column[i]];
        y[row] = (sums[0] + sums[1]) + (sums[2] + sums[3]);
    }
#endif
}
