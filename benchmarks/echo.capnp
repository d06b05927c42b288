# The service of bench_capnp.
@0xb7c0a4d3e2915f68;

interface Echo {
  echo @0 (data :Data) -> (data :Data);
}
