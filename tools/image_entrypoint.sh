#!/bin/sh
# The image's entrypoint: starts what `docker run IMAGE ...` asks for, and gives a server the module.
#   IMAGE                                the server, reachable from outside the container
#   IMAGE --appendonly yes               the same with more settings; they win over those given here
#   IMAGE redis-server --port 7000       the same
#   IMAGE redis-server /data/redis.conf  the server with a configuration file of yours: the file decides
#                                        everything but the module, protected-mode too; settings may follow it
#   IMAGE redisstate --help              any other program
# It goes by both names, redis-server and valkey-server, whichever of the two the image holds.
set -eu
module=/usr/local/lib/redisstate/redisstate.so
server=/usr/bin/redis-server
[ -x "$server" ] || server=/usr/bin/valkey-server

case ${1:-} in
    redis-server | valkey-server) shift ;;
    '' | -* | *.conf) ;;
    *) exec "$@" ;;
esac
umask 077

# A server that only answers and ends, and a sentinel, which has no data.
case ${1:-} in -v | --version | -h | --help | --test-memory | --check-system) exec "$server" "$@" ;; esac
for argument; do
    [ "$argument" != --sentinel ] || exec "$server" "$@"
done

file=
case ${1:-} in
    '' | -*) ;;
    *) file=$1 && shift ;;
esac

# A module that is named twice ends the server, and CONFIG REWRITE writes its name into the file.
named=
for argument; do
    case $argument in *redisstate.so | *'redisstate.so '*) named=yes ;; esac
done
loads='^[[:space:]]*loadmodule[[:space:]].*redisstate\.so(["[:space:]]|$)'
if [ -n "$file" ] && grep -Eqis "$loads" "$file"; then named=yes; fi

[ -n "$named" ] || set -- --loadmodule "$module" "$@"
if [ -n "$file" ]; then
    exec "$server" "$file" "$@"
fi
exec "$server" --protected-mode no "$@"
