"""A cross-encoder in a folder, as small as one can be: a pair's score is how many words it shares.

A real ONNX graph and a real tokenizer; nothing in it was trained.
"""

from __future__ import annotations

from pathlib import Path

import onnx
from onnx import TensorProto, helper
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

WORDS = "[UNK] [CLS] [SEP] bread oven bake lamp light room water tap pour parcel post send".split()


def save(
    folder: Path, *, outputs: int = 1, inputs=("input_ids", "attention_mask", "token_type_ids")
):
    """Write `model.onnx` and `tokenizer.json`; two outputs are the scores of two classes."""
    folder.mkdir(parents=True, exist_ok=True)
    _tokenizer().save(str(folder / "tokenizer.json"))
    onnx.save(_graph(outputs, inputs), str(folder / "model.onnx"))
    return folder


def _tokenizer() -> Tokenizer:
    vocabulary = {word: number for number, word in enumerate(WORDS)}
    made = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    made.normalizer = normalizers.Lowercase()
    made.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Whitespace(), pre_tokenizers.Split("_", "removed")]
    )
    made.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", 1), ("[SEP]", 2)],
    )
    return made


def _graph(outputs: int, inputs) -> onnx.ModelProto:
    """Count equal ids of the first and the second part, control tokens and unknown words apart."""
    node = helper.make_node
    nodes = [
        node("Greater", ["input_ids", "last_control"], ["is_word"]),
        node("Cast", ["is_word"], ["word"], to=TensorProto.FLOAT),
        node("Cast", ["attention_mask"], ["real"], to=TensorProto.FLOAT),
        node("Cast", ["token_type_ids"], ["second"], to=TensorProto.FLOAT),
        node("Sub", ["one", "second"], ["first"]),
        node("Mul", ["word", "real"], ["counted"]),
        node("Mul", ["counted", "first"], ["asked"]),
        node("Mul", ["counted", "second"], ["told"]),
        node("Unsqueeze", ["input_ids", "axis_2"], ["down"]),
        node("Unsqueeze", ["input_ids", "axis_1"], ["across"]),
        node("Equal", ["down", "across"], ["is_same"]),
        node("Cast", ["is_same"], ["same"], to=TensorProto.FLOAT),
        node("Unsqueeze", ["asked", "axis_2"], ["asked_down"]),
        node("Unsqueeze", ["told", "axis_1"], ["told_across"]),
        node("Mul", ["same", "asked_down"], ["half"]),
        node("Mul", ["half", "told_across"], ["both"]),
        node("ReduceSum", ["both", "axes"], ["shared"], keepdims=0),
        node("Unsqueeze", ["shared", "axis_1"], ["column"]),
        node("Neg", ["column"], ["against"]),
        node("Concat", ["against", "column"] if outputs == 2 else ["column"], ["logits"], axis=1),
    ]
    constants = [
        helper.make_tensor("last_control", TensorProto.INT64, [], [2]),
        helper.make_tensor("one", TensorProto.FLOAT, [], [1.0]),
        helper.make_tensor("axis_1", TensorProto.INT64, [1], [1]),
        helper.make_tensor("axis_2", TensorProto.INT64, [1], [2]),
        helper.make_tensor("axes", TensorProto.INT64, [2], [1, 2]),
    ]
    if "token_type_ids" not in inputs:
        constants.append(helper.make_tensor("token_type_ids", TensorProto.INT64, [], [1]))
    shape = ["pairs", "tokens"]
    made = helper.make_graph(
        nodes,
        "shared words",
        [helper.make_tensor_value_info(name, TensorProto.INT64, shape) for name in inputs],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["pairs", outputs])],
        constants,
    )
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 9
    return model
