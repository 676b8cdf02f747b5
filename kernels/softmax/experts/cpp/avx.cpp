// Four maxima and four sums at a time, sixteen exponentials in a vector, one division a row.
// Source: written for this problem
#include <cmath>
#include <cstdint>

typedef float lanes __attribute__((vector_size(64), aligned(4), may_alias));
typedef uint32_t words __attribute__((vector_size(64)));

static inline lanes power(lanes x) {
    x = x < -87.0f ? lanes{} - 87.0f : x;
    const lanes shifted = x * 1.44269504f + 12582912.0f;
    const lanes whole = shifted - 12582912.0f;
    const lanes r = x - whole * 0.693145752f - whole * 1.42860677e-6f;
    lanes p = r * 0.00138888889f + 0.00833333333f;
    p = p * r + 0.0416666667f;
    p = p * r + 0.166666667f;
    p = p * r + 0.5f;
    p = p * r + 1.0f;
    p = p * r + 1.0f;
    const words scale = ((words)shifted << 23) + 0x3f800000u;
    return p * (lanes)scale;
}

static inline float total(lanes v) {
    float sum = 0.0f;
    for (int lane = 0; lane < 16; lane++) sum += v[lane];
    return sum;
}

extern "C" void softmax(const float* __restrict x, float* __restrict out, int64_t rows, int64_t columns,
                        int64_t stride) {
    for (int64_t row = 0; row < rows; row++) {
        const float* a = x + row * stride;
        float* y = out + row * columns;
        lanes top[4];
        for (int part = 0; part < 4; part++) top[part] = lanes{} + a[0];
        int64_t i = 0;
        for (; i + 64 <= columns; i += 64) {
            for (int part = 0; part < 4; part++) {
                const lanes value = *(const lanes*)(a + i + 16 * part);
                top[part] = value > top[part] ? value : top[part];
            }
        }
        float most = a[0];
        for (int part = 0; part < 4; part++) {
            for (int lane = 0; lane < 16; lane++) most = std::fmax(most, top[part][lane]);
        }
        for (; i < columns; i++) most = std::fmax(most, a[i]);
        lanes sums[4] = {};
        for (i = 0; i + 64 <= columns; i += 64) {
            for (int part = 0; part < 4; part++) {
                const lanes value = power(*(const lanes*)(a + i + 16 * part) - most);
                *(lanes*)(y + i + 16 * part) = value;
                sums[part] += value;
            }
        }
        float sum = total((sums[0] + sums[1]) + (sums[2] + sums[3]));
        for (; i < columns; i++) {
            y[i] = power(lanes{} + (a[i] - most))[0];
            sum += y[i];
        }
        const float scale = 1.0f / sum;
        for (i = 0; i + 16 <= columns; i += 16) *(lanes*)(y + i) = *(const lanes*)(y + i) * scale;
        for (; i < columns; i++) y[i] *= scale;
    }
}
