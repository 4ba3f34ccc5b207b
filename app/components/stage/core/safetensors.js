// Reads safetensors files: eight bytes that say how long the header is, the header (JSON), then the arrays' bytes.
// Numbers are little-endian in the file and on every machine that a browser runs on.

const SIZE_BYTES = 8;

// What each dtype's bytes are read as, and what has to be done with them where the browser has no such array.
const DTYPES = {
  F16: [Uint16Array, fromHalves],
  F32: [Float32Array],
  F64: [Float64Array],
  I8: [Int8Array],
  U8: [Uint8Array],
  I16: [Int16Array],
  I32: [Int32Array],
  I64: [BigInt64Array, narrowed],
  BOOL: [Uint8Array],
};

/** A file that is not a whole safetensors file, or holds what cannot be read here; the message says what is wrong. */
export class FormatError extends Error {
  name = "FormatError";
}

/**
 * Read a safetensors file. Arrays are views of `buffer` where their bytes are aligned, and copies elsewhere.
 *
 * @returns {{arrays: Object<string, {data: TypedArray, shape: number[]}>, metadata: Object<string, string>}} arrays in
 *   row-major order. F16 becomes Float32Array, I64 Int32Array, and BOOL a Uint8Array of 0 and 1.
 * @throws {FormatError}
 */
export function parse(buffer) {
  const start = headerEnd(buffer);
  const { __metadata__: metadata = {}, ...described } = readHeader(buffer.slice(SIZE_BYTES, start));
  const isText = (value) => typeof value === "string";
  check(isObject(metadata) && Object.values(metadata).every(isText), "The file's metadata is not a table of texts.");
  const entries = Object.entries(described);
  for (const [name, entry] of entries) checkEntry(name, entry);
  checkLayout(entries, buffer.byteLength - start);
  const arrays = entries.map(([name, entry]) => [name, readArray(name, entry, buffer, start)]);
  return { arrays: Object.fromEntries(arrays), metadata };
}

function headerEnd(buffer) {
  check(buffer.byteLength >= SIZE_BYTES, `The file ends after ${buffer.byteLength} bytes, before its header.`);
  const size = new DataView(buffer).getBigUint64(0, true);
  const room = buffer.byteLength - SIZE_BYTES;
  check(size <= room, `The file is truncated or garbage: its header would take ${size} bytes and ${room} follow.`);
  return SIZE_BYTES + Number(size);
}

function readHeader(bytes) {
  let header;
  try {
    header = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    throw new FormatError("The file's header is not JSON.");
  }
  check(isObject(header), "The file's header is not a table of arrays.");
  return header;
}

function checkEntry(name, entry) {
  check(isObject(entry), `The header says nothing about the array ${name}.`);
  const { dtype, shape, data_offsets: offsets } = entry;
  check(Object.hasOwn(DTYPES, dtype), `The array ${name} has dtype ${dtype}, which cannot be read here.`);
  check(isCounts(shape), `The shape of the array ${name} is not a list of whole numbers.`);
  check(isCounts(offsets) && offsets.length === 2, `The array ${name} has no first and last byte.`);
  const size = lengthOf(shape) * DTYPES[dtype][0].BYTES_PER_ELEMENT;
  const held = offsets[1] - offsets[0];
  check(held === size, `The array ${name} needs ${size} bytes for its shape ${shape.join(" × ")} and has ${held}.`);
}

// The format leaves no gaps, so one rule finds arrays that overlap, stray bytes, and a file that was cut short.
function checkLayout(entries, size) {
  const spans = entries.map(([name, entry]) => [...entry.data_offsets, name]);
  let end = 0;
  for (const [from, to, name] of spans.sort((a, b) => a[0] - b[0] || a[1] - b[1])) {
    check(from === end, `The array ${name} ${from < end ? "overlaps another" : "leaves a gap before it"}.`);
    end = to;
  }
  check(size >= end, `The file is truncated: its arrays take ${end} bytes, ${size} are there.`);
  check(size === end, `The file goes on for ${size - end} bytes after its last array.`);
}

function readArray(name, { dtype, shape, data_offsets: [from, to] }, buffer, start) {
  const [Stored, convert] = DTYPES[dtype];
  const at = start + from;
  const aligned = at % Stored.BYTES_PER_ELEMENT === 0;
  const values = aligned ? new Stored(buffer, at, lengthOf(shape)) : new Stored(buffer.slice(at, start + to));
  return { data: convert ? convert(values, name) : values, shape };
}

let halves;

function fromHalves(bits) {
  halves ??= Float32Array.from({ length: 1 << 16 }, (_, pattern) => half(pattern));
  const result = new Float32Array(bits.length);
  for (let i = 0; i < bits.length; i++) result[i] = halves[bits[i]];
  return result;
}

// IEEE 754 binary16: one bit of sign, five of exponent, ten of fraction.
function half(pattern) {
  const sign = pattern >> 15 ? -1 : 1;
  const exponent = (pattern >> 10) & 31;
  const fraction = pattern & 1023;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return sign * (exponent ? (1024 + fraction) * 2 ** (exponent - 25) : fraction * 2 ** -24);
}

function narrowed(values, name) {
  const wide = values.find((value) => value !== BigInt.asIntN(32, value));
  check(wide === undefined, `The array ${name} holds ${wide}, which does not fit 32 bits.`);
  const words = new Int32Array(values.buffer, values.byteOffset, 2 * values.length);
  return words.filter((_, i) => i % 2 === 0); // the low ones
}

function lengthOf(shape) {
  return shape.reduce((product, size) => product * size, 1);
}

function isCounts(value) {
  return Array.isArray(value) && value.every((item) => Number.isSafeInteger(item) && item >= 0);
}

function isObject(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function check(condition, message) {
  if (!condition) throw new FormatError(message);
}
