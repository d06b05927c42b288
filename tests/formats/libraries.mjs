// npm's libraries, for run.py. Reads lines of JSON, {"library": NAME, "settings": TEXT} with "encode": NOTATION or "decode": HEX,
// and writes for each {"hex": HEX}, {"value": NOTATION}, or {"error": TEXT}. notation.py says what the notation is.
import * as msgpack from '@msgpack/msgpack';
import cbor from 'cbor';
import * as cborg from 'cborg';
import * as cborx from 'cbor-x';
import lite from 'msgpack-lite';
import * as msgpackr from 'msgpackr';
import {createInterface} from 'node:readline';

// An encoder and a decoder with these settings. Without any they are functions, which in msgpackr and cbor-x differ from objects.
const libraries = {
  'JSON.stringify': () => ({encode: value => Buffer.from(JSON.stringify(value)), decode: bytes => JSON.parse(bytes)}),
  'msgpackr': settings => settings ? new msgpackr.Packr(settings) : msgpackr,
  '@msgpack/msgpack': settings => ({
    encode: value => msgpack.encode(value, settings),
    decode: bytes => msgpack.decode(bytes, settings),
  }),
  'msgpack-lite': () => lite,
  'cbor-x': settings => settings ? new cborx.Encoder(settings) : cborx,
  'cbor': settings => ({
    encode: value => cbor.encodeOne(value, settings),
    decode: bytes => cbor.decodeFirstSync(bytes, settings),
  }),
  'cborg': settings => ({encode: value => cborg.encode(value, settings), decode: bytes => cborg.decode(bytes, settings)}),
};

const evaluate = globalThis.eval;

// A number as a program would have it: from 2^53 on a BigInt. An object, unless its keys are no texts.
function build(notation) {
  if (notation === null || typeof notation !== 'object') return notation;
  if (Array.isArray(notation)) return notation.map(build);
  if ('i' in notation) return Number.isSafeInteger(Number(notation.i)) ? Number(notation.i) : BigInt(notation.i);
  if ('f' in notation) return {nan: NaN, inf: Infinity}[notation.f] ?? Number(notation.f);
  if ('bytes' in notation) return Buffer.from(notation.bytes, 'hex');
  if ('native' in notation) return evaluate(notation.native);
  return Object.fromEntries(notation.map.map(pair => pair.map(build)));
}

function describeNumber(value) {
  if (Number.isInteger(value)) return {number: Object.is(value, -0) ? '-0' : String(BigInt(value))};
  return {number: String(value)};
}

const pairs = entries => ({map: [...entries].map(pair => pair.map(describe))});

function describe(value) {
  switch (typeof value) {
    case 'number': return describeNumber(value);
    case 'bigint': return {bigint: String(value)};
    case 'boolean': case 'string': return value;
    case 'undefined': return {other: 'undefined'};
  }
  if (value === null) return null;
  if (Array.isArray(value)) return value.map(describe);
  if (value instanceof Uint8Array || value instanceof ArrayBuffer) return {bytes: Buffer.from(value).toString('hex')};
  if (value instanceof Map) return pairs(value.entries());
  if ([Object.prototype, null].includes(Object.getPrototypeOf(value))) return pairs(Object.entries(value));
  return {other: value.constructor.name};
}

function answer({library, settings, encode, decode}) {
  try {
    const codec = libraries[library](settings ? evaluate(`({${settings}})`) : undefined);
    if (decode === undefined) return {hex: Buffer.from(codec.encode(build(encode))).toString('hex')};
    return {value: describe(codec.decode(Buffer.from(decode, 'hex')))};
  } catch (error) {
    return {error: String(error)};
  }
}

createInterface({input: process.stdin}).on('line', line => console.log(JSON.stringify(answer(JSON.parse(line)))));
