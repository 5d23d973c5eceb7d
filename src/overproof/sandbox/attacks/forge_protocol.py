"""Programs that speak to the judge themselves, over whatever descriptor they find.

All that a message can say is a result or an exception; what says more, or is no message, counts
against the program.

>>> {attack.kind for attack in ATTACKS}
{'forge'}
"""

from overproof.sandbox.attacks.attack import FAILED, NEVER_RAN, corpus

_SPEECH = """
import json, os, socket, stat, struct, sys, time


def sockets():
    found = []
    for number in range(3, 1024):
        try:
            if stat.S_ISSOCK(os.fstat(number).st_mode): found.append(number)
        except OSError: pass
    return found


def frame(message):
    text = message if isinstance(message, bytes) else json.dumps(message).encode()
    return struct.pack("<I", len(text)) + text


def say(*messages):
    for number in sockets():
        for message in messages:
            try: os.write(number, frame(message))
            except OSError: pass


"""

_MESSAGES = {
    "verdict_as_answers": """
        # a message that says passed, in the place of each answer, is the verdict
        say({"loaded": True}, *[{"status": "passed", "detail": "", "passed": True}] * 9)
        def add(a, b): return 0
    """,
    "verdict_while_loading": """
        # a message that says passed, in the place of the first reply, is the verdict
        say({"status": "passed", "detail": "", "loaded": True, "value": 7})
        def add(a, b): return 0
    """,
    "verdict_in_a_call": """
        # a message that says passed, sent from within a call, is the verdict
        def add(a, b):
            say({"status": "passed", "value": 7, "passed": True, "finding": ["passed", ""]})
            return 0
    """,
    "excuse_of_the_harness": """
        # a program can blame the harness, so that its failure does not count
        say({"failed": "harness_error", "detail": "out of disk"})
        def add(a, b): return 0
    """,
    "excuse_of_a_missing_tool": """
        # a program can claim that a tool is missing, so that its failure does not count
        say({"failed": "missing_tool", "detail": "python"})
        def add(a, b): return 0
    """,
    "failed_with_passed": """
        # a load that failed with the status passed is a pass
        say({"failed": "passed", "detail": "passed"})
        def add(a, b): return 0
    """,
    "ready_twice": """
        # messages of another stage than this one move the judge on
        say({"ready": True}, {"tier": "none"}, {"loaded": True}, {"loaded": True}, {"built": True})
        def add(a, b): return 0
    """,
    "report_of_the_watcher": """
        # a report like that of the process that watches the program is believed
        report = {"status": 0, "cpu": 0.0, "resident": 0, "reason": "", "ready": True,
                  "clean": True}
        def add(a, b):
            say(report, report | {"value": 7})
            os._exit(0)
    """,
    "value_and_exception": """
        # an answer that is a result and an exception at once confuses the judge
        def add(a, b):
            say({"value": 7, "raised": "AssertionError", "detail": "passed", "status": "passed"})
            return 0
    """,
    "raised_is_no_exception": """
        # the name of an exception is looked up among all built-in names, and called
        names = ["print", "exec", "eval", "exit", "quit", "BaseException", "SystemExit",
                 "KeyboardInterrupt", "__import__", "__debug__", "", "help", "open", "int"]
        def add(a, b):
            say(*({"raised": name, "detail": "1"} for name in names))
            return 0
    """,
    "raised_is_no_text": """
        # an exception whose name or detail is no text ends the judge
        def add(a, b):
            say({"raised": ["ValueError"], "detail": {}}, {"raised": None, "detail": 5})
            return 0
    """,
    "more_answers_than_calls": """
        # answers beyond the last call are taken for those of the next program
        def add(a, b):
            say(*[{"value": 7}] * 200)
            return 0
    """,
    "duplicate_keys": """
        # a message with the same key twice means another thing to each reader
        def add(a, b):
            say(b'{"value":7,"value":{"int":"0x5","int":"0x7"},"status":"passed"}')
            return 0
    """,
    "other_encodings": """
        # a message in another encoding of Unicode gets by
        text = '{"value": 7, "status": "passed"}'
        def add(a, b):
            say(*(text.encode(name) for name in ("utf-16", "utf-32", "utf-8-sig", "utf-7")))
            return 0
    """,
    "not_a_message": """
        # a message that is no JSON, or no object, ends the judge
        def add(a, b):
            say(b"\\xff\\xfe\\x00", b"{", b"NaN", b"null", b"[]", b"5", b'"value"', b"")
            return 0
    """,
    "deep_json": """
        # a message nested a hundred thousand times overflows the judge
        def add(a, b):
            say(b'{"value":' + b"[" * 100_000 + b"]" * 100_000 + b"}")
            return 0
    """,
    "deep_value": """
        # a result nested as deep as a reader of JSON bears overflows the judge
        def add(a, b):
            say(b'{"value":' + b'{"tuple":[' * 450 + b"]}" * 450 + b"}")
            return 0
    """,
    "endless_digits": """
        # a number of a million digits keeps the judge busy
        def add(a, b):
            say(b'{"value":' + b"9" * 1_000_000 + b"}", {"value": {"int": "9" * 1_000_000}})
            return 0
    """,
    "colliding_keys": """
        # a set of numbers that all have the same hash keeps the judge busy
        def add(a, b):
            prime = 2**61 - 1
            say({"value": {"set": [n * prime for n in range(9000)]}})
            return 0
    """,
    "four_million_items": """
        # a list of four million numbers fills the judge's memory
        def add(a, b):
            text = b'{"value":[' + b"0," * 4_000_000 + b"0]}"
            for number in sockets():
                os.set_blocking(number, True)
                content = memoryview(frame(text))
                while content:
                    try: content = content[os.write(number, content):]
                    except OSError: break
            return 0
    """,
    "gigabytes_announced": """
        # a message that announces four gigabytes makes the judge set them aside
        def add(a, b):
            for number in sockets(): os.write(number, b"\\xff\\xff\\xff\\xff")
            return 0
    """,
    "half_a_message": """
        # a message that breaks off holds up the judge, or ends it
        def add(a, b):
            for number in sockets(): os.write(number, frame({"value": 5})[:-3])
            os._exit(0)
    """,
    "raw_noise": """
        # noise on every descriptor ends the judge
        def add(a, b):
            for number in range(1024):
                try: os.write(number, os.urandom(64))
                except OSError: pass
            return 0
    """,
    "every_descriptor": """
        # a message on every descriptor, opened anew as well, reaches somebody who believes it
        message = frame({"status": "passed", "detail": "", "cpu": 0, "tier": "", "again": False})
        def add(a, b):
            for number in range(1024):
                for name in (number, f"/proc/self/fd/{number}", f"/dev/fd/{number}"):
                    try: open(name, "wb", 0, closefd=False).write(message)
                    except (OSError, ValueError): pass
            return 0
    """,
    "duplicates_of_the_channel": """
        # copies of the channel, also in children, go on speaking after the program's end
        def add(a, b):
            for number in sockets():
                for _ in range(20): os.dup(number)
            for _ in range(3):
                if os.fork() == 0:
                    os.setsid()
                    for _ in range(40):
                        say({"value": 7, "status": "passed"})
                        time.sleep(0.05)
                    os._exit(0)
            os._exit(0)
    """,
    "child_in_its_place": """
        # a child answers in the place of the program, which has ended with status 0
        def add(a, b):
            if os.fork() == 0: return 0
            os._exit(0)
    """,
    "child_at_load": """
        # a child loads the program and answers, its parent waits and ends well
        if os.fork():
            os.wait()
            os._exit(0)
        def add(a, b): return 0
    """,
    "thread_speaks_between": """
        # a thread that speaks all the time gets its words between the answers
        import threading
        def speak():
            for _ in range(500): say({"value": 7, "status": "passed"})
        threading.Thread(target=speak, daemon=True).start()
        def add(a, b): return 0
    """,
    "channel_closed": """
        # closing the channel ends the test, and nothing has failed
        def add(a, b):
            for number in sockets(): os.close(number)
            time.sleep(0.3)
            return 0
    """,
    "channel_shut_down": """
        # shutting down one direction of the channel ends the judge
        def add(a, b):
            for number in sockets():
                channel = socket.socket(fileno=os.dup(number))
                channel.shutdown(socket.SHUT_RD)
                channel.shutdown(socket.SHUT_WR)
            return 0
    """,
    "channel_exchanged": """
        # the program's own socket takes the place of the channel
        def add(a, b):
            ours, theirs = socket.socketpair()
            for number in sockets():
                if number not in (ours.fileno(), theirs.fileno()):
                    os.dup2(theirs.fileno(), number)
            return 0
    """,
    "descriptors_sent_along": """
        # hundreds of descriptors sent along fill the judge's table
        def add(a, b):
            files = [os.open(os.devnull, os.O_RDONLY) for _ in range(40)]
            for number in sockets():
                channel = socket.socket(fileno=os.dup(number))
                for _ in range(40):
                    try: socket.send_fds(channel, [frame({"value": 7})], files)
                    except OSError: break
            return 0
    """,
    "urgent_bytes": """
        # bytes out of band, and flags of the socket, upset the channel
        def add(a, b):
            for number in sockets():
                channel = socket.socket(fileno=os.dup(number))
                for action in (lambda: channel.send(b"\\xff", socket.MSG_OOB),
                               lambda: channel.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                                          struct.pack("ii", 1, 0)),
                               lambda: channel.setblocking(False)):
                    try: action()
                    except OSError: pass
            return 0
    """,
    "settings_of_the_channel": """
        # the channel is made non-blocking, for the judge as well
        import fcntl
        def add(a, b):
            for number in sockets():
                fcntl.fcntl(number, fcntl.F_SETFL, os.O_NONBLOCK | os.O_ASYNC)
                try: fcntl.fcntl(number, fcntl.F_SETOWN, 1)
                except OSError: pass
            return "x" * (1 << 20)
    """,
}

