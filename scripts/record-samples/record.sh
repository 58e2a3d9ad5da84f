#!/bin/sh
# Record src/tocsin/samples/network/eve.jsonl: traffic made on purpose in two network namespaces, seen by a real Suricata.
# Needs root, suricata (7), iproute2, openssl, python3. Usage: scripts/record-samples/record.sh
set -eu
here=$(cd "$(dirname "$0")" && pwd)
out="$here/../../src/tocsin/samples/network/eve.jsonl"
work=$(mktemp -d)
in_ns=tocsin-rec-in
out_ns=tocsin-rec-out
pids=""

clean() {
    for pid in $pids; do kill "$pid" 2>/dev/null || true; done
    ip netns del "$in_ns" 2>/dev/null || true
    ip netns del "$out_ns" 2>/dev/null || true
    rm -rf "$work"
}
trap clean EXIT INT TERM

ip netns add "$in_ns"
ip netns add "$out_ns"
ip link add trec0 netns "$in_ns" type veth peer name trec1 netns "$out_ns"
for ns in "$in_ns" "$out_ns"; do ip -n "$ns" link set lo up; done
for host in 5 8 15 21 34 40; do ip -n "$in_ns" addr add "10.20.0.$host/24" dev trec0; done
for address in 203.0.113.66 198.51.100.1 198.51.100.20 198.51.100.30 198.51.100.53 198.51.100.77 192.0.2.99; do
    ip -n "$out_ns" addr add "$address/32" dev trec1
done
ip -n "$in_ns" link set trec0 up
ip -n "$out_ns" link set trec1 up
ip -n "$in_ns" route add default dev trec0
ip -n "$out_ns" route add 10.20.0.0/24 dev trec1

for name in c2:telemetry.cdn-metrics.example share:files.example; do
    mkdir "$work/${name%%:*}"
    openssl req -x509 -newkey rsa:2048 -nodes -days 3650 -subj "/CN=${name#*:}/O=Demo" \
        -keyout "$work/${name%%:*}/key.pem" -out "$work/${name%%:*}/cert.pem" 2>/dev/null
done

# The configuration names its companions relative to the folder Suricata is started in.
(cd "$here" && exec ip netns exec "$in_ns" suricata -c suricata.yaml -S demo.rules --af-packet=trec0 -k none -l "$work" >"$work/log" 2>&1) &
pids="$pids $!"
ip netns exec "$in_ns" python3 "$here/traffic.py" serve inside "$work" &
pids="$pids $!"
ip netns exec "$out_ns" python3 "$here/traffic.py" serve outside "$work" &
pids="$pids $!"

tries=0
until grep -q "Engine started" "$work/log"; do
    tries=$((tries + 1))
    if [ "$tries" -gt 100 ]; then cat "$work/log"; exit 1; fi
    sleep 0.2
done
sleep 1
ip netns exec "$out_ns" python3 "$here/traffic.py" drive outside
ip netns exec "$in_ns" python3 "$here/traffic.py" drive inside
sleep 2
for pid in $pids; do kill "$pid" 2>/dev/null || true; done
wait
pids=""
mkdir -p "$(dirname "$out")"
cp "$work/eve.json" "$out"
echo "$(grep -c '"event_type":"alert"' "$out") alerts in $(wc -l <"$out") events: $out"
