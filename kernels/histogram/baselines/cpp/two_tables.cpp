// Two tables in turn, so that a counter is seldom raised twice in a row.
// Source: privatised histograms
#include <cstdint>

extern "C" void histogram(const int32_t* values, int32_t* counts, int64_t count) {
    int32_t even[256] = {0}, odd[256] = {0};
    int64_t i = 0;
    for (; i + 2 <= count; i += 2) {
        even[values[i]] += 1;
        odd[values[i + 1]] += 1;
    }
    if (i < count) even[values[i]] += 1;
    for (int64_t bin = 0; bin < 256; bin++) counts[bin] = even[bin] + odd[bin];
}
