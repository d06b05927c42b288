#!/usr/bin/env bash
# JavaScript libraries encode an integer of more than 32 bits as a float or a BigInt, or round it, depending on the library.
#
# Versions: @msgpack/msgpack 3.1.3, msgpackr 2.1.4, cbor-x 1.6.9, cbor 10.0.12 (npm), Node.js 20.
#
# By default msgpackr and cbor-x write integers from 2^32 on as floats, which a typed peer does not accept for an integer. They
# read every integer of 8 bytes as a BigInt, even if a number could hold it: `value + 1` throws a TypeError. @msgpack/msgpack
# and cbor write integers up to 2^53 - 1 as integers, and from 2^53 on as floats; cbor uses 4 bytes if that is exact.
# @msgpack/msgpack reads integers beyond 2^53 as the nearest number, without an error; the others read a BigInt.
#
# What to do: msgpackr and cbor-x write a BigInt as an integer, and read numbers with `int64AsNumber: true`. @msgpack/msgpack
# reads BigInts with `useBigInt64: true`. Send identifiers as texts.
#
# Seen:
#   @msgpack/msgpack: 2^32 is written as cf0000000100000000; 2^53 as cb4340000000000000; the integer 2^32 is read as
#     number 4294967296; 2^53 + 1 as number 9007199254740992
#   msgpackr: 2^32 is written as cb41f0000000000000; 2^53 as cb4340000000000000; the integer 2^32 is read as bigint
#     4294967296; 2^53 + 1 as bigint 9007199254740993
#   cbor-x: 2^32 is written as fb41f0000000000000; 2^53 as fb4340000000000000; the integer 2^32 is read as bigint
#     4294967296; 2^53 + 1 as bigint 9007199254740993
#   cbor: 2^32 is written as 1b0000000100000000; 2^53 as fa5a000000; the integer 2^32 is read as number 4294967296; 2^53 +
#     1 as bigint 9007199254740993
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

npm_package @msgpack/msgpack@3.1.3 msgpackr@2.1.4 cbor-x@1.6.9 cbor@10.0.12

cat >"$work/integers.js" <<'END'
const libraries = {
  '@msgpack/msgpack': [v => require('@msgpack/msgpack').encode(v), b => require('@msgpack/msgpack').decode(b)],
  'msgpackr': [v => require('msgpackr').pack(v), b => require('msgpackr').unpack(b)],
  'cbor-x': [v => require('cbor-x').encode(v), b => require('cbor-x').decode(b)],
  'cbor': [v => require('cbor').encode(v), b => require('cbor').decode(b)],
};
const [encode, decode] = libraries[process.argv[2]];
const written = number => Buffer.from(encode(number)).toString('hex');
const read = hex => {
  const value = decode(Buffer.from(hex, 'hex'));
  return `${typeof value} ${value}`;
};
const head = process.argv[2].startsWith('cbor') ? '1b' : 'cf';  // an unsigned integer in 8 bytes follows
console.log([
  `2^32 is written as ${written(2 ** 32)}`,
  `2^53 as ${written(2 ** 53)}`,
  `the integer 2^32 is read as ${read(head + '0000000100000000')}`,
  `2^53 + 1 as ${read(head + '0020000000000001')}`,
].join('; '));
END

# In both formats cb and fb begin a float of 8 bytes, fa one of 4 in CBOR, cf and 1b an unsigned integer of 8.
expect "@msgpack/msgpack" "2^32 is written as cf0000000100000000; 2^53 as cb4340000000000000; the integer 2^32 is read as \
number 4294967296; 2^53 + 1 as number 9007199254740992" "$(node "$work/integers.js" @msgpack/msgpack)"
expect "msgpackr" "2^32 is written as cb41f0000000000000; 2^53 as cb4340000000000000; the integer 2^32 is read as \
bigint 4294967296; 2^53 + 1 as bigint 9007199254740993" "$(node "$work/integers.js" msgpackr)"
expect "cbor-x" "2^32 is written as fb41f0000000000000; 2^53 as fb4340000000000000; the integer 2^32 is read as \
bigint 4294967296; 2^53 + 1 as bigint 9007199254740993" "$(node "$work/integers.js" cbor-x)"
expect "cbor" "2^32 is written as 1b0000000100000000; 2^53 as fa5a000000; the integer 2^32 is read as \
number 4294967296; 2^53 + 1 as bigint 9007199254740993" "$(node "$work/integers.js" cbor)"
