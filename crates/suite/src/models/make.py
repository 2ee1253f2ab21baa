"""Writes the models that the suite measures, with fixed weights.

`scripts/models` runs this with the packages pinned there. The same versions
give the same bytes, which `scripts/models --check` holds against the
committed files.

The scores in reference.json come from numpy alone, in double precision, not
from an ONNX runtime: tests and benches hold both backends against them.

The int8 models are quantised dynamically. Weights are stored as int8, a scale
for each column; activations are quantised when the model runs, by the range of
the whole batch. So a row's score depends a little on the rows beside it, and
there is a reference for each size of a batch.
"""

import json
import math
import pathlib
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

FEATURES = 32
BATCHES = [1, 8, 16, 32, 64]

LAYERS = [(FEATURES, 64), (64, 64), (64, 1)]
SCORER_SEED = 20_260_101

# Every feature is a token of its own, as wide as this.
WIDTH = 48
HEADS = 3
BLOCKS = 2
ENCODER_SEED = 20_260_102
EPSILON = 1e-5


class Graph:
    """The nodes of a model, and the weights they name."""

    def __init__(self, quantised):
        self.quantised = quantised
        self.nodes, self.initializers = [], []

    def constant(self, name, value):
        self.initializers.append(numpy_helper.from_array(np.asarray(value), name))
        return name

    def node(self, operator, inputs, output, **attributes):
        outputs = output if isinstance(output, list) else [output]
        self.nodes.append(helper.make_node(operator, inputs, outputs, **attributes))
        return outputs[0]

    def linear(self, name, value, weight, bias):
        """value @ weight + bias, in int8 where the model is quantised."""
        bias = self.constant(f"{name}.bias", bias)
        if not self.quantised:
            weight = self.constant(f"{name}.weight", weight)
            product = self.node("MatMul", [value, weight], f"{name}.product")
            return self.node("Add", [product, bias], f"{name}.sum")
        integers, scale = quantise_weight(weight)
        parts = [f"{name}.quantised", f"{name}.scale", f"{name}.zero"]
        self.node("DynamicQuantizeLinear", [value], parts)
        weight = self.constant(f"{name}.weight", integers)
        zero = self.constant(f"{name}.weight_zero", np.int8(0))
        inputs = [parts[0], weight, parts[2], zero]
        self.node("MatMulInteger", inputs, f"{name}.integers")
        self.node("Cast", [f"{name}.integers"], f"{name}.floats", to=TensorProto.FLOAT)
        scale = self.constant(f"{name}.weight_scale", scale)
        self.node("Mul", [parts[1], scale], f"{name}.both_scales")
        self.node("Mul", [f"{name}.floats", f"{name}.both_scales"], f"{name}.product")
        return self.node("Add", [f"{name}.product", bias], f"{name}.sum")

    def model(self, name, opset):
        graph = helper.make_graph(
            self.nodes,
            name,
            [helper.make_tensor_value_info("features", TensorProto.FLOAT, ["batch", FEATURES])],
            [helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["batch", 1])],
            self.initializers,
        )
        model = helper.make_model(
            graph,
            producer_name="benchgate",
            ir_version=8,
            opset_imports=[helper.make_opsetid("", opset)],
        )
        onnx.checker.check_model(model, full_check=True)
        return model.SerializeToString(deterministic=True)


def quantise_weight(weight):
    """Symmetric, in 7 of the 8 bits: processors without VNNI add two products
    of 8 bits in 16, which would overflow otherwise."""
    scale = np.abs(weight).max(axis=0) / np.float32(64.0)
    return np.rint(weight / scale).astype(np.int8), scale


def quantise(value):
    """DynamicQuantizeLinear as ONNX defines it, in single precision: where a
    value lies between two integers, the last bit decides."""
    value = value.astype(np.float32)
    low, high = min(value.min(), np.float32(0)), max(value.max(), np.float32(0))
    scale = (high - low) / np.float32(255)
    zero = np.clip(np.rint(-low / scale), 0, 255)
    integers = np.clip(np.rint(value / scale) + zero, 0, 255) - zero
    return integers.astype(np.float64), np.float64(scale)


