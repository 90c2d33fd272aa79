#!/bin/sh
# Copy the broker's jars into a folder: `fetch.sh FOLDER`. Installs Java and Maven by apt where it may, else says what to install.
set -eu
folder=$1
here=$(cd "$(dirname "$0")" && pwd)
java=${JAVA_HOME:+$JAVA_HOME/bin/}java

look() { # what is missing, each with a blank before it
  missing=
  version=$("$java" -version 2>&1 | sed -n 's/.* version "\([0-9]*\).*/\1/p') || true
  [ "${version:-0}" -ge 17 ] || missing=" default-jre-headless"
  command -v mvn >/dev/null 2>&1 || missing="$missing maven"
}

look
if [ -n "$missing" ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
  echo "installing$missing ..."
  { apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $missing; } >/dev/null || true
  look
fi
if [ -n "$missing" ]; then
  echo "The tests and \`make cluster\` run a real Kafka broker, which needs Java 17 or newer and Maven. Please install:$missing" >&2
  echo "(on Debian or Ubuntu: sudo apt-get install$missing${JAVA_HOME:+; JAVA_HOME is $JAVA_HOME, and has to lead to it})" >&2
  exit 1
fi

echo "fetching the broker ..."
rm -rf "$folder.new"
mvn -q -B -f "$here/pom.xml" dependency:copy-dependencies -DincludeScope=runtime -DoutputDirectory="$folder.new" || {
  echo "Maven could not fetch Kafka's jars; they are needed once, after that nothing is downloaded." >&2
  exit 1
}
rm -rf "$folder"
mv "$folder.new" "$folder"
