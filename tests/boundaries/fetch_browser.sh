#!/bin/sh
# Have a Chromium for the tests of pages: installed by apt where it may, else said what to install. Without one they are skipped.
set -eu
for name in chromium chromium-browser google-chrome; do
  command -v "$name" >/dev/null 2>&1 && exit 0
done
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
  echo "installing chromium ..."
  { apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends chromium; } >/dev/null 2>&1 && exit 0
fi
echo "No Chromium was found: the tests that open pages in it are skipped. On Debian: sudo apt-get install chromium" >&2
