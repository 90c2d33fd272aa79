#!/bin/sh
# Copy the broker's jars into a folder: `fetch.sh FOLDER`. Installs Java and Maven by apt where it may, else says what to install.
set -eu
folder=$1
here=$(cd "$(dirname "$0")" && pwd)

missing=
command -v "${JAVA_HOME:+$JAVA_HOME/bin/}java" >/dev/null 2>&1 || missing="default-jre-headless"
command -v mvn >/dev/null 2>&1 || missing="$missing maven"
if [ -n "$missing" ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
  echo "installing $missing ..."
  { apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $missing; } >/dev/null && missing=
fi
if [ -n "$missing" ]; then
  echo "The tests run against a real Kafka broker, which needs Java 17 or newer and Maven. Please install:$missing" >&2
  echo "(on Debian or Ubuntu: sudo apt-get install $missing)" >&2
  exit 1
fi

echo "fetching the broker for tests ..."
rm -rf "$folder.new"
mvn -q -B -f "$here/pom.xml" dependency:copy-dependencies -DincludeScope=runtime -DoutputDirectory="$folder.new" || {
  echo "Maven could not fetch Kafka's jars; the tests need them once, after that nothing is downloaded." >&2
  exit 1
}
rm -rf "$folder"
mv "$folder.new" "$folder"
