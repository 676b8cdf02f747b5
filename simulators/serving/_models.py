"""Language models: the sizes that decide how long an iteration takes and how much KV cache a token needs."""

from dataclasses import dataclass

_BF16 = 2


@dataclass(frozen=True)
class LanguageModel:
    """A decoder-only transformer with gated feed-forward layers and bf16 weights."""

    name: str
    layers: int
    hidden: int
    query_heads: int
    kv_heads: int
    ffn: int
    """Width of the feed-forward layer (of one expert, where there are experts)."""
    vocabulary: int
    head_size: int = 128
    experts: int = 1
    experts_per_token: int = 1

    @property
    def query_width(self) -> int:
        """Numbers in the queries of one token."""
        return self.query_heads * self.head_size

    @property
    def kv_width(self) -> int:
        """Numbers in the keys (or the values) of one token."""
        return self.kv_heads * self.head_size

    @property
    def attention_weights(self) -> int:
        """Weights of the four attention projections of one layer."""
        return self.hidden * (self.query_width + 2 * self.kv_width) + self.query_width * self.hidden

    @property
    def ffn_weights(self) -> int:
        """Weights of one feed-forward block (of one expert, where there are experts)."""
        return 3 * self.hidden * self.ffn

    @property
    def weight_bytes(self) -> float:
        """Bytes of all the weights, embedding and head included."""
        layer = self.attention_weights + self.experts * self.ffn_weights
        return float(_BF16 * (self.layers * layer + 2 * self.vocabulary * self.hidden))

    @property
    def kv_bytes_per_token(self) -> int:
        """Bytes of keys and values of one token over all layers."""
        return 2 * _BF16 * self.kv_width * self.layers

    def kv_blocks(self, memory_bytes: float, *, block_size: int = 16, reserved_bytes: float = 1.25e9) -> int:
        """Return how many KV blocks are left beside the weights on one GPU.

        Args:
            memory_bytes: device memory; nine tenths of it are used, as vLLM does.
            block_size: tokens in a block.
            reserved_bytes: activations, CUDA graphs and the like. The default reproduces, within 1 %, the 2,588
                blocks vLLM 0.19 reports for Llama-3.1-8B on a 24 GB RTX 4090.
        """
        room = 0.9 * memory_bytes - self.weight_bytes - reserved_bytes
        return max(0, int(room // (block_size * self.kv_bytes_per_token)))


MODELS: dict[str, LanguageModel] = {
    model.name: model
    for model in (
        LanguageModel("Llama-2-7B", 32, 4096, 32, 32, 11008, 32000),
        LanguageModel("Llama-2-70B", 80, 8192, 64, 8, 28672, 32000),
        LanguageModel("Llama-3.1-8B", 32, 4096, 32, 8, 14336, 128256),
        LanguageModel("Llama-3.1-70B", 80, 8192, 64, 8, 28672, 128256),
        LanguageModel("Llama-3.1-405B", 126, 16384, 128, 8, 53248, 128256),
        LanguageModel("Qwen2.5-7B", 28, 3584, 28, 4, 18944, 152064),
        LanguageModel("Qwen2.5-32B", 64, 5120, 40, 8, 27648, 152064),
        LanguageModel("Qwen2.5-72B", 80, 8192, 64, 8, 29568, 152064),
        LanguageModel("Qwen3-8B", 36, 4096, 32, 8, 12288, 151936),
        LanguageModel("Qwen3-32B", 64, 5120, 64, 8, 25600, 151936),
        LanguageModel("Qwen3-30B-A3B", 48, 2048, 32, 4, 768, 151936, experts=128, experts_per_token=8),
        LanguageModel("Mixtral-8x7B", 32, 4096, 32, 8, 14336, 32000, experts=8, experts_per_token=2),
    )
}
"""Known models by name, from their published configurations."""
