"""A fitted model as ONNX, written by hand: rows of features in, log-odds out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from homespun.server.confidence.evidence import FEATURES
from homespun.training.shipped.confidence.fit import Blend, BoostedTrees, Fitted, Logistic

_OPSET, _ML_OPSET = 17, 3
_IR_VERSION = 9


def onnx_bytes(fitted: Fitted) -> bytes:
    """Return the model's graph: `rows` (n, features) float32 -> `log_odds` (n, 1) float32."""
    nodes, constants = _parts(fitted, "log_odds")
    graph = helper.make_graph(
        nodes,
        "likelihood",
        [helper.make_tensor_value_info("rows", TensorProto.FLOAT, ["n", len(FEATURES)])],
        [helper.make_tensor_value_info("log_odds", TensorProto.FLOAT, ["n", 1])],
        constants,
    )
    opsets = [helper.make_opsetid("", _OPSET), helper.make_opsetid("ai.onnx.ml", _ML_OPSET)]
    model = helper.make_model(graph, opset_imports=opsets, producer_name="homespun")
    model.ir_version = _IR_VERSION
    body: bytes = model.SerializeToString()
    return body


def _parts(fitted: Fitted, output: str) -> tuple[list[Any], list[Any]]:
    """Return the nodes that make `output` of `rows`, and their constants."""
    if isinstance(fitted, Logistic):
        return _of_logistic(fitted, output)
    if isinstance(fitted, BoostedTrees):
        return [_of_trees(fitted.booster.dump_model(), output)], []
    if isinstance(fitted, Blend):
        names = ["by_regression", "by_trees"]
        nodes, constants = _of_logistic(fitted.regression, names[0])
        trees = _of_trees(fitted.trees.booster.dump_model(), names[1])
        return [*nodes, trees, helper.make_node("Mean", names, [output])], constants
    raise TypeError(f"{type(fitted).__name__} has no graph; write one in graph.py")


def _of_logistic(fitted: Logistic, output: str) -> tuple[list[Any], list[Any]]:
    weights = fitted.weights.astype(np.float32)[:, None]
    bias = np.array([fitted.intercept], np.float32)
    constants = [
        numpy_helper.from_array(weights, "weights"),
        numpy_helper.from_array(bias, "bias"),
    ]
    return [helper.make_node("Gemm", ["rows", "weights", "bias"], [output])], constants


def _of_trees(dumped: Mapping[str, Any], output: str) -> Any:  # noqa: ANN401  (onnx is untyped)
    """Return one node for all trees of `Booster.dump_model()`."""
    nodes: dict[str, list[Any]] = {
        name: []
        for name in (
            *("treeids", "nodeids", "featureids", "values", "modes", "truenodeids"),
            *("falsenodeids", "missing_value_tracks_true"),
        )
    }
    leaves: dict[str, list[Any]] = {name: [] for name in ("treeids", "nodeids", "ids", "weights")}
    for number, tree in enumerate(dumped["tree_info"]):
        _add_tree(number, tree["tree_structure"], nodes, leaves)
    attributes = {f"nodes_{name}": values for name, values in nodes.items()}
    attributes |= {f"target_{name}": values for name, values in leaves.items()}
    return helper.make_node(
        "TreeEnsembleRegressor",
        ["rows"],
        [output],
        domain="ai.onnx.ml",
        n_targets=1,
        aggregate_function="SUM",
        post_transform="NONE",
        **attributes,
    )


def _add_tree(
    number: int,
    root: Mapping[str, Any],
    nodes: dict[str, list[Any]],
    leaves: dict[str, list[Any]],
) -> None:
    """Add a tree, its nodes numbered in the order in which they are met."""
    waiting = [root]
    known = 1  # nodes that have a number
    for node_id, node in enumerate(waiting):  # which grows meanwhile
        is_leaf = "leaf_value" in node
        row = {
            "treeids": number,
            "nodeids": node_id,
            "featureids": 0 if is_leaf else node["split_feature"],
            "values": 0.0 if is_leaf else _below(node["threshold"]),
            "modes": "LEAF" if is_leaf else "BRANCH_LEQ",
            "truenodeids": 0 if is_leaf else known,
            "falsenodeids": 0 if is_leaf else known + 1,
            "missing_value_tracks_true": 0 if is_leaf else int(node["default_left"]),
        }
        for name, value in row.items():
            nodes[name].append(value)
        if is_leaf:
            leaf = {"treeids": number, "nodeids": node_id, "ids": 0, "weights": node["leaf_value"]}
            for name, value in leaf.items():
                leaves[name].append(value)
        else:
            waiting += [node["left_child"], node["right_child"]]
            known += 2


def _below(threshold: float) -> float:
    """Return the largest float32 that is not above a threshold, so that `<=` means the same."""
    near = np.float32(threshold)
    if float(near) > threshold:
        near = np.nextafter(near, np.float32(-np.inf))
    return float(near)
