// Two passes over each row, one element at a time: maximum, then the sum of exponentials.
#include <cmath>
#include <cstdint>

extern "C" void cross_entropy(const float* x, const int64_t* target, float* loss, int64_t rows, int64_t columns,
                              int64_t stride) {
    for (int64_t row = 0; row < rows; row++) {
        const float* a = x + row * stride;
        float most = a[0];
        for (int64_t i = 1; i < columns; i++) {
            if (a[i] > most) most = a[i];
        }
        double sum = 0.0;
        for (int64_t i = 0; i < columns; i++) {
            sum += std::exp(a[i] - most);
        }
        loss[row] = (float)(std::log(sum) - (a[target[row]] - most));
    }
}
