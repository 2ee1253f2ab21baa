"""Writes the models that the suite measures, with fixed weights.

`scripts/models` runs this with the packages pinned there. The same versions
give the same bytes, which `scripts/models --check` holds against the
committed files.

The reference scores that are printed come from numpy alone, not from an ONNX
runtime: tests/suite.rs and benches/scorer/ hold both backends against them.
"""

import pathlib
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

FEATURES = 32
LAYERS = [(FEATURES, 64), (64, 64), (64, 1)]
SEED = 20_260_101


def weights():
    """He-initialised layers; small enough biases that no unit is always off."""
    random = np.random.Generator(np.random.PCG64(SEED))
    for fan_in, fan_out in LAYERS:
        spread = np.sqrt(2.0 / fan_in)
        weight = random.normal(0.0, spread, size=(fan_in, fan_out)).astype(np.float32)
        bias = random.normal(0.0, 0.1, size=fan_out).astype(np.float32)
        yield weight, bias


def scorer(layers):
    """Features [batch, 32] to scores [batch, 1] between 0 and 1."""
    nodes, initializers, current = [], [], "features"
    for index, (weight, bias) in enumerate(layers):
        last = index == len(layers) - 1
        names = [f"weight_{index}", f"bias_{index}"]
        initializers += [numpy_helper.from_array(a, n) for a, n in zip((weight, bias), names)]
        nodes.append(helper.make_node("Gemm", [current, *names], [f"sum_{index}"]))
        current = "scores" if last else f"active_{index}"
        nodes.append(helper.make_node("Sigmoid" if last else "Relu", [f"sum_{index}"], [current]))
    graph = helper.make_graph(
        nodes,
        "scorer",
        [helper.make_tensor_value_info("features", TensorProto.FLOAT, ["batch", FEATURES])],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["batch", 1])],
        initializers,
    )
    model = helper.make_model(
        graph,
        producer_name="benchgate",
        ir_version=8,
        opset_imports=[helper.make_opsetid("", 17)],
    )
    onnx.checker.check_model(model, full_check=True)
    return model


def features(rows):
    """The rows that src/suite/inference.rs makes; the same formula."""
    row, column = np.meshgrid(np.arange(rows), np.arange(FEATURES), indexing="ij")
    return ((row * 31 + column * 17) % 101 - 50).astype(np.float32) / np.float32(50.0)


def reference(layers, rows):
    """Scores in double precision."""
    current = features(rows).astype(np.float64)
    for weight, bias in layers[:-1]:
        current = np.maximum(current @ weight.astype(np.float64) + bias, 0.0)
    weight, bias = layers[-1]
    return 1.0 / (1.0 + np.exp(-(current @ weight.astype(np.float64) + bias)))


def main():
    directory = pathlib.Path(sys.argv[1])
    layers = list(weights())
    (directory / "scorer.onnx").write_bytes(scorer(layers).SerializeToString(deterministic=True))
    scores = reference(layers, 32)[:, 0]
    for row, score in enumerate(scores[:4]):
        print(f"scorer.onnx, row {row}: {score:.6f}")
    # The checksum of src/suite/inference.rs.
    print(f"scorer.onnx, 32 rows in thousandths: {np.round(scores * 1000).sum():.0f}")


if __name__ == "__main__":
    main()
