// Passes over the whole array, each adding what lies twice as far back as in the one before.
// Source: Hillis and Steele, "Data parallel algorithms" (1986)
// Control.
#include <cstdint>
#include <vector>

extern "C" void prefix_sum(const float* x, float* out, int64_t count) {
    std::vector<double> sums(x, x + count);
    for (int64_t step = 1; step < count; step *= 2) {
        for (int64_t i = count - 1; i >= step; i--) sums[i] += sums[i - step];
    }
    for (int64_t i = 0; i < count; i++) out[i] = (float)sums[i];
}
