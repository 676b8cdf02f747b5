// A thread a token: the largest logit, the sum of powers, and a list of eight into which each logit is sorted.
#include <cmath>
#include <cstdint>

// launch: choose<<<(tokens + 127) / 128, 128>>>(logits, weights, chosen, tokens, stride)

extern "C" __global__ void choose(const float* logits, float* weights, int32_t* chosen, int64_t tokens,
                                  int64_t stride) {
    const int64_t token = blockIdx.x * (int64_t)128 + threadIdx.x;
    if (token >= tokens) return;
    const float* given = logits + token * stride;
    float top = given[0];
    for (int i = 1; i < 128; i++) top = fmaxf(top, given[i]);
    float sum = 0.0f;
    for (int i = 0; i < 128; i++) sum += expf(given[i] - top);
    float kept[8];
    int32_t place[8];
    int filled = 0;
    for (int i = 0; i < 128; i++) {
        int at = filled;
        while (at > 0 && kept[at - 1] < given[i]) at--;
        if (at == 8) continue;
        if (filled < 8) filled++;
        for (int j = filled - 1; j > at; j--) {
            kept[j] = kept[j - 1];
            place[j] = place[j - 1];
        }
        kept[at] = given[i];
        place[at] = i;
    }
    for (int j = 0; j < 8; j++) {
        weights[token * 8 + j] = expf(kept[j] - top) / sum;
        chosen[token * 8 + j] = place[j];
    }
}