def apply(value, weight, bias, quantised):
    """What Graph.linear computes."""
    if not quantised:
        return value @ weight.astype(np.float64) + bias
    integers, scale = quantise_weight(weight)
    value, value_scale = quantise(value)
    return (value @ integers.astype(np.float64)) * (value_scale * scale.astype(np.float64)) + bias


def matrix(random, fan_in, fan_out, gain):
    return random.normal(0.0, np.sqrt(gain / fan_in), size=(fan_in, fan_out)).astype(np.float32)


def small(random, *shape):
    return random.normal(0.0, 0.1, size=shape).astype(np.float32)


# The scorer: a multi-layer perceptron.


def scorer_weights():
    """He-initialised layers; small enough biases that no unit is always off."""
    random = np.random.Generator(np.random.PCG64(SCORER_SEED))
    return [(matrix(random, i, o, 2.0), small(random, o)) for i, o in LAYERS]


def scorer(layers, quantised):
    """Features [batch, 32] to scores [batch, 1] between 0 and 1."""
    graph = Graph(quantised)
    current = "features"
    for index, (weight, bias) in enumerate(layers):
        last = index == len(layers) - 1
        if quantised:
            current = graph.linear(f"layer_{index}", current, weight, bias)
        else:
            names = [f"weight_{index}", f"bias_{index}"]
            inputs = [current, graph.constant(names[0], weight), graph.constant(names[1], bias)]
            current = graph.node("Gemm", inputs, f"sum_{index}")
        output = "scores" if last else f"active_{index}"
        current = graph.node("Sigmoid" if last else "Relu", [current], output)
    return graph.model("scorer", 17)


def scorer_reference(layers, rows, quantised):
    current = rows
    for weight, bias in layers[:-1]:
        current = np.maximum(apply(current, weight, bias, quantised), 0.0)
    return sigmoid(apply(current, *layers[-1], quantised))


# The encoder: a transformer over the features as tokens, pooled to a score.


def encoder_weights():
    random = np.random.Generator(np.random.PCG64(ENCODER_SEED))

    def linear(fan_in, fan_out, gain=1.0):
        return matrix(random, fan_in, fan_out, gain), small(random, fan_out)

    def norm():
        return 1.0 + small(random, WIDTH), small(random, WIDTH)

    weights = {
        "tokens": (random.normal(0.0, 1.0, (FEATURES, WIDTH)).astype(np.float32),
                   random.normal(0.0, 0.5, (FEATURES, WIDTH)).astype(np.float32)),
        "blocks": [
            {
                "attention_norm": norm(),
                "query": linear(WIDTH, WIDTH, 2.0),
                "key": linear(WIDTH, WIDTH, 2.0),
                "value": linear(WIDTH, WIDTH),
                "mix": linear(WIDTH, WIDTH),
                "forward_norm": norm(),
                "widen": linear(WIDTH, 4 * WIDTH, 2.0),
                "narrow": linear(4 * WIDTH, WIDTH, 2.0),
            }
            for _ in range(BLOCKS)
        ],
        "norm": norm(),
        "head": linear(WIDTH, 1, 4.0),
    }
    return weights


