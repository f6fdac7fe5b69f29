/** What the script of splats takes from this one: three.js is there once, with all that knows one another's objects. */
export { provideSplats } from "./scene/splats.js";
export {
  Box3, BufferAttribute, BufferGeometry, Color, DataTexture, DataUtils, DoubleSide, DynamicDrawUsage, EventDispatcher,
  FloatType, HalfFloatType, InstancedBufferAttribute, InstancedBufferGeometry, MathUtils, Matrix3, Matrix4, Mesh,
  MeshBasicMaterial, MOUSE, NormalBlending, Object3D, Plane, Quaternion, Ray, RedIntegerFormat, RGBAFormat,
  RGBAIntegerFormat, RGFormat, ShaderMaterial, Spherical, TOUCH, UnsignedByteType, UnsignedIntType, Vector2, Vector3, Vector4,
} from "three";
