// Each value searches for its bin by halving, as where bins are not all of one width.
// Control.
#include <cstdint>

extern "C" void histogram(const int32_t* values, int32_t* counts, int64_t count) {
    for (int32_t bin = 0; bin < 256; bin++) counts[bin] = 0;
    for (int64_t i = 0; i < count; i++) {
        int32_t low = 0, high = 256;
        while (high - low > 1) {
            const int32_t middle = (low + high) / 2;
            if (values[i] < middle) {
                high = middle;
            } else {
                low = middle;
            }
        }
        counts[low] += 1;
    }
}
