// Sums of blocks first, by four accumulators, then a scan within each block from the sum before it.
// Source: Blelloch, "Prefix sums and their applications" (1990): reduce, then scan
#include <cstdint>

extern "C" void prefix_sum(const float* x, float* out, int64_t count) {
    const int64_t size = 512;
    double before = 0.0;
    for (int64_t start = 0; start < count; start += size) {
        const int64_t end = start + size < count ? start + size : count;
        double sums[4] = {0.0, 0.0, 0.0, 0.0};
        int64_t i = start;
        for (; i + 4 <= end; i += 4) {
            for (int part = 0; part < 4; part++) sums[part] += x[i + part];
        }
        for (; i < end; i++) sums[0] += x[i];
        double sum = before;
        for (i = start; i < end; i++) {
            sum += x[i];
            out[i] = (float)sum;
        }
        before += (sums[0] + sums[1]) + (sums[2] + sums[3]);
    }
}
