// The vector is split into even and odd elements once; then sixteen bytes give two vectors of weights without a shuffle.
// Source: written for this problem
#include <cstdint>
#include <vector>

typedef float lanes __attribute__((vector_size(64), aligned(4)));
typedef int32_t words __attribute__((vector_size(64)));
typedef uint8_t bytes16 __attribute__((vector_size(16), aligned(1)));

static inline float sum_of(lanes values) {
    float sum = 0.0f;
    for (int lane = 0; lane < 16; lane++) sum += values[lane];
    return sum;
}

extern "C" void int4_gemv(const uint8_t* packed, const float* scale, const float* x, float* y, int64_t rows,
                          int64_t groups) {
    std::vector<float> even(groups * 64), odd(groups * 64);
    for (int64_t group = 0; group < groups; group++) {
        for (int64_t j = 0; j < 64; j++) {
            even[group * 64 + j] = x[group * 128 + 2 * j];
            odd[group * 64 + j] = x[group * 128 + 2 * j + 1];
        }
    }
    for (int64_t row = 0; row < rows; row++) {
        lanes total = {};
        for (int64_t group = 0; group < groups; group++) {
            const uint8_t* at = packed + (row * groups + group) * 64;
            const float* a = even.data() + group * 64;
            const float* b = odd.data() + group * 64;
            lanes low = {}, high = {};
            for (int part = 0; part < 4; part++) {
                const words both = __builtin_convertvector(*(const bytes16*)(at + 16 * part), words);
                low += __builtin_convertvector((both & 15) - 8, lanes) * *(const lanes*)(a + 16 * part);
                high += __builtin_convertvector((both >> 4) - 8, lanes) * *(const lanes*)(b + 16 * part);
            }
            total += scale[row * groups + group] * (low + high);
        }
        y[row] = sum_of(total);
    }
}
