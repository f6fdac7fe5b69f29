/**
 * Shaders. All positions are relative to the eye: world = high + low in two float32, and the eye is subtracted from
 * each part before they are added, so that coordinates of millions of metres do not jitter.
 */

/** Three texels of a frame: (t_high, time), (t_low, trust), (rotation * sqrt(scale)). */
export const TEXELS = 3;
export const TEXTURE_WIDTH = 768; // 256 frames in a row

/** Larger points are round; of smaller ones nobody sees the corners. */
export const ROUND_PIXELS = 5;

export const RELATIVE = /* glsl */ `
uniform vec3 u_eye_high;
uniform vec3 u_eye_low;
uniform vec2 u_time;
bool isInTime(float time) { return time >= u_time.x && time <= u_time.y; }
const vec4 NOWHERE = vec4(2.0, 2.0, 2.0, 1.0);
vec3 relative(vec3 high, vec3 low) { return (high - u_eye_high) + (low - u_eye_low); }
vec3 turned(vec4 q, vec3 v) { return v + 2.0 * cross(q.xyz, cross(q.xyz, v) + q.w * v); }
`;

export const POINTS_VERTEX = /* glsl */ `
precision highp float;
precision highp sampler2D;
in vec4 a_place;
in vec4 a_colour;
uniform mat4 u_clip_from_relative;
uniform sampler2D u_frames;
uniform sampler2D u_ramp;
uniform vec3 u_corner;
uniform float u_step;
uniform int u_base;
uniform int u_mode;
uniform vec2 u_range;
uniform vec3 u_up;
uniform vec3 u_node_colour;
uniform float u_size;
uniform vec2 u_size_bounds;
uniform mat3 u_upright;
uniform vec3 u_clip_min;
uniform vec3 u_clip_max;
uniform bool u_clips;
out vec3 v_colour;
out float v_pixels;
${RELATIVE}

vec3 ramp(float value) {
  float share = clamp((value - u_range.x) / (u_range.y - u_range.x), 0.0, 1.0);
  return texture(u_ramp, vec2((share * 255.0 + 0.5) / 256.0, 0.5)).rgb;
}

vec3 colour(vec3 place, float time, float trust) {
  if (u_mode == 0) return a_colour.rgb;
  if (u_mode == 1) return ramp(dot(place, u_up));
  if (u_mode == 2) return ramp(a_colour.a);
  if (u_mode == 3) return ramp(time);
  if (u_mode == 4) return u_node_colour;
  return trust < 0.0 ? vec3(0.5) : ramp(trust);
}

void main() {
  int texel = ${TEXELS} * (u_base + int(a_place.w));
  ivec2 at = ivec2(texel % ${TEXTURE_WIDTH}, texel / ${TEXTURE_WIDTH});
  vec4 high = texelFetch(u_frames, at, 0);
  vec4 low = texelFetch(u_frames, at + ivec2(1, 0), 0);
  vec4 q = texelFetch(u_frames, at + ivec2(2, 0), 0);
  vec3 p = u_corner + a_place.xyz * u_step;
  vec3 t = cross(q.xyz, p);
  vec3 spun = (q.w * q.w - dot(q.xyz, q.xyz)) * p + 2.0 * (dot(q.xyz, p) * q.xyz + q.w * t);
  vec3 place = spun + relative(high.xyz, low.xyz);
  gl_Position = u_clip_from_relative * vec4(place, 1.0);
  float scale = dot(q, q);
  gl_PointSize = clamp(u_size * scale / gl_Position.w, u_size_bounds.x, u_size_bounds.y);
  v_pixels = gl_PointSize;
  v_colour = colour(place, high.w, low.w);
  if (low.w < -1.5 || !isInTime(high.w)) gl_Position = NOWHERE;
  if (u_clips) {
    vec3 upright = u_upright * place;
    if (any(lessThan(upright, u_clip_min)) || any(greaterThan(upright, u_clip_max))) gl_Position = NOWHERE;
  }
}
`;

export const POINTS_FRAGMENT = /* glsl */ `
precision mediump float;
in vec3 v_colour;
in float v_pixels;
out vec4 o_colour;
void main() {
  vec2 aside = gl_PointCoord - 0.5;
  if (v_pixels > float(${ROUND_PIXELS}) && dot(aside, aside) > 0.25) discard;
  o_colour = vec4(v_colour, 1.0);
}
`;

/** A stroke is two triangles along a line, as many pixels wide as u_width; cut where the line passes the eye. */
export const STROKE_VERTEX = /* glsl */ `
precision highp float;
in vec2 a_corner;
in vec3 a_from_high;
in vec3 a_from_low;
in vec3 a_to_high;
in vec3 a_to_low;
in vec4 a_colour;
in float a_time;
uniform mat4 u_clip_from_relative;
uniform vec2 u_viewport;
uniform float u_width;
uniform float u_near;
out vec4 v_colour;
${RELATIVE}
void main() {
  vec4 from = u_clip_from_relative * vec4(relative(a_from_high, a_from_low), 1.0);
  vec4 to = u_clip_from_relative * vec4(relative(a_to_high, a_to_low), 1.0);
  v_colour = a_colour;
  if (!isInTime(a_time) || (from.w < u_near && to.w < u_near)) { gl_Position = NOWHERE; return; }
  if (from.w < u_near) from = mix(to, from, (to.w - u_near) / (to.w - from.w));
  if (to.w < u_near) to = mix(from, to, (from.w - u_near) / (from.w - to.w));
  vec2 along = (to.xy / to.w - from.xy / from.w) * u_viewport;
  along = length(along) > 1e-6 ? normalize(along) : vec2(1.0, 0.0);
  vec4 place = a_corner.x < 0.5 ? from : to;
  place.xy += vec2(-along.y, along.x) * a_corner.y * u_width / u_viewport * place.w;
  gl_Position = place;
}
`;

export const FRUSTUM_VERTEX = /* glsl */ `
precision highp float;
in vec3 a_corner;
in vec3 a_centre_high;
in vec3 a_centre_low;
in vec4 a_rotation;
in vec3 a_reach;
in vec4 a_colour;
in float a_time;
uniform mat4 u_clip_from_relative;
uniform float u_depth;
out vec4 v_colour;
${RELATIVE}
void main() {
  vec3 corner = vec3(a_corner.xy * a_reach.xy, a_corner.z) * u_depth * a_reach.z;
  gl_Position = u_clip_from_relative * vec4(relative(a_centre_high, a_centre_low) + turned(a_rotation, corner), 1.0);
  if (!isInTime(a_time)) gl_Position = NOWHERE;
  v_colour = a_colour;
}
`;

export const PLAIN_FRAGMENT = /* glsl */ `
precision mediump float;
in vec4 v_colour;
out vec4 o_colour;
void main() { o_colour = v_colour; }
`;
