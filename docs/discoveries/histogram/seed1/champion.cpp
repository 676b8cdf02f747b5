#pragma GCC target("prefer-vector-width=512")
#pragma GCC optimize("associative-math,no-signed-zeros,no-trapping-math")
// Count the length of each run of equal values, and add it once.
// Source: run-length encoding
#include <cstdint>

extern "C" void histogram(const int32_t* values, int32_t* counts, int64_t count) {
    for (int64_t bin = 0; bin < 256; bin++) counts[bin] = 0;
    int32_t last = values[0];
    int32_t run = 0;
    #pragma GCC ivdep
    for (int64_t i = 0; i < count; i++) {
        if (values[i] == last) {
            run += 1;
        } else {
            counts[last] += run;
            run = 1;
            last = values[i];
        }
    }
    counts[last] += run;
}
