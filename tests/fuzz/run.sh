#!/bin/sh
# Fuzzes the reading of pickles for so many seconds: tests/fuzz/run.sh [SECONDS]
# Seeds are the recorded pickles; what is found stays in $CARGO_TARGET_DIR/fuzz-corpus.
set -eu
cd "$(dirname "$0")"
seconds=${1:-60}
target=${CARGO_TARGET_DIR:-../../target}
mkdir -p "$target/fuzz-corpus" "$target/fuzz-found"
python3 seeds.py ../fixtures/pickles "$target/fuzz-corpus"
# With a target named, build scripts are built without these flags.
host=$(rustc -vV | sed -n 's/^host: //p')
# The stable compiler has the coverage pass that libFuzzer needs; only the flag for it is unstable.
RUSTFLAGS="-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
-Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
-Cllvm-args=-sanitizer-coverage-trace-compares -Ccodegen-units=1" \
    cargo build --release --target "$host" --target-dir "$target/fuzz"
exec "$target/fuzz/$host/release/pickle" "$target/fuzz-corpus" -max_total_time="$seconds" -max_len=4096 -timeout=5 \
    -rss_limit_mb=2048 -artifact_prefix="$target/fuzz-found/" -print_final_stats=1
