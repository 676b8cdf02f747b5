// Sums of values and of squares in one pass, four of each, about the row's first element so that an offset costs nothing.
// Source: Chan, Golub and LeVeque, "Algorithms for computing the sample variance", 1983
#include <cmath>
#include <cstdint>

extern "C" void layernorm(const float* x, const float* weight, const float* bias, float* out, int64_t rows,
                          int64_t columns, int64_t stride, double epsilon) {
    for (int64_t row = 0; row < rows; row++) {
        const float* a = x + row * stride;
        float* y = out + row * columns;
        double first = a[0];
        double s0 = 0.0, s1 = 0.0, s2 = 0.0, s3 = 0.0;
        double q0 = 0.0, q1 = 0.0, q2 = 0.0, q3 = 0.0;
        int64_t i = 0;
        for (; i + 4 <= columns; i += 4) {
            double v0 = a[i] - first, v1 = a[i + 1] - first, v2 = a[i + 2] - first, v3 = a[i + 3] - first;
            s0 += v0;
            s1 += v1;
            s2 += v2;
            s3 += v3;
            q0 += v0 * v0;
            q1 += v1 * v1;
            q2 += v2 * v2;
            q3 += v3 * v3;
        }
        for (; i < columns; i++) {
            double v = a[i] - first;
            s0 += v;
            q0 += v * v;
        }
        double shift = ((s0 + s1) + (s2 + s3)) / (double)columns;
        double variance = ((q0 + q1) + (q2 + q3)) / (double)columns - shift * shift;
        double mean = first + shift;
        double scale = 1.0 / std::sqrt((variance > 0.0 ? variance : 0.0) + epsilon);
        for (i = 0; i < columns; i++) {
            y[i] = (float)((a[i] - mean) * scale) * weight[i] + bias[i];
        }
    }
}
