// Maximum and sum in one pass: the sum so far is scaled whenever a larger element comes.
// Source: Milakov and Gimelshein, "Online normalizer calculation for softmax", 2018
#include <cmath>
#include <cstdint>

extern "C" void cross_entropy(const float* x, const int64_t* target, float* loss, int64_t rows, int64_t columns,
                              int64_t stride) {
    for (int64_t row = 0; row < rows; row++) {
        const float* a = x + row * stride;
        float most = a[0];
        double sum = 1.0;
        for (int64_t i = 1; i < columns; i++) {
            if (a[i] > most) {
                sum = sum * std::exp(most - a[i]) + 1.0;
                most = a[i];
            } else {
                sum += std::exp(a[i] - most);
            }
        }
        loss[row] = (float)(std::log(sum) - (a[target[row]] - most));
    }
}
