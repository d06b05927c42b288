#!/usr/bin/env bash
# Jackson's CBOR in Debian reads integers of 4 and 8 bytes as signed ones: 2^32 - 1 becomes -1, without an error.
#
# Versions: libjackson2-dataformat-cbor 2.7.8-5 with jackson-databind 2.14.0-1+deb12u1 (Debian 12; Debian 13 also has 2.7.8);
# OpenJDK 17.
#
# CBOR's major types 0 and 1 hold 64 bits and the sign (RFC 8949, 3.1). When read as an Object or a Number, a value that does
# not fit the signed type of that size gets another value and sign. With 8 bytes, 2^64 - 1 becomes -1, although a BigInteger
# would hold it. The version is of 2016; Debian ships it with a Jackson of 2022. It also writes a BigDecimal as a big float (tag
# 5, base 2) instead of a decimal fraction (tag 4), and the scale without its sign: other libraries read 1.10 as 110 * 2^2 = 440
# (RFC 8949, 3.4.4).
#
# What to do: use the jackson-dataformat-cbor of Jackson's own version, or send such numbers as texts.
#
# Seen:
#   2^31 - 1: Integer 2147483647
#   2^31: Integer -2147483648
#   2^32 - 1: Integer -1
#   -2^31 - 1: Integer 2147483647
#   2^32: Long 4294967296
#   2^64 - 1: Long -1
#   BigDecimal 1.10: c58202186e
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
need java javac

debian_package bookworm "$work" libjackson2-core-java=2.14.1-2~deb12u1 libjackson2-databind-java=2.14.0-1+deb12u1 \
  libjackson2-annotations-java=2.14.0-1 libjackson2-dataformat-cbor=2.7.8-5
classes=$work:$(printf '%s:' "$work"/usr/share/java/jackson-{core,databind,annotations,dataformat-cbor}.jar)

cat >"$work/Integers.java" <<'END_JAVA'
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.dataformat.cbor.CBORFactory;
import java.math.BigDecimal;
import java.math.BigInteger;

class Integers {
    public static void main(String[] arguments) throws Exception {
        ObjectMapper mapper = new ObjectMapper(new CBORFactory());
        if (arguments[0].equals("write")) {
            System.out.println(new BigInteger(1, mapper.writeValueAsBytes(new BigDecimal("1.10"))).toString(16));
            return;
        }
        byte[] bytes = new BigInteger(arguments[0], 16).toByteArray();
        Object value = mapper.readValue(bytes, Object.class);
        System.out.println(value.getClass().getSimpleName() + " " + value);
    }
}
END_JAVA
javac -cp "$classes" -d "$work" "$work/Integers.java"

jackson() { java -cp "$classes" Integers "$1"; }
expect "2^31 - 1" "Integer 2147483647" "$(jackson 1a7fffffff)"
expect "2^31" "Integer -2147483648" "$(jackson 1a80000000)"
expect "2^32 - 1" "Integer -1" "$(jackson 1affffffff)"
expect "-2^31 - 1" "Integer 2147483647" "$(jackson 3a80000000)"
expect "2^32" "Long 4294967296" "$(jackson 1b0000000100000000)"
expect "2^64 - 1" "Long -1" "$(jackson 1bffffffffffffffff)"
expect "BigDecimal 1.10" "c58202186e" "$(jackson write)"