def encoder(weights, quantised):
    """Features [batch, 32] to scores [batch, 1] between 0 and 1."""
    graph = Graph(quantised)

    def norm(name, value, parameters):
        names = [graph.constant(f"{name}.{k}", p) for k, p in zip(("scale", "shift"), parameters)]
        return graph.node("LayerNormalization", [value, *names], name, axis=-1, epsilon=EPSILON)

    last = graph.constant("last", np.array([-1], dtype=np.int64))
    split = graph.constant("split", np.array([0, 0, HEADS, WIDTH // HEADS], dtype=np.int64))
    joined = graph.constant("joined", np.array([0, 0, WIDTH], dtype=np.int64))
    scale = graph.constant("scale", np.float32(1.0 / math.sqrt(WIDTH // HEADS)))
    halves = graph.constant("half", np.float32(0.5)), graph.constant("one", np.float32(1.0))
    root = graph.constant("root", np.float32(math.sqrt(0.5)))

    columns = graph.node("Unsqueeze", ["features", last], "columns")
    weight, bias = (graph.constant(f"tokens.{k}", w)
                    for k, w in zip(("weight", "bias"), weights["tokens"]))
    scaled = graph.node("Mul", [columns, weight], "tokens.scaled")
    current = graph.node("Add", [scaled, bias], "tokens")

    for index, block in enumerate(weights["blocks"]):
        at = f"block_{index}"

        def heads(name, value, order):
            value = graph.linear(f"{at}.{name}", value, *block[name])
            parts = graph.node("Reshape", [value, split], f"{at}.{name}.parts")
            return graph.node("Transpose", [parts], f"{at}.{name}", perm=order)

        normed = norm(f"{at}.attention_norm", current, block["attention_norm"])
        query = heads("query", normed, [0, 2, 1, 3])
        key = heads("key", normed, [0, 2, 3, 1])
        value = heads("value", normed, [0, 2, 1, 3])
        product = graph.node("MatMul", [query, key], f"{at}.likeness")
        scaled = graph.node("Mul", [product, scale], f"{at}.likeness_scaled")
        shares = graph.node("Softmax", [scaled], f"{at}.shares", axis=-1)
        mixed = graph.node("MatMul", [shares, value], f"{at}.mixed")
        ordered = graph.node("Transpose", [mixed], f"{at}.ordered", perm=[0, 2, 1, 3])
        flat = graph.node("Reshape", [ordered, joined], f"{at}.flat")
        attended = graph.linear(f"{at}.mix", flat, *block["mix"])
        current = graph.node("Add", [current, attended], f"{at}.attended")

        normed = norm(f"{at}.forward_norm", current, block["forward_norm"])
        wide = graph.linear(f"{at}.widen", normed, *block["widen"])
        # GELU, spelt out: the operator came with opset 20.
        graph.node("Mul", [wide, root], f"{at}.gelu.rooted")
        graph.node("Erf", [f"{at}.gelu.rooted"], f"{at}.gelu.erf")
        graph.node("Add", [f"{at}.gelu.erf", halves[1]], f"{at}.gelu.share")
        graph.node("Mul", [wide, f"{at}.gelu.share"], f"{at}.gelu.double")
        active = graph.node("Mul", [f"{at}.gelu.double", halves[0]], f"{at}.gelu")
        narrow = graph.linear(f"{at}.narrow", active, *block["narrow"])
        current = graph.node("Add", [current, narrow], f"{at}.output")

    normed = norm("norm", current, weights["norm"])
    pooled = graph.node("ReduceMean", [normed], "pooled", axes=[1], keepdims=0)
    head = graph.linear("head", pooled, *weights["head"])
    graph.node("Sigmoid", [head], "scores")
    return graph.model("encoder", 17)


def encoder_reference(weights, rows, quantised):
    def norm(value, parameters):
        mean = value.mean(axis=-1, keepdims=True)
        spread = np.sqrt(value.var(axis=-1, keepdims=True) + EPSILON)
        return (value - mean) / spread * parameters[0] + parameters[1]

    current = rows[:, :, None] * weights["tokens"][0] + weights["tokens"][1]
    for block in weights["blocks"]:

        def heads(name, value):
            value = apply(value, *block[name], quantised)
            return value.reshape(len(rows), FEATURES, HEADS, -1).transpose(0, 2, 1, 3)

        normed = norm(current, block["attention_norm"])
        query, key, value = (heads(name, normed) for name in ("query", "key", "value"))
        likeness = query @ key.transpose(0, 1, 3, 2) / math.sqrt(WIDTH // HEADS)
        shares = np.exp(likeness - likeness.max(axis=-1, keepdims=True))
        shares /= shares.sum(axis=-1, keepdims=True)
        flat = (shares @ value).transpose(0, 2, 1, 3).reshape(current.shape)
        current = current + apply(flat, *block["mix"], quantised)

        normed = norm(current, block["forward_norm"])
        wide = apply(normed, *block["widen"], quantised)
        active = wide * (1.0 + np.vectorize(math.erf)(wide * math.sqrt(0.5))) / 2.0
        current = current + apply(active, *block["narrow"], quantised)
    pooled = norm(current, weights["norm"]).mean(axis=1)
    return sigmoid(apply(pooled, *weights["head"], quantised))


# What is refused as MODEL_PATH, and one that is not: for the tests.


def examples():
    """Models of other shapes, each the sum of a row's features."""
    f32, i64 = TensorProto.FLOAT, TensorProto.INT64

    def model(inputs, nodes, outputs):
        infos = [[helper.make_tensor_value_info(*info) for info in side] for side in (inputs, outputs)]
        nodes = [helper.make_node(o, i, [r], **a) for o, i, r, a in nodes]
        graph = helper.make_graph(nodes, "example", *infos)
        model = helper.make_model(
            graph, producer_name="benchgate", ir_version=8, opset_imports=[helper.make_opsetid("", 12)]
        )
        onnx.checker.check_model(model, full_check=True)
        return model.SerializeToString(deterministic=True)

    def total(of, into="sums", axes=(1,)):
        return ("ReduceSum", [of], into, {"axes": list(axes), "keepdims": 1})

    row, sums = ("row", f32, ["batch", 4]), ("sums", f32, ["batch", 1])
    return {
        "sums": model([row], [total("row")], [sums]),
        "two_inputs": model(
            [row, ("more", f32, ["batch", 4])], [("Add", ["row", "more"], "both", {}), total("both")], [sums]
        ),
        "integers": model(
            [("row", i64, ["batch", 4])],
            [("Cast", ["row"], "floats", {"to": f32}), total("floats")],
            [sums],
        ),
        "one_row": model([("row", f32, [1, 4])], [total("row")], [("sums", f32, [1, 1])]),
        "picture": model(
            [("row", f32, ["batch", 3, 8, 8])],
            [total("row", axes=(1, 2, 3))],
            [("sums", f32, ["batch", 1, 1, 1])],
        ),
        # As of a classifier: a label first, then a number for each class.
        "classifier": model(
            [row],
            [("Neg", ["row"], "classes", {}),
             ("ArgMax", ["row"], "label", {"axis": 1, "keepdims": 0})],
            [("label", i64, ["batch"]), ("classes", f32, ["batch", 4])],
        ),
        "label": model(
            [row], [("ArgMax", ["row"], "label", {"axis": 1, "keepdims": 0})], [("label", i64, ["batch"])]
        ),
        # It gives one number for the whole batch.
        "one_score": model([row], [total("row", axes=(0, 1))], [("sums", f32, [1, 1])]),
    }


def sigmoid(value):
    return 1.0 / (1.0 + np.exp(-value))


def features(rows):
    """The rows that the suite's inference::features makes; the same formula."""
    row, column = np.meshgrid(np.arange(rows), np.arange(FEATURES), indexing="ij")
    single = ((row * 31 + column * 17) % 101 - 50).astype(np.float32) / np.float32(50.0)
    return single.astype(np.float64)


def main():
    directory, fixtures = map(pathlib.Path, sys.argv[1:])
    for name, model in examples().items():
        (fixtures / f"{name}.onnx").write_bytes(model)
    models = {
        "scorer": (scorer, scorer_reference, scorer_weights()),
        "encoder": (encoder, encoder_reference, encoder_weights()),
    }
    references = {}
    for name, (make, reference, weights) in models.items():
        for suffix, quantised in (("", False), ("_int8", True)):
            (directory / f"{name}{suffix}.onnx").write_bytes(make(weights, quantised))
            references[f"{name}{suffix}"] = [
                [round(float(score), 6) for score in reference(weights, features(rows), quantised)[:, 0]]
                for rows in BATCHES
            ]
    lines = [f'  "{name}": [\n    ' + ",\n    ".join(map(json.dumps, scores)) + "\n  ]"
             for name, scores in references.items()]
    (directory / "reference.json").write_text("{\n" + ",\n".join(lines) + "\n}\n")
    for name in models:
        exact, rounded = references[name], references[f"{name}_int8"]
        spread = np.std(exact[-1])
        off = max(abs(a - b) for e, r in zip(exact, rounded) for a, b in zip(e, r))
        print(f"{name}: scores spread by {spread:.3f}; int8 is off by {off:.4f} at most")


if __name__ == "__main__":
    main()
