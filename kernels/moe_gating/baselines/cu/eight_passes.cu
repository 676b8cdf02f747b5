// A thread a token, which goes over all logits once for each of the eight: neighbours read logits that lie a row apart.
// Control.
#include <cmath>
#include <cstdint>

// launch: choose<<<(tokens + 127) / 128, 128>>>(logits, weights, chosen, tokens, stride)

extern "C" __global__ void choose(const float* logits, float* weights, int32_t* chosen, int64_t tokens,
                                  int64_t stride) {
    const int64_t token = blockIdx.x * (int64_t)128 + threadIdx.x;
    if (token >= tokens) return;
    const float* given = logits + token * stride;
    float last = INFINITY, most = 0.0f, sum = 0.0f;
    int32_t from = -1;
    for (int n = 0; n < 8; n++) {
        float best = -INFINITY;
        int32_t place = 0;
        for (int i = 0; i < 128; i++) {
            const float value = given[i];
            const bool is_left = value < last || (value == last && i > from);
            if (is_left && value > best) {
                best = value;
                place = i;
            }
        }
        if (n == 0) {
            most = best;
            for (int i = 0; i < 128; i++) sum += expf(given[i] - most);
        }
        weights[token * 8 + n] = expf(best - most) / sum;
        chosen[token * 8 + n] = place;
        last = best;
        from = place;
    }
}
