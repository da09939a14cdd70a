#!/bin/sh
# The image's health check: the server answers PING. REDISCLI_AUTH is its password, where it has one; REDISCLI_PORT its
# port, where that is not 6379.
client=/usr/bin/redis-cli
[ -x "$client" ] || client=/usr/bin/valkey-cli
answer=$("$client" -p "${REDISCLI_PORT:-6379}" ping 2>&1)
echo "$answer"
[ "$answer" = PONG ]
