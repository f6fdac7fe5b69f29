"""The network as an ONNX file, for programs that know neither Python nor torch (https://onnx.ai)."""

from .writing import OnnxFile, export_onnx

__all__ = ["OnnxFile", "export_onnx"]
