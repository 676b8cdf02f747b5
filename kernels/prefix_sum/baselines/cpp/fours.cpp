// Four elements are summed beside the running sum, which then waits once for all of them.
// Source: unrolled scans
#include <cstdint>

extern "C" void prefix_sum(const float* x, float* out, int64_t count) {
    double sum = 0.0;
    int64_t i = 0;
    for (; i + 4 <= count; i += 4) {
        const double a = x[i], b = a + x[i + 1], c = (double)x[i + 2], d = c + x[i + 3];
        out[i] = (float)(sum + a);
        out[i + 1] = (float)(sum + b);
        out[i + 2] = (float)(sum + (b + c));
        sum += b + d;
        out[i + 3] = (float)sum;
    }
    for (; i < count; i++) {
        sum += x[i];
        out[i] = (float)sum;
    }
}
