"""The words that models are asked with: Markdown with ``$name`` places, filled by ``agent._prompts``."""
