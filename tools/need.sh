#!/bin/sh
# Makes sure that programs and headers are there: installs what is missing as root on Debian, else names
# the command that does.
#
#   need.sh gcc make nm:binutils header:sqlite3.h:libsqlite3-dev
#
# A word is a command, command:package or header:file:package.
packages=
for word; do
    case $word in
    header:*)
        rest=${word#header:}
        package=${rest#*:}
        echo "#include <${rest%%:*}>" | ${CC:-cc} -E - >/dev/null 2>&1 && continue ;;
    *:*)
        package=${word#*:}
        command -v "${word%%:*}" >/dev/null 2>&1 && continue ;;
    *)
        package=$word
        [ "$word" = go ] && package=golang-go
        command -v "$word" >/dev/null 2>&1 && continue ;;
    esac
    packages="$packages $package"
done
[ -z "$packages" ] && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    echo "installing:$packages"
    # shellcheck disable=SC2086
    apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -y -q $packages && exit 0
fi
echo "missing; on Debian: sudo apt-get install$packages" >&2
exit 1
