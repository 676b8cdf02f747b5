// One running sum in double.
#include <cstdint>

extern "C" void prefix_sum(const float* x, float* out, int64_t count) {
    double sum = 0.0;
    for (int64_t i = 0; i < count; i++) {
        sum += x[i];
        out[i] = (float)sum;
    }
}
