# Debian's amqp-tools, on librabbitmq: a client in C.
url=--url=$AMQP_URL
fails() { { "$@" 2>&1 || echo "failed: $?"; } | sed "s/ in vhost '[^']*'//"; }

amqp-declare-queue $url -q tools
fails amqp-declare-queue $url -q tools -d
amqp-publish $url -r tools -b one -p -C text/plain
printf 'two\nthree\n' | amqp-publish $url -r tools -l
amqp-get $url -q tools && echo
amqp-consume $url -q tools -c 2 cat
fails amqp-get $url -q tools
fails amqp-publish $url -e nope -r k -b lost
fails amqp-consume $url -q nope cat
head -c 300000 /dev/zero | amqp-publish $url -r tools
amqp-get $url -q tools | wc -c
amqp-delete-queue $url -q tools
