// One pass over all values for each bin.
// Control.
#include <cstdint>

extern "C" void histogram(const int32_t* values, int32_t* counts, int64_t count) {
    for (int32_t bin = 0; bin < 256; bin++) {
        int32_t found = 0;
        for (int64_t i = 0; i < count; i++) found += values[i] == bin;
        counts[bin] = found;
    }
}
