"""A checkpoint small enough to build in a test: random weights, one token per byte."""

from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import GPT2Config, GPT2LMHeadModel, LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

DEFAULT_SYSTEM = "Be plain."
TEMPLATE = (
    "{% if messages[0]['role'] != 'system' %}[system]Be plain.[/]{% endif %}"
    "{% for message in messages %}[{{ message['role'] }}]{{ message['content'] }}[/]{% endfor %}"
    "{% if add_generation_prompt %}[assistant]{% endif %}"
)
NO_SYSTEM_TEMPLATE = (
    "{% if messages[0]['role'] == 'system' %}{{ raise_exception('no system role') }}{% endif %}"
    "{% for message in messages %}[{{ message['role'] }}]{{ message['content'] }}[/]{% endfor %}"
    "{% if add_generation_prompt %}[assistant]{% endif %}"
)
NO_DEFAULT_TEMPLATE = (
    "{% for message in messages %}[{{ message['role'] }}]{{ message['content'] }}[/]{% endfor %}"
    "{% if add_generation_prompt %}[assistant]{% endif %}"
)
END = 256
PAD = 257
VOCABULARY = 258
CONTEXT = 256


def tokenizer(template: str = TEMPLATE) -> PreTrainedTokenizerFast:
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {letter: index for index, letter in enumerate(alphabet)} | {"<end>": END, "<pad>": PAD}
    core = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    core.decoder = decoders.ByteLevel()
    made = PreTrainedTokenizerFast(tokenizer_object=core, eos_token="<end>", pad_token="<pad>")
    made.chat_template = template
    return made


def llama(seed: int = 1, *, layers: int = 2) -> LlamaForCausalLM:
    config = LlamaConfig(
        vocab_size=VOCABULARY,
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=layers,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=CONTEXT,
        initializer_range=0.3,
        eos_token_id=END,
        pad_token_id=PAD,
        bos_token_id=None,
        tie_word_embeddings=False,
    )
    torch.manual_seed(seed)
    return LlamaForCausalLM(config).eval()


def gpt2(seed: int = 1) -> GPT2LMHeadModel:
    """Absolute positions: the kind that is wrong under left padding when positions are not given."""
    config = GPT2Config(
        vocab_size=VOCABULARY,
        n_embd=32,
        n_layer=2,
        n_head=4,
        n_positions=CONTEXT,
        initializer_range=0.3,
        eos_token_id=END,
        pad_token_id=PAD,
        bos_token_id=None,
    )
    torch.manual_seed(seed)
    return GPT2LMHeadModel(config).eval()


def save(folder: Path, model: LlamaForCausalLM | GPT2LMHeadModel | None = None) -> Path:
    """Write a checkpoint in safetensors."""
    (model or llama()).save_pretrained(folder)
    tokenizer().save_pretrained(folder)
    return folder
