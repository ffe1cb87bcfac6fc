"""Writes test/fixtures/onnx/*.onnx with the onnx package: what other writers put into files and ours does not."""

import pathlib

import numpy as np
import onnx
from onnx import TensorProto, helper

OUT = pathlib.Path(__file__).parent.parent / "fixtures" / "onnx"
OUT.mkdir(parents=True, exist_ok=True)


def typed_fields():
    """Every element type in its typed list, an initializer that is also an input, value_info, doc strings."""
    cases = {
        "float32": (TensorProto.FLOAT, [1.5, -2.25, 3e-8]),
        "float64": (TensorProto.DOUBLE, [1.5, -2.25, 1e300]),
        "int64": (TensorProto.INT64, [1, -1, 2**62]),
        "int32": (TensorProto.INT32, [1, -1, 2**31 - 1]),
        "int8": (TensorProto.INT8, [1, -1, -128]),
        "uint8": (TensorProto.UINT8, [1, 0, 255]),
        "bool": (TensorProto.BOOL, [True, False, True]),
        "float16": (TensorProto.FLOAT16, np.array([1.0, -2.0, 65504.0], np.float16)),
    }
    initializers = [helper.make_tensor(name, kind, [3], values) for name, (kind, values) in cases.items()]
    nodes = [helper.make_node("Identity", [name], [f"{name}_out"], doc_string="copies") for name in cases]
    nodes.append(
        helper.make_node("Constant", [], ["constant"], value=helper.make_tensor("", TensorProto.FLOAT, [2], [4.0, 5.0]))
    )
    outputs = [helper.make_tensor_value_info(f"{name}_out", kind, [3]) for name, (kind, _) in cases.items()]
    outputs.append(helper.make_tensor_value_info("constant", TensorProto.FLOAT, [2]))
    graph = helper.make_graph(
        nodes,
        "typed",
        [
            helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", None, 3]),
            helper.make_tensor_value_info("float32", TensorProto.FLOAT, [3]),
        ],
        outputs,
        initializers,
        doc_string="a doc string",
        value_info=[helper.make_tensor_value_info("inner", TensorProto.FLOAT, [1])],
    )
    model = helper.make_model(graph, producer_name="onnx", opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    helper.set_model_props(model, {"author": "a tëst"})
    onnx.checker.check_model(model, full_check=True)
    (OUT / "typed-fields.onnx").write_bytes(model.SerializeToString())


def refused():
    """Valid ONNX that the data model has no place for."""
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, [1])
    condition = helper.make_tensor("condition", TensorProto.BOOL, [], [True])
    branch = helper.make_graph([helper.make_node("Identity", ["x"], ["z"])], "branch", [], [
        helper.make_tensor_value_info("z", TensorProto.FLOAT, [1])
    ])
    choice = helper.make_node("If", ["condition"], ["y"], then_branch=branch, else_branch=branch)
    graph = helper.make_graph([choice], "choice", [x], [y], [condition])
    (OUT / "subgraph.onnx").write_bytes(helper.make_model(graph, ir_version=8).SerializeToString())

    external = helper.make_tensor("w", TensorProto.FLOAT, [1], [1.0])
    external.ClearField("float_data")
    external.data_location = TensorProto.EXTERNAL
    external.external_data.add(key="location", value="../../etc/passwd")
    graph = helper.make_graph([helper.make_node("Add", ["x", "w"], ["y"])], "external", [x], [y], [external])
    (OUT / "external-data.onnx").write_bytes(helper.make_model(graph, ir_version=8).SerializeToString())


typed_fields()
refused()
