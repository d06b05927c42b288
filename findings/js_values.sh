#!/usr/bin/env bash
# Default encodings of JavaScript libraries for Maps, undefined, objects and bytes, as peers in other languages see them.
#
# Versions: @msgpack/msgpack 3.1.3, msgpackr 2.1.4, cbor-x 1.6.9 (npm), Node.js 20.
#
# @msgpack/msgpack writes a Map as an empty map (80): its entries are lost without an error. It and msgpackr write a Uint16Array
# as plain bytes in the machine's byte order; cbor-x marks the type with a tag. msgpackr writes undefined, also in a field, as
# the extension type 0 (d4 00 00). An encoder object of msgpackr (`new Packr()`) or cbor-x (`new Encoder()`) writes plain
# objects as records: an extension type (d4 72), or arrays in the tags 57343 and 57344. No other library reads them as maps. The
# functions `pack` and `encode` write maps. cbor-x wraps a Uint8Array in tag 64, and `encode` wraps a Map in tag 259.
#
# What to do: send objects instead of Maps (`Object.fromEntries(map)`) and null instead of undefined; pass `useRecords: false`
# to Packr and Encoder, and `tagUint8Array: false` to Encoder if the reader refuses tags.
#
# Seen:
#   @msgpack/msgpack: {a: 1}: 81a16101; {a: undefined}: 81a161c0; Map {a: 1}: 80; Uint8Array [1]: c40101; Uint16Array [1]:
#     c4020100
#   msgpackr, pack: {a: 1}: de0001a16101; {a: undefined}: de0001a161d40000; Map {a: 1}: 81a16101; Uint8Array [1]: c40101;
#     Uint16Array [1]: c4020100
#   msgpackr, Packr: {a: 1}: d4724091a16101; {a: undefined}: d4724091a161d40000; Map {a: 1}: 81a16101; Uint8Array [1]:
#     c40101; Uint16Array [1]: c4020100
#   cbor-x, encode: {a: 1}: b90001616101; {a: undefined}: b900016161f7; Map {a: 1}: d90103a1616101; Uint8Array [1]:
#     d8404101; Uint16Array [1]: d845420100
#   cbor-x, Encoder: {a: 1}: d9dfff8319e00081616101; {a: undefined}: d9dfff8319e000816161f7; Map {a: 1}: a1616101;
#     Uint8Array [1]: d8404101; Uint16Array [1]: d845420100
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

npm_package @msgpack/msgpack@3.1.3 msgpackr@2.1.4 cbor-x@1.6.9

cat >"$work/values.js" <<'END'
const encoders = {
  '@msgpack/msgpack': require('@msgpack/msgpack').encode,
  'msgpackr.pack': require('msgpackr').pack,
  'new msgpackr.Packr().pack': value => new (require('msgpackr').Packr)().pack(value),
  'cbor-x.encode': require('cbor-x').encode,
  'new cbor-x.Encoder().encode': value => new (require('cbor-x').Encoder)().encode(value),
};
const hex = value => Buffer.from(encoders[process.argv[2]](value)).toString('hex');
console.log(`{a: 1}: ${hex({a: 1})}; {a: undefined}: ${hex({a: undefined})}; Map {a: 1}: ${hex(new Map([['a', 1]]))}; ` +
            `Uint8Array [1]: ${hex(new Uint8Array([1]))}; Uint16Array [1]: ${hex(new Uint16Array([1]))}`);
END

written_by() { node "$work/values.js" "$1"; }
expect "@msgpack/msgpack" "{a: 1}: 81a16101; {a: undefined}: 81a161c0; Map {a: 1}: 80; Uint8Array [1]: c40101; Uint16Array [1]: c4020100" \
  "$(written_by @msgpack/msgpack)"
expect "msgpackr, pack" "{a: 1}: de0001a16101; {a: undefined}: de0001a161d40000; Map {a: 1}: 81a16101; Uint8Array [1]: c40101; \
Uint16Array [1]: c4020100" "$(written_by msgpackr.pack)"
expect "msgpackr, Packr" "{a: 1}: d4724091a16101; {a: undefined}: d4724091a161d40000; Map {a: 1}: 81a16101; Uint8Array [1]: c40101; \
Uint16Array [1]: c4020100" "$(written_by 'new msgpackr.Packr().pack')"
expect "cbor-x, encode" "{a: 1}: b90001616101; {a: undefined}: b900016161f7; Map {a: 1}: d90103a1616101; Uint8Array [1]: d8404101; \
Uint16Array [1]: d845420100" "$(written_by cbor-x.encode)"
expect "cbor-x, Encoder" "{a: 1}: d9dfff8319e00081616101; {a: undefined}: d9dfff8319e000816161f7; Map {a: 1}: a1616101; \
Uint8Array [1]: d8404101; Uint16Array [1]: d845420100" "$(written_by 'new cbor-x.Encoder().encode')"