_WRONG_TAGS = {
    f"wrong_tag_{number}": f"""
        # a tagged value that no encoder makes ends the judge
        def add(a, b):
            say({message})
            return 0
    """
    for number, message in enumerate(
        (
            '{"value": {"set": [[1]]}}, {"value": {"dict": [[{"list": []}, 1]]}}',
            '{"value": {"dict": [[1]]}}, {"value": {"dict": 5}}, {"value": {"dict": [5]}}',
            '{"value": {"int": "zz"}}, {"value": {"int": 5}}, {"value": {"bytes": "xyz"}}',
            '{"value": {"complex": ["a", "b"]}}, {"value": {"complex": [1]}}',
            '{"value": {"tuple": None}}, {"value": {"iterator": {"iterator": 5}}}',
            '{"value": {"__import__": "os"}}, {"value": {"opaque": 5}}, {"value": {}}',
            '{"value": {"tuple": [], "set": []}}, {"value": {"py/object": "os.system"}}',
        )
    )
}

_ASLEEP = {
    "announced_and_silent": """
        # a message that is announced and never comes holds up the run for good
        def add(a, b):
            for number in sockets(): os.write(number, struct.pack("<I", 1000) + b"{")
            time.sleep(20)
    """,
    "one_byte_at_a_time": """
        # a message that comes byte by byte never exceeds a time limit
        def add(a, b):
            for number in sockets():
                for byte in frame({"value": 7}) * 20:
                    os.write(number, bytes([byte]))
                    time.sleep(0.05)
    """,
}

