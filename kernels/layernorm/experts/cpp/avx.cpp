// Four vectors of sums for the mean, four for the distances and four for their squares; the mean is mended by the distances.
// Source: written for this problem
#include <cmath>
#include <cstdint>

typedef float lanes __attribute__((vector_size(64), aligned(4), may_alias));

static inline float total(const lanes* sums) {
    const lanes all = (sums[0] + sums[1]) + (sums[2] + sums[3]);
    float sum = 0.0f;
    for (int lane = 0; lane < 16; lane++) sum += all[lane];
    return sum;
}

extern "C" void layernorm(const float* __restrict x, const float* __restrict weight, const float* __restrict bias,
                          float* __restrict out, int64_t rows, int64_t columns, int64_t stride, double epsilon) {
    const float share = 1.0f / (float)columns;
    for (int64_t row = 0; row < rows; row++) {
        const float* a = x + row * stride;
        float* y = out + row * columns;
        lanes sums[4] = {};
        int64_t i = 0;
        for (; i + 64 <= columns; i += 64) {
            for (int part = 0; part < 4; part++) sums[part] += *(const lanes*)(a + i + 16 * part);
        }
        float sum = total(sums);
        for (; i < columns; i++) sum += a[i];
        const float near = sum * share;
        lanes rest[4] = {}, squares[4] = {};
        for (i = 0; i + 64 <= columns; i += 64) {
            for (int part = 0; part < 4; part++) {
                const lanes value = *(const lanes*)(a + i + 16 * part) - near;
                rest[part] += value;
                squares[part] += value * value;
            }
        }
        float missed = total(rest), square = total(squares);
        for (; i < columns; i++) {
            missed += a[i] - near;
            square += (a[i] - near) * (a[i] - near);
        }
        missed *= share;
        const float scale = 1.0f / std::sqrt(square * share - missed * missed + (float)epsilon);
        for (i = 0; i + 16 <= columns; i += 16) {
            const lanes value = *(const lanes*)(a + i) - near - missed;
            *(lanes*)(y + i) = value * scale * *(const lanes*)(weight + i) + *(const lanes*)(bias + i);
        }
        for (; i < columns; i++) y[i] = (a[i] - near - missed) * scale * weight[i] + bias[i];
    }
}
