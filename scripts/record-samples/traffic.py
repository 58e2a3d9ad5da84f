"""Make the traffic of the recording: servers and clients in two network namespaces, over real sockets.

`traffic.py serve outside|inside DIR` runs the servers of one namespace; `traffic.py drive outside|inside` the clients of one.
"""

import http.server
import socket
import socketserver
import ssl
import struct
import sys
import threading
import time
from pathlib import Path

C2, RESOLVER, MIRROR, SHARE, PROBER, BRUTE, WATCHED = (
    "203.0.113.66", "198.51.100.53", "198.51.100.20", "198.51.100.30", "198.51.100.77", "192.0.2.99", "198.51.100.1",
)  # fmt: skip
INFECTED, BUILDER, OLD_PC, LAPTOP, MONITOR, SERVER = "10.20.0.15", "10.20.0.21", "10.20.0.34", "10.20.0.40", "10.20.0.5", "10.20.0.8"


class Pages(http.server.BaseHTTPRequestHandler):
    """Serve a made-up package for every path but dot files."""

    protocol_version = "HTTP/1.1"
    server_version = "demo"
    sys_version = ""

    def do_GET(self) -> None:
        """Answer with a file, or with 404 for a dot file."""
        found = not self.path.startswith("/.")
        body = f"demo package {self.path}\n".encode() * 20 if found else b"not found\n"
        self.send_response(200 if found else 404)
        self.send_header("Content-Type", "application/octet-stream" if found else "text/plain")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


class Server(socketserver.ThreadingTCPServer):
    """An HTTP server that asks no resolver for its own name, as http.server's does."""

    allow_reuse_address = True


def serve_http(address: str) -> None:
    """Serve plain HTTP on port 80."""
    Server((address, 80), Pages).serve_forever()


def serve_tls(address: str, cert: Path) -> None:
    """Serve HTTP over TLS on port 443."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.maximum_version = ssl.TLSVersion.TLSv1_2  # so that the sensor sees the certificate
    context.load_cert_chain(cert / "cert.pem", cert / "key.pem")
    server = Server((address, 443), Pages)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    server.serve_forever()


def serve_dns() -> None:
    """Answer every A query: the command server's name with its address, others with the mirror's."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind((RESOLVER, 53))
    while True:
        query, client = sock.recvfrom(4096)
        address = C2 if b"cdn-metrics" in query else MIRROR
        head = query[:2] + b"\x81\x80" + query[4:6] + query[4:6] + b"\0\0\0\0"
        answer = b"\xc0\x0c" + struct.pack("!HHIH", 1, 1, 300, 4) + socket.inet_aton(address)
        sock.sendto(head + query[12:] + answer, client)


def serve_ssh() -> None:
    """Greet as an SSH server, read the client's greeting, hang up."""
    server = socket.create_server((SERVER, 22))
    while True:
        client, _ = server.accept()
        client.sendall(b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n")
        client.recv(256)
        time.sleep(0.05)
        client.close()


def resolve(source: str, name: str) -> None:
    """Ask the public resolver for an A record."""
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(2)
        sock.bind((source, 0))
        number = int(time.monotonic() * 1000) & 0xFFFF
        sock.sendto(struct.pack("!HHHHHH", number, 0x100, 1, 0, 0, 0) + labels + b"\0\0\1\0\1", (RESOLVER, 53))
        sock.recv(512)


def get(path: str, host: str, agent: str) -> str:
    """Write a GET request."""
    return f"GET {path} HTTP/1.1\nHost: {host}\nUser-Agent: {agent}\nConnection: close\n\n"


def fetch(source: str, address: str, request: str) -> None:
    """Send one HTTP request and read the answer to its end."""
    with socket.create_connection((address, 80), timeout=3, source_address=(source, 0)) as sock:
        sock.sendall(request.replace("\n", "\r\n").encode())
        while sock.recv(4096):
            pass


def fetch_tls(source: str, address: str, name: str) -> None:
    """Send one request over TLS with a server name."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # the demo's certificates are its own
    with (
        socket.create_connection((address, 443), timeout=3, source_address=(source, 0)) as plain,
        context.wrap_socket(plain, server_hostname=name) as sock,
    ):
        sock.sendall(f"GET /v2/ping HTTP/1.1\r\nHost: {name}\r\nConnection: close\r\n\r\n".encode())
        while sock.recv(4096):
            pass


def ping(source: str, address: str) -> None:
    """Send one ICMP echo request and wait for the reply."""
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP) as sock:
        sock.settimeout(2)
        sock.bind((source, 0))
        packet = struct.pack("!BBHHH", 8, 0, 0, 7, 1) + b"monitoring-probe"
        total = sum(struct.unpack(f"!{len(packet) // 2}H", packet))
        total = (total >> 16) + (total & 0xFFFF)
        checksum = ~(total + (total >> 16)) & 0xFFFF
        sock.sendto(packet[:2] + struct.pack("!H", checksum) + packet[4:], (address, 0))
        sock.recv(512)


def drive_outside() -> None:
    """Knock from outside: a port scan, dot-file probes, SSH logins by the dozen."""
    for port in range(8000, 8045):
        with socket.socket() as sock:
            sock.settimeout(0.5)
            sock.bind((PROBER, 0))
            sock.connect_ex((SERVER, port))
    for path in ("/.env", "/.git/config", "/.aws/credentials", "/.env", "/.htpasswd"):
        fetch(PROBER, SERVER, get(path, "www.corp.example", "probe/1.0"))
    for _ in range(20):
        with socket.create_connection((SERVER, 22), timeout=2, source_address=(BRUTE, 0)) as sock:
            sock.recv(256)
            sock.sendall(b"SSH-2.0-libssh_0.9.6\r\n")
            sock.recv(256)
            time.sleep(0.05)


def drive_inside() -> None:
    """Do a day's work in a few seconds, and let one machine call its command server."""
    for round in range(4):
        ping(MONITOR, WATCHED)
        resolve(LAPTOP, "www.intranet.test")
        resolve(BUILDER, f"mirror{round}.packages.example")
        fetch(BUILDER, MIRROR, get(f"/pool/tool-1.{round}.tar.gz", "mirror.packages.example", "Python-urllib/3.11"))
        if round % 2:
            resolve(INFECTED, "telemetry.cdn-metrics.example")
            fetch(OLD_PC, MIRROR, get("/news", "news.example", "Mozilla/4.0 (compatible; MSIE 6.0; Windows NT 5.1)"))
        fetch_tls(INFECTED, C2, "telemetry.cdn-metrics.example")
        fetch_tls(LAPTOP, SHARE, "files.example")
        ping(MONITOR, WATCHED)
        time.sleep(0.3)


def serve(side: str, cert: Path) -> None:
    """Run the servers of a namespace until killed."""
    if side == "inside":
        jobs = [(serve_http, (SERVER,)), (serve_ssh, ())]
    else:
        jobs = [(serve_http, (MIRROR,)), (serve_tls, (C2, cert / "c2")), (serve_tls, (SHARE, cert / "share")), (serve_dns, ())]
    threads = [threading.Thread(target=run, args=args, daemon=True) for run, args in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    verb, side = sys.argv[1:3]
    if verb == "serve":
        serve(side, Path(sys.argv[3]))
    elif side == "outside":
        drive_outside()
    else:
        drive_inside()
