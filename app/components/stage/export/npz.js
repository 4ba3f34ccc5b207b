// Arrays as NumPy's .npz: a zip of .npy files, stored as they are. Formats: numpy.lib.format 1.0 and PKWARE's APPNOTE.

const DESCRIPTIONS = [
  [Float32Array, "<f4"],
  [Float64Array, "<f8"],
  [Int8Array, "|i1"],
  [Uint8Array, "|u1"],
  [Int16Array, "<i2"],
  [Int32Array, "<i4"],
]; // all of this machine's order of bytes, which wherever browsers run is little-endian
const ALIGNED = 64; // bytes; where the numbers of a .npy file may begin
const [LOCAL, CENTRAL, END] = [0x04034b50, 0x02014b50, 0x06054b50];
const VERSION = 20;
const FIRST_DAY = 0x21; // 1 January 1980: the same arrays are the same file
const TABLE = Uint32Array.from({ length: 256 }, (_, n) => {
  for (let bit = 0; bit < 8; bit++) n = n & 1 ? 0xedb88320 ^ (n >>> 1) : n >>> 1;
  return n >>> 0;
});

/** @param {Object<string, {data: TypedArray, shape: number[]}>} arrays row-major @returns {Blob} */
export function npz(arrays) {
  const [parts, entries] = [[], []];
  let at = 0;
  for (const [name, array] of Object.entries(arrays)) {
    const file = npy(array);
    const title = new TextEncoder().encode(`${name}.npy`);
    // In both of a file's entries: version, flags (2048: names are UTF-8), method, time, date, sum, sizes, names.
    const sizes = [[crc32(file), 4], [file.length, 4], [file.length, 4], [title.length, 2], [0, 2]];
    const shared = [[VERSION, 2], [2048, 2], [0, 2], [0, 2], [FIRST_DAY, 2], ...sizes];
    entries.push(record([[CENTRAL, 4], [VERSION, 2], ...shared, [0, 2], [0, 2], [0, 2], [0, 4], [at, 4]]), title);
    const head = record([[LOCAL, 4], ...shared]);
    parts.push(head, title, file);
    at += head.length + title.length + file.length;
  }
  const count = Object.keys(arrays).length;
  const length = entries.reduce((sum, bytes) => sum + bytes.length, 0);
  const end = record([[END, 4], [0, 2], [0, 2], [count, 2], [count, 2], [length, 4], [at, 4], [0, 2]]);
  return new Blob([...parts, ...entries, end], { type: "application/zip" });
}

/** One array as a .npy file. @returns {Uint8Array} */
export function npy({ data, shape }) {
  const [, description] = DESCRIPTIONS.find(([Kind]) => data instanceof Kind);
  const sizes = shape.length === 1 ? `${shape[0]},` : shape.join(", ");
  const said = `{'descr': '${description}', 'fortran_order': False, 'shape': (${sizes}), }`;
  const before = 10; // bytes: the magic, the version, and how long the header is
  const length = Math.ceil((before + said.length + 1) / ALIGNED) * ALIGNED - before;
  const file = new Uint8Array(before + length + data.byteLength);
  file.set([0x93, ...new TextEncoder().encode("NUMPY"), 1, 0, length & 255, length >> 8]);
  file.set(new TextEncoder().encode(`${said.padEnd(length - 1)}\n`), before);
  file.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), before + length);
  return file;
}

function crc32(bytes) {
  let sum = 0xffffffff;
  for (const byte of bytes) sum = TABLE[(sum ^ byte) & 255] ^ (sum >>> 8);
  return (sum ^ 0xffffffff) >>> 0;
}

/** Numbers of so many bytes each, the least significant first. */
function record(fields) {
  const bytesOf = ([value, size]) => Array.from({ length: size }, (_, i) => (value >>> (8 * i)) & 255);
  return Uint8Array.from(fields.flatMap(bytesOf));
}
