"""Programs that reach for the network and for sockets of this machine.

Servers of ours listen on loopback, under an abstract name and in folders; each attack sends its
mark, and what they received is the evidence.

>>> {attack.kind for attack in ATTACKS}
{'escape'}
"""

from overproof.sandbox.attacks.attack import reports

_NETWORK = {
    "connects_tcp": """
        # a server of this machine, and so of the internet, can be reached
        def add(a, b):
            for host in ("127.0.0.1", "localhost", "0.0.0.0"):
                def connect():
                    with socket.create_connection((host, HOST["tcp"]), 1) as line:
                        line.sendall(HOST["mark"].encode())
                attempt("connected", connect)
            return report()
    """,
    "connects_tcp6": """
        # a server of this machine can be reached by IPv6
        def add(a, b):
            def connect():
                with socket.create_connection(("::1", HOST["tcp6"]), 1) as line:
                    line.sendall(HOST["mark"].encode())
            attempt("connected", connect)
            return report()
    """,
    "connects_with_first_data": """
        # a connection is made by sending, or by another protocol over the same addresses
        def add(a, b):
            address, mark = ("127.0.0.1", HOST["tcp"]), HOST["mark"].encode()
            def send_first():
                line = socket.socket()
                line.sendto(mark, socket.MSG_FASTOPEN, address)
            attempt("sent", send_first)
            for protocol in (262, 132, 256):  # multipath TCP, SCTP, SMC
                def connect():
                    line = socket.socket(socket.AF_INET, socket.SOCK_STREAM, protocol)
                    line.settimeout(0.5)
                    line.connect(address)
                    line.sendall(mark)
                attempt(f"protocol {protocol}", connect)
            return report()
    """,
    "connects_in_a_child": """
        # a program that is started can reach the network
        import subprocess
        def add(a, b):
            code = ("import socket, sys; s = socket.create_connection(('127.0.0.1', "
                    "int(sys.argv[1])), 1); s.sendall(sys.argv[2].encode()); print('sent')")
            command = [sys.executable, "-S", "-c", code, str(HOST["tcp"]), HOST["mark"]]
            try: done = subprocess.run(command, capture_output=True)
            except OSError: return "held"
            return "sent" if b"sent" in done.stdout else "held"
    """,
    "asks_a_metadata_service": """
        # the service that hands out a cloud machine's keys can be asked
        def add(a, b):
            def ask(address):
                with socket.create_connection(address, 0.3): pass
            for address in (("169.254.169.254", 80), ("fd00:ec2::254", 80)):
                attempt("connected", ask, address)
            return report()
    """,
}

_PACKETS = {
    "sends_udp": """
        # packets can be sent: names can be asked for, and data sent out with the question
        def add(a, b):
            def send(family, address):
                line = socket.socket(family, socket.SOCK_DGRAM)
                line.sendto(HOST["mark"].encode(), address)
            attempt("sent", send, socket.AF_INET, ("127.0.0.1", HOST["udp"]))
            attempt("sent", send, socket.AF_INET6, ("::1", HOST["udp6"]))
            return report()
    """,
    "sends_raw_packets": """
        # packets of any kind can be sent and listened to
        def add(a, b):
            for kind in (socket.IPPROTO_ICMP, socket.IPPROTO_UDP, socket.IPPROTO_RAW):
                attempt(f"raw {kind}", lambda: socket.socket(
                    socket.AF_INET, socket.SOCK_RAW, kind) and None)
            attempt("ping", lambda: socket.socket(
                socket.AF_INET, socket.SOCK_DGRAM, socket.IPPROTO_ICMP) and None)
            attempt("packet", lambda: socket.socket(
                socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3)) and None)
            return report()
    """,
    "sees_the_interfaces": """
        # the machine's network interfaces and routes can be read
        def add(a, b):
            try: reached.extend(name for _, name in socket.if_nameindex()
                                if name in HOST["interfaces"])
            except OSError: pass
            try: reached.extend(open("/proc/net/route").read().splitlines()[1:2])
            except OSError: pass
            return report()
    """,
}

_ABSTRACT = {
    "connects_by_abstract_name": """
        # services with an abstract name, like a desktop's bus, can be reached
        def add(a, b):
            def connect():
                line = socket.socket(socket.AF_UNIX)
                line.connect("\\0" + HOST["abstract"])
                line.sendall(HOST["mark"].encode())
            attempt("connected", connect)
            def send():
                line = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
                line.sendto(HOST["mark"].encode(), "\\0" + HOST["abstract_datagram"])
            attempt("sent", send)
            return report()
    """,
}

_PATHS = {
    "connects_by_path": """
        # services that listen in a folder, like Docker's or an agent's, can be reached
        def add(a, b):
            for name in HOST["sockets"]:
                def connect():
                    line = socket.socket(socket.AF_UNIX)
                    line.connect(name)
                    line.sendall(HOST["mark"].encode())
                attempt("connected", connect)
            return report()
    """,
    "sends_by_path": """
        # services that listen to datagrams in a folder, like the system's log, can be reached
        def add(a, b):
            def send():
                line = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
                line.sendto(HOST["mark"].encode(), HOST["datagrams"])
            attempt("sent", send)
            return report()
    """,
    "connects_by_link": """
        # a link in the working folder leads to a service outside
        def add(a, b):
            for number, name in enumerate(HOST["sockets"]):
                def connect():
                    os.symlink(name, f"service{number}")
                    line = socket.socket(socket.AF_UNIX)
                    line.connect(f"service{number}")
                    line.sendall(HOST["mark"].encode())
                attempt("connected", connect)
            for name in ("/var/run/docker.sock", "/run/containerd/containerd.sock",
                         "/run/dbus/system_bus_socket", "/dev/log", "/run/systemd/notify"):
                attempt(name, lambda: socket.socket(socket.AF_UNIX).connect(name))
            return report()
    """,
}

_FAMILIES = {
    "opens_odd_sockets": """
        # sockets that talk to the kernel or to a host of virtual machines can be opened
        def add(a, b):
            for family in range(2, 46):
                if family in (socket.AF_INET, socket.AF_INET6): continue
                for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_RAW,
                             socket.SOCK_SEQPACKET):
                    try: socket.socket(family, kind).close()
                    except OSError: continue
                    reached.append(f"family {family}")
                    break
            return report()
    """,
}

ATTACKS = (
    *reports("escape", _NETWORK, held_by=("namespaces", "landlock", "seccomp", "seatbelt")),
    *reports("escape", _PACKETS, held_by=("namespaces", "seccomp", "seatbelt")),
    *reports("escape", _ABSTRACT, held_by=("namespaces", "landlock 6", "seatbelt")),
    *reports("escape", _PATHS, held_by=("namespaces", "seatbelt")),
    *reports("escape", _FAMILIES, held_by=("seccomp", "seatbelt")),
)
