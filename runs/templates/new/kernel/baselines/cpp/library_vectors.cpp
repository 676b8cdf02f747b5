// The exponential of the library, many at once: its vector form is asked for by declaring that there is one.
// Source: glibc's libmvec
#include <cmath>
#include <cstdint>

extern "C" __attribute__((__simd__("notinbranch"))) float expf(float) noexcept;

extern "C" void bias_gelu(const float* x, const float* bias, float* out, int64_t rows, int64_t columns) {
    for (int64_t row = 0; row < rows; row++) {
        const float* a = x + row * columns;
        float* y = out + row * columns;
        #pragma omp simd
        for (int64_t i = 0; i < columns; i++) {
            float v = a[i] + bias[i];
            float u = -1.5957691216f * (v + 0.044715f * v * v * v);
            y[i] = v / (1.0f + expf(u));
        }
    }
}
