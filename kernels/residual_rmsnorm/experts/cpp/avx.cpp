// One pass that adds and squares with eight running sums, and a second over the row while it is in cache.
// Source: written for this problem
#include <cmath>
#include <cstdint>


extern "C" void residual_rmsnorm(const float* __restrict x, const float* __restrict residual,
                                 const float* __restrict weight, float* __restrict out, float* __restrict total,
                                 int64_t rows, int64_t columns, int64_t stride, double epsilon) {
    typedef float lanes __attribute__((vector_size(64), aligned(4)));
    for (int64_t row = 0; row < rows; row++) {
        const float* a = x + row * stride;
        const float* b = residual + row * stride;
        float* h = total + row * columns;
        float* y = out + row * columns;
        lanes squares[4] = {};
        int64_t i = 0;
        for (; i + 64 <= columns; i += 64) {
            for (int part = 0; part < 4; part++) {
                lanes value = *(const lanes*)(a + i + 16 * part) + *(const lanes*)(b + i + 16 * part);
                *(lanes*)(h + i + 16 * part) = value;
                squares[part] += value * value;
            }
        }
        lanes all = (squares[0] + squares[1]) + (squares[2] + squares[3]);
        float norm = 0.0f;
        for (int lane = 0; lane < 16; lane++) norm += all[lane];
        for (; i < columns; i++) {
            h[i] = a[i] + b[i];
            norm += h[i] * h[i];
        }
        const float scale = 1.0f / std::sqrt(norm / (float)columns + (float)epsilon);
        for (i = 0; i + 16 <= columns; i += 16) {
            *(lanes*)(y + i) = *(const lanes*)(h + i) * scale * *(const lanes*)(weight + i);
        }
        for (; i < columns; i++) y[i] = h[i] * scale * weight[i];
    }
}