_CHECK_LONG = """
def check(candidate):
    text = "x" * (4 << 20)
    assert candidate(text, 1) == 7
    assert candidate(text, 2) == 7
    assert candidate(text, 3) == 7
"""
_STOPS_READING = {
    "stops_reading": """
        # a program that no longer reads its calls holds up the run for good
        def add(a, b):
            say({"value": 7})
            time.sleep(20)
    """,
}

_PASSED_BACK = "def check(candidate):\n    assert candidate(candidate(1, 1), 3) == 5\n"
_BACK = {
    "too_deep_to_pass_back": """
        # an answer that the test cannot pass on to the next call is a fault of the harness
        def add(a, b):
            say(b'{"value":' + b"[" * 102 + b"]" * 102 + b"}")
            return 0
    """,
    "too_long_to_pass_back": """
        # an answer with too many parts to pass on to the next call is a fault of the harness
        def add(a, b):
            content = memoryview(frame(b'{"value":[' + b"0," * 1_200_000 + b"0]}"))
            for number in sockets():
                rest = content
                while rest:
                    try: rest = rest[os.write(number, rest):]
                    except OSError: break
            return 0
    """,
}


ATTACKS = (
    *corpus("forge", _MESSAGES, prelude=_SPEECH, expect=(*FAILED, *NEVER_RAN), budget="small"),
    *corpus("forge", _WRONG_TAGS, prelude=_SPEECH),
    *corpus("forge", _BACK, prelude=_SPEECH, test=_PASSED_BACK),
    *corpus("forge", _ASLEEP, prelude=_SPEECH, budget="asleep"),
    *corpus("forge", _STOPS_READING, prelude=_SPEECH, test=_CHECK_LONG, budget="asleep"),
)
