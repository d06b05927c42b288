#!/usr/bin/env bash
# @msgpack/msgpack drops the upper bits of a BigInt of more than 64 bits, without an error.
#
# Versions: @msgpack/msgpack 3.1.3, msgpackr 2.1.4, cbor-x 1.6.9, cbor 10.0.12 (npm), Node.js 20.
#
# MessagePack has no integers beyond 64 bits. @msgpack/msgpack accepts BigInts only with `useBigInt64: true`. It then writes the
# lowest 64 bits of a larger one: 2^70 + 5 arrives as 5, and -2^63 - 1 as 2^63 - 1. msgpackr throws a RangeError. The two CBOR
# libraries write the first as a big integer (tag 2), the second as a big integer (tag 3) or as a plain integer of 65 bits.
#
# What to do: check a BigInt before encoding it (`BigInt.asIntN(64, value) === value`, or `asUintN`), or send it as a text.
#
# Seen:
#   @msgpack/msgpack: 2^70 + 5: cf0000000000000005; -2^63 - 1: d37fffffffffffffff
#   msgpackr: 2^70 + 5: RangeError; -2^63 - 1: RangeError
#   cbor-x: 2^70 + 5: c249400000000000000005; -2^63 - 1: 3b8000000000000000
#   cbor: 2^70 + 5: c249400000000000000005; -2^63 - 1: c3488000000000000000
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

npm_package @msgpack/msgpack@3.1.3 msgpackr@2.1.4 cbor-x@1.6.9 cbor@10.0.12

cat >"$work/bigints.js" <<'END'
const encode = {
  '@msgpack/msgpack': v => require('@msgpack/msgpack').encode(v, {useBigInt64: true}),
  'msgpackr': v => require('msgpackr').pack(v),
  'cbor-x': v => require('cbor-x').encode(v),
  'cbor': v => require('cbor').encode(v),
}[process.argv[2]];
const written = value => {
  try {
    return Buffer.from(encode(value)).toString('hex');
  } catch (error) {
    return error.name;
  }
};
console.log(`2^70 + 5: ${written(2n ** 70n + 5n)}; -2^63 - 1: ${written(-(2n ** 63n) - 1n)}`);
END

expect "@msgpack/msgpack" "2^70 + 5: cf0000000000000005; -2^63 - 1: d37fffffffffffffff" "$(node "$work/bigints.js" @msgpack/msgpack)"
expect "msgpackr" "2^70 + 5: RangeError; -2^63 - 1: RangeError" "$(node "$work/bigints.js" msgpackr)"
expect "cbor-x" "2^70 + 5: c249400000000000000005; -2^63 - 1: 3b8000000000000000" "$(node "$work/bigints.js" cbor-x)"
expect "cbor" "2^70 + 5: c249400000000000000005; -2^63 - 1: c3488000000000000000" "$(node "$work/bigints.js" cbor)"
